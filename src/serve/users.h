// The operations on users, what is recommended to them among these.
#pragma once

#include "serve/service.h"

namespace cowatch::serve {

Response recommend(Call& call);
Response recommended(Call& call);
Response list_users(Call& call);
Response get_user(Call& call);
Response put_users(Call& call);
Response patch_user(Call& call);
Response delete_user(Call& call);

}  // namespace cowatch::serve
