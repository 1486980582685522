// One function for each verb; verbs.cpp lists them in the order of the help.
#pragma once

#include "cli/verb.h"

namespace cowatch {

Verb import_verb();
Verb extract_verb();
Verb render_verb();
Verb graph_verb();
Verb train_verb();
Verb embed_verb();
Verb evaluate_verb();
Verb related_verb();
Verb serve_verb();
Verb run_verb();
Verb search_verb();
Verb doctor_verb();
Verb index_verb();
Verb config_verb();
Verb vectors_verb();
Verb bench_verb();

}  // namespace cowatch
