// `cowatch-media render DIR [--threads N]`: draws the clips of a rendered platform that are not there yet.
#pragma once

namespace cowatch {

// DIR holds the render.json of media/platform.h. Exits 0 when every clip is there.
int render_main(int argc, char** argv);

}  // namespace cowatch
