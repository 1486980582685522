// Apart from version.cpp: programs that do not ask for the commit stay the same from one commit to the next.
#include "base/version.h"
#include "generated_version.h"

namespace cowatch {

std::string_view commit() {
  return COWATCH_COMMIT;
}

}  // namespace cowatch
