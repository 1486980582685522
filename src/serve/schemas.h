// Shapes of the JSON that goes in and out, as JSON Schema: documented in /api/openapi.json and enforced on
// every body.
#pragma once

#include <string>
#include <string_view>

#include "base/json_forward.h"

namespace cowatch::serve {

const Json& schemas();  // name → schema, in order of the documentation

// Throws bad_input with the place (a JSON pointer), what was expected and what was found, for the first
// difference between `value` and the named schema. Understands what schemas() uses: type, properties,
// required, additionalProperties, items, enum, minimum, maximum, minLength, maxLength, minItems, maxItems,
// $ref.
void check_schema(const Json& value, std::string_view name);

}  // namespace cowatch::serve
