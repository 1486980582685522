// The operations on feedback.
#pragma once

#include "serve/service.h"

namespace cowatch::serve {

Response user_feedback(Call& call);
Response item_feedback(Call& call);
Response pair_feedback(Call& call);
Response one_feedback(Call& call);
Response post_feedback(Call& call);
Response delete_feedback(Call& call);

}  // namespace cowatch::serve
