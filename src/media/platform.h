// A rendered platform: a folder that looks like the export of a real one, made from a World.
//
//   render.json         the settings it was made from, and the mark that the folder is ours
//   videos.jsonl        what is known of each video: `cowatch import WS --videos`
//   events.jsonl        what people did, one person after the other: `cowatch import WS --events`
//   videos/v000012.mp4  the clips, drawn by `cowatch-media render`
//   features.npy        in place of clips when there are none: what an extractor would have seen
//   truth/              the factors behind it all; nothing outside refers to them
#pragma once

#include "base/file.h"
#include "media/world.h"

namespace cowatch {

struct PlatformSettings {
  WorldSettings world;
  bool clips = true;  // false: simulated features in their place
};

struct PlatformSummary {
  uint64_t videos = 0, people = 0, events = 0, series = 0;
};

// Writes everything but the clips. The same settings again write the same bytes. Throws conflict when the
// folder holds something else, or a platform made from other settings.
PlatformSummary write_platform(const PlatformSettings& settings, const Path& folder);

// From render.json. Throws not_found or bad_input.
PlatformSettings read_platform_settings(const Path& folder);

Path clip_path(const Path& folder, uint32_t video);

}  // namespace cowatch
