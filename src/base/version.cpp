#include "base/version.h"

#include "generated_version.h"

namespace cowatch {

std::string_view version() {
  return COWATCH_VERSION;
}

}  // namespace cowatch
