// `cowatch-media versions`: the libraries this program was built with and runs with, for `cowatch doctor`.
#pragma once

namespace cowatch {

// Prints one JSON object: {"ffmpeg": {"avcodec": "59.37.100", …}, "opencv": "4.6.0", "seccomp": "2.5.4", …}.
int versions_main(int argc, char** argv);

}  // namespace cowatch
