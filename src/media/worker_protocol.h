// What `cowatch` and `cowatch-media extract --serve` say to each other.
//
// They share a SOCK_SEQPACKET socket (descriptor 3 of the worker). The worker greets with WorkerGreeting. For
// each file the client sends a WorkerJob with two descriptors beside it, the file opened for reading and the
// writing end of a pipe, and the worker answers with a WorkerVerdict after the process that it forked for the
// file has ended. That process writes its result, encode_result(), to the pipe; it has handled hostile bytes,
// so decode_result() believes nothing.
//
// Result (little-endian): "CWMF", u32 version, u64 length of what follows, u64 xxh3 of what follows; then the
// fields of MediaFeatures in order: numbers as they are, texts and arrays with a u32 length before them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "media/limits.h"
#include "media/media_features.h"

namespace cowatch {

inline constexpr uint32_t worker_protocol_version = 1;
inline constexpr int worker_socket = 3;  // descriptor number in the worker
inline constexpr size_t max_result_bytes = size_t{32} << 20;

struct WorkerGreeting {
  uint32_t protocol = worker_protocol_version;
  uint32_t layout = feature_layout_version;
  uint32_t namespaces = 0;  // 1: runs in user, mount, network and IPC namespaces of its own
};

enum class WorkerTask : uint32_t { extract, try_to_escape, never_end };

struct WorkerJob {
  MediaLimits limits;
  WorkerTask task = WorkerTask::extract;
};

// How the process for one file ended.
struct WorkerVerdict {
  enum class End : uint32_t { exited, signalled, timed_out };
  End end = End::exited;
  int32_t code = 0;  // exit status or signal number
};

std::string encode_result(const MediaFeatures& features);
// Throws ErrorCode::damaged when anything is out of place: lengths, checksum, sizes beyond `limits`, values
// that are not finite, a poster that is no JPEG, a preview that is no MP4.
MediaFeatures decode_result(std::string_view bytes, const MediaLimits& limits);

}  // namespace cowatch
