#include "serve/body.h"

#include "base/json.h"
#include "serve/message.h"

namespace cowatch::serve {

Json parse_body(const std::string& text) {
  return parse_json_body(text);
}

}  // namespace cowatch::serve
