// What is wrong with the rows of a batch: all of them are looked at, so that one answer names every bad one.
// The batch is refused as a whole.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace cowatch {

class RowErrors {
 public:
  template <typename Work>
  void attempt(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      if (errors_.size() < most_named) errors_.push_back(error);
      ++count_;
    }
  }
  // The first error; the others follow it, one a line.
  void throw_if_any() const {
    if (count_ == 0) return;
    if (count_ == 1) throw errors_[0];
    Error::Details details = errors_[0].details();
    details.found += "; " + std::to_string(count_ - 1) + " more rows are bad, nothing was written:";
    for (size_t i = 1; i < errors_.size(); ++i) details.found += "\n" + std::string(errors_[i].what());
    if (count_ > errors_.size()) details.found += "\n…";
    throw Error(errors_[0].code(), errors_[0].message(), details);
  }

 private:
  static constexpr size_t most_named = 100;
  std::vector<Error> errors_;
  size_t count_ = 0;
};

}  // namespace cowatch
