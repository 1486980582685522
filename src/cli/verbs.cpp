#include "cli/verbs.h"

namespace cowatch {

const std::vector<Verb>& verbs() {
  // clang-format off
  static const std::vector<Verb> all = {
      // One a line.
      import_verb(),
      render_verb(),
      extract_verb(),
      graph_verb(),
      train_verb(),
      embed_verb(),
      index_verb(),
      evaluate_verb(),
      run_verb(),
      related_verb(),
      search_verb(),
      serve_verb(),
      vectors_verb(),
      doctor_verb(),
      config_verb(),
      bench_verb(),
  };
  // clang-format on
  return all;
}

}  // namespace cowatch
