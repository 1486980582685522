// The stage that embeds the whole catalogue: model and features in, embeddings.safetensors out.
#pragma once

#include <string>

#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

struct EmbedSummary {
  uint64_t videos = 0, embedded = 0, width = 0;  // embedded: those with any modality
  double seconds = 0;
};

std::string embed_fingerprint(const Workspace& workspace, const Settings& settings);
bool embeddings_are_current(const Workspace& workspace, const Settings& settings);

// Rows pass in blocks: memory stays at a few MB for a catalogue of any size.
EmbedSummary run_embed_stage(const Workspace& workspace, const Settings& settings);

}  // namespace cowatch
