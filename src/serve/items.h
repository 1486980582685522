// The operations on items: lists and search, changes, related, popular and newest videos.
#pragma once

#include "serve/service.h"

namespace cowatch::serve {

Response list_items(Call& call);
Response get_item(Call& call);
Response put_items(Call& call);
Response patch_item(Call& call);
Response delete_item(Call& call);
Response item_to_item(Call& call);
Response popular(Call& call);
Response latest(Call& call);

}  // namespace cowatch::serve
