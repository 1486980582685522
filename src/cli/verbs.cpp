#include "cli/verbs.h"

namespace cowatch {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      import_verb(), render_verb(), graph_verb(), train_verb(), embed_verb(), evaluate_verb(), config_verb(), bench_verb(),
  };
  return all;
}

}  // namespace cowatch
