// Records as the JSON of the documented schemas.
#pragma once

#include "base/json.h"
#include "pipeline/ranking.h"
#include "store/catalogue.h"

namespace cowatch::serve {

Json to_json(const ItemRecord& item, const Catalogue& catalogue);
Json to_json(const UserRecord& user);
Json to_json(const Event& event);
Json to_json(const Related& related, const Catalogue& catalogue);
Json to_json(const Ranked& ranked, const Catalogue& catalogue);
std::string percent_encoded(std::string_view text);

}  // namespace cowatch::serve
