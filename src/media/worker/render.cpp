#include "media/worker/render.h"

extern "C" {
#include <libavutil/log.h>
}

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/progress.h"
#include "base/threads.h"
#include "media/platform.h"
#include "media/worker/render/clip.h"

namespace cowatch {
namespace {

void draw_missing_clips(const Path& folder) {
  const World world = make_world(read_platform_settings(folder).world);
  std::vector<uint32_t> missing;
  for (uint32_t v = 0; v < world.videos.size(); ++v)
    if (!std::filesystem::exists(clip_path(folder, v))) missing.push_back(v);
  if (missing.empty()) return;
  std::filesystem::create_directories(folder / "videos");
  Progress progress("drawing clips", "clips", missing.size());
  parallel_for(missing.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      if (interrupted()) return;
      write_atomically(clip_path(folder, missing[i]), draw_clip(world, missing[i]));
      progress.add();
    }
  });
  throw_if_interrupted();
}

}  // namespace

int render_main(int argc, char** argv) {
  const bool with_threads = argc == 4 && std::string_view(argv[2]) == "--threads";
  if (argc != 2 && !with_threads) {
    std::fputs("cowatch-media render DIR [--threads N]\n", stderr);
    return 2;
  }
  av_log_set_level(AV_LOG_ERROR);
  handle_interrupts();
  if (with_threads) set_threads(std::strtoul(argv[3], nullptr, 10));
  try {
    draw_missing_clips(argv[1]);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return error_kind(error.code()).exit_status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}

}  // namespace cowatch
