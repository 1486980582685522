// Asks another server over gRPC (Forward of vectors.proto).
#pragma once

#include <memory>

#include "serve/vectors/shard_links.h"

namespace cowatch::rpc {

// Connects when it is first asked, and again, within a second, after the connection broke. An answer that
// cannot come is told at once.
std::unique_ptr<serve::ShardLink> open_shard_link(const Shard& shard);

}  // namespace cowatch::rpc
