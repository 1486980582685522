// The code of the error that some work throws; internal when it throws none.
#pragma once

#include <functional>

#include "base/error.h"

namespace cowatch::test {

inline ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace cowatch::test
