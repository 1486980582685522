// `cowatch render`: a platform that does not exist, with clips, people and a log.
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/threads.h"
#include "cli/verbs.h"
#include "media/platform.h"

namespace cowatch {
namespace {

struct RenderArguments {
  Path folder;
  PlatformSettings platform;
  bool no_video = false, as_json = false;
};

// Drawing needs libraries that this program does not load: another one does it.
void draw_clips(const Path& folder) {
  const std::string program = (program_folder() / "cowatch-media").string();
  const std::string target = folder.string(), limit = std::to_string(threads());
  const char* arguments[] = {program.c_str(), "render", target.c_str(), "--threads", limit.c_str(), nullptr};
  pid_t child = 0;
  const int failure =
      posix_spawn(&child, program.c_str(), nullptr, nullptr, const_cast<char**>(arguments), environ);
  if (failure != 0) {
    errno = failure;
    throw_system_error("start", program);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw_system_error("wait for", program);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const bool stopped = WIFEXITED(status) && WEXITSTATUS(status) == 130;
  throw Error(stopped ? ErrorCode::interrupted : ErrorCode::system, "not all clips were drawn",
              {.where = folder.string(), .remedy = "The same command goes on where it stopped."});
}

void run_render(const RenderArguments& options) {
  PlatformSettings platform = options.platform;
  platform.clips = !options.no_video;
  // As many people as videos keep the co-watch graph of a small platform from being nearly complete.
  if (platform.world.people == 0) platform.world.people = platform.world.videos;
  const PlatformSummary summary = write_platform(platform, options.folder);
  if (platform.clips) draw_clips(options.folder);
  if (options.as_json) {
    const Json json = {{"folder", options.folder.string()},
                       {"videos", summary.videos},
                       {"series", summary.series},
                       {"people", summary.people},
                       {"events", summary.events}};
    std::cout << json.dump(2) << "\n";
    return;
  }
  const std::string folder = options.folder.string();
  std::cout << summary.videos << " videos in " << summary.series << " series, " << summary.people
            << " people, " << summary.events << " events in " << folder
            << "\nNext: cowatch import WS --videos " << folder << "/videos.jsonl --events " << folder
            << "/events.jsonl" << (platform.clips ? "" : " --features " + folder + "/features.npy") << "\n";
}

void configure_render(CommandLine app) {
  const auto options = std::make_shared<RenderArguments>();
  WorldSettings& world = options->platform.world;
  app.add_option("DIR", options->folder, "the platform's folder; a new one, or one to finish").required();
  app.add_option("--videos", world.videos, "how many").with_default();
  app.add_option("--people", world.people, "how many; as many as videos when absent");
  app.add_option("--seed", world.seed, "another seed, another platform").with_default();
  app.add_option("--correlation", world.correlation,
                 "of factors: 0 independent, 1 each subject has its own motion, sound and background")
      .with_default();
  app.add_option("--watches", world.watches_per_person, "of a person, in the mean").with_default();
  app.add_option("--days", world.days, "length of the log").with_default();
  app.add_flag("--no-video", options->no_video, "no clips but features as an extractor would see them");
  app.add_flag("--json", options->as_json, "print the result as JSON");
  app.callback([options] { run_render(*options); });
}

}  // namespace

Verb render_verb() {
  return {"render", "Data", "make a platform that does not exist: clips, people and a log",
          "  cowatch render platform --videos 300 --people 400 --seed 7\n"
          "  cowatch render platform --videos 100000 --no-video   features in place of clips\n"
          "  cowatch render platform --correlation 0.8            subjects keep to their usual sound",
          configure_render};
}

}  // namespace cowatch
