// A folder of its own for one test.
#pragma once

#include "base/temporary_folder.h"

namespace cowatch::test {

using cowatch::TemporaryFolder;

}  // namespace cowatch::test
