// The operations behind the page's views: health, tree, map, curves, upload.
#pragma once

#include "serve/service.h"

namespace cowatch::serve {

Response ready(Call& call);
Response health(Call& call);
Response summary(Call& call);
Response tree(Call& call);
Response cluster(Call& call);
Response map(Call& call);
Response curves(Call& call);
Response search_upload(Call& call);

}  // namespace cowatch::serve
