#include "bench/pair_counts.h"

#include "base/error.h"

namespace cowatch::bench {
namespace {

std::string name_of(const Json& row) {
  const std::string engine = row["engine"].get<std::string>();
  return row.contains("memory_mib") ? engine + " with --memory " + row["memory_mib"].dump() : engine;
}

}  // namespace

void check_same_counts(const std::vector<Json>& rows) {
  for (const char* count : {"pairs", "weight_sum", "hash"}) {
    const Json* first = nullptr;
    for (const Json& row : rows) {
      if (!row.contains(count)) continue;
      if (first == nullptr) first = &row;
      if (row[count] == (*first)[count]) continue;
      throw Error(ErrorCode::internal, "the engines did not count the same pairs",
                  {.where = std::string("`") + count + "` of " + name_of(row),
                   .expected = (*first)[count].dump() + ", as " + name_of(*first),
                   .found = row[count].dump(),
                   .remedy = "Believe none of the times: one of them counts wrongly."});
    }
  }
}

}  // namespace cowatch::bench
