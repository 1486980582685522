// How a key reaches into a payload, of filters and of what is shown or erased: "city", "address.city", "tags"
// (every element of an array), "visits[].city" (the member of every element).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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

// Throws bad_input for a key in a syntax that reaches nothing here: a[0], "a.b" in quotes, a[][].
void check_key(std::string_view key, const std::string& where);
// A payload of what the keys name alone. Elements of an array that a key enters stay in their places.
Json only_keys(const Json& payload, const std::vector<std::string>& keys);
void drop_keys(Json& payload, const std::vector<std::string>& keys);

}  // namespace cowatch
