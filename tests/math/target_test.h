// Runs a check once on every instruction set that this processor has, of those that Highway compiled.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "math/targets.h"

namespace cowatch::testing {

class EachTarget : public ::testing::Test {
 protected:
  void TearDown() override { use_all_targets(); }

  void for_each_target(const std::function<void()>& check) {
    for (const Target& target : supported_targets()) {
      SCOPED_TRACE(std::string(target.name));
      use_only(target);
      check();
      if (HasFatalFailure()) return;
    }
  }
};

}  // namespace cowatch::testing
