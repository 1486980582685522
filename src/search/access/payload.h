// How a key of a filter reaches into a payload: "city", "address.city", "tags" (every element of an array),
// "visits[].city" (the member of every element).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json_forward.h"

namespace cowatch {

// Holds every int64 and every double as it is: nanoseconds and large ids are not rounded before they are
// compared.
using Number = long double;
static_assert(std::numeric_limits<Number>::digits >= 64);

// What `match` compares with.
using Scalar = std::variant<bool, int64_t, std::string>;
std::optional<Scalar> scalar_of(const Json& value);       // nullopt: a float, null, object or array
std::optional<Number> number_of(const Json& value);       // whole numbers too; past int64 as a double
std::optional<int64_t> time_of(const Json& value);        // a date in ISO 8601 from 1990 to 2100, as ms since 1970
std::optional<int64_t> time_of(std::string_view text);

// Every node that `key` names in `payload`. Arrays are not entered except by "[]".
void visit_nodes(const Json& payload, std::string_view key, const std::function<void(const Json&)>& visit);
// Every (key, node) of `payload`: the keys are those that visit_nodes() would find the nodes by.
void visit_all(const Json& payload, const std::function<void(const std::string&, const Json&)>& visit);
// The values of a node: the elements of an array, or the node itself.
void visit_values(const Json& node, const std::function<void(const Json&)>& visit);
// How many values a node has: null 0, an array its length, anything else 1.
size_t count_values(const Json& node);

}  // namespace cowatch
