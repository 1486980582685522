#include "cli/verbs.h"

namespace cowatch {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      config_verb(),
      bench_verb(),
  };
  return all;
}

}  // namespace cowatch
