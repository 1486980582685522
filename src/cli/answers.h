// What several verbs print.
#pragma once

#include <string>

#include "pipeline/related.h"

namespace cowatch {

// A line of a summary.
void print_count(const std::string& name, uint64_t value, const std::string& note = "");
// A video and why it is there, in two lines.
void print(const Related& entry);
// Of people and videos to leave out that there are not: the answer is as without them.
void warn_of_unknown(const Catalogue& catalogue, const RelatedQuery& query);

}  // namespace cowatch
