// A picture as JPEG bytes.
#pragma once

#include <string>

#include "media/worker/pictures.h"

namespace cowatch {

std::string encode_jpeg(const SmallPicture& picture);

// How well a picture stands for its video: contrast, less for very dark and very bright ones.
double poster_score(const SmallPicture& picture);

}  // namespace cowatch
