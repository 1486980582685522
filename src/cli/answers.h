// What the questions over a workspace print.
#pragma once

#include "pipeline/related.h"

namespace cowatch {

// A video and why it is there, in two lines.
void print(const Related& entry);
// Of people and videos to leave out that there are not: the answer is as without them.
void warn_of_unknown(const Catalogue& catalogue, const RelatedQuery& query);

}  // namespace cowatch
