// What handlers read of a request: the records it names, its page of a list, the fields of its body.
#pragma once

#include <string>
#include <vector>

#include "pipeline/ranking.h"
#include "serve/service.h"

namespace cowatch::serve {

// Each throws not_found where there is none.
ItemRecord need_item(const Call& call, const std::string& id);
UserRecord need_user(const Call& call, const std::string& id);

uint32_t cursor_of(const Call& call);
size_t count_of(const Call& call, int64_t fallback = 24, int64_t most = 200);
constexpr int64_t most_ranked = 10'000'000;  // a wall may be walked to its end
RelatedQuery related_query(const Call& call, int64_t most_offset = 1000);
Response ranked_response(const Call& call, const std::vector<Ranked>& list);

int64_t time_of(const Json& body);           // its Timestamp; -1: none. bad_input with its place
std::string text_of(const Json& field);      // "" where it is null
std::string labels_of(const Json& body);     // its Labels as text; "": none
std::vector<Json> each_of(const Json& body);  // one record or several

}  // namespace cowatch::serve
