// Reads the fields of a JSON object, each at its place: what is missing, of another type, out of its range or
// not known at all is a bad_input that names the place, what was expected and what was found.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "search/access/point_id.h"

namespace cowatch::serve {

class Fields {
 public:
  // `where` is the object's place: "" for the body. `known` are all names it may have.
  Fields(const Json& object, std::string where, std::span<const std::string_view> known);
  Fields(const Json& object, std::string where, std::initializer_list<std::string_view> known)
      : Fields(object, std::move(where), std::span(known.begin(), known.size())) {}

  const Json* find(std::string_view name) const;  // null when absent or null
  const Json& need(std::string_view name, std::string_view expected) const;
  std::string place(std::string_view name) const { return where_ + "/" + std::string(name); }

  size_t whole(std::string_view name, size_t fallback, size_t least, size_t most) const;
  bool flag(std::string_view name, bool fallback) const;
  const double* number(std::string_view name, double& buffer) const;  // null when absent
  std::string text(std::string_view name, std::string_view fallback = "") const;
  const Json& list(std::string_view name) const;  // needed: an array
  std::vector<PointId> ids(std::string_view name, size_t most) const;  // needed, as read_ids()
  // Throws unsupported, naming the field, when one of them is given.
  void refuse(std::initializer_list<std::string_view> names, std::string_view remedy = "") const;
  // Throws bad_input when both are given: one of them would be ignored.
  void not_both(std::string_view one, std::string_view other) const;
  [[noreturn]] void wrong(std::string_view name, std::string_view expected) const;

 private:
  const Json& object_;
  std::string where_;
};

// A JSON array of ids, at most so many. Throws bad_input, and too_large.
std::vector<PointId> read_ids(const Json& json, const std::string& where, size_t most);

// A JSON array of numbers as a vector; NaN and infinity cannot be written in JSON, numbers past float32 are refused.
std::vector<float> read_vector(const Json& json, const std::string& where);

}  // namespace cowatch::serve
