// cowatch-media: the program that opens people's files and draws clips, apart from `cowatch` so that it can
// be limited and so that `cowatch` starts without FFmpeg and OpenCV.
//
// The first argument names the command; each command is a function `int NAME_main(int, char**)` declared in
// worker/NAME.h and listed here.
#include <cstdio>
#include <string_view>

#include "media/worker/extract.h"
#include "media/worker/render.h"
#include "media/worker/versions.h"

namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(int argc, char** argv);  // argv[0] is the command's name
};

constexpr Command commands[] = {
    {"render", "draw the clips of a rendered platform", cowatch::render_main},
    {"extract", "features, poster and preview of a media file, decoded in a confined process",
     cowatch::extract_main},
    {"versions", "print the versions of the libraries in use, as JSON", cowatch::versions_main},
};

void print_usage(std::FILE* out) {
  std::fputs("cowatch-media COMMAND ...: what `cowatch` runs apart from itself\n\n", out);
  for (const Command& command : commands) {
    std::fprintf(out, "  %-10s %s\n", command.name.data(), command.summary.data());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (const Command& command : commands) {
    if (command.name == name) return command.run(argc - 1, argv + 1);
  }
  const bool asked = name == "--help" || name == "-h";
  print_usage(asked ? stdout : stderr);
  return asked ? 0 : 2;
}
