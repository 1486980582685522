// What a server tells of all its collections.
#pragma once

#include <string>

#include "base/error.h"
#include "search/collection_set.h"

namespace cowatch::serve {

// Calls `visit` for each name. What it throws because the collection was deleted meanwhile passes that one
// over.
template <class Visit>
void each_collection(const CollectionSet& collections, const Visit& visit) {
  for (const std::string& name : collections.names()) {
    try {
      visit(name);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) throw;
    }
  }
}

}  // namespace cowatch::serve
