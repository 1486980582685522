#include "media/worker/versions.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}
#include <seccomp.h>

#include <cstdio>
#include <opencv2/core.hpp>
#include <string>

#include "base/json.h"
#include "base/version.h"

namespace cowatch {
namespace {

std::string dotted(unsigned version) {
  return std::to_string(AV_VERSION_MAJOR(version)) + "." + std::to_string(AV_VERSION_MINOR(version)) + "." +
         std::to_string(AV_VERSION_MICRO(version));
}

std::string seccomp_text() {
  const scmp_version* version = seccomp_version();
  if (!version) return "unknown";
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->micro);
}

}  // namespace

int versions_main(int, char**) {
  const Json json = {{"program", version()},
                     {"ffmpeg",
                      {{"release", av_version_info()},
                       {"avformat", dotted(avformat_version())},
                       {"avcodec", dotted(avcodec_version())},
                       {"swscale", dotted(swscale_version())},
                       {"swresample", dotted(swresample_version())}}},
                     {"h264_encoder", avcodec_find_encoder_by_name("libx264") != nullptr},
                     {"opencv", cv::getVersionString()},
                     {"seccomp", seccomp_text()}};
  std::puts(json.dump(2).c_str());
  return 0;
}

}  // namespace cowatch
