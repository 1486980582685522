// What `cowatch bench ann` and `cowatch bench codes` search: vectors from a file or generated, queries kept
// apart from them, and the exact answers.
#pragma once

#include <string>
#include <vector>

#include "bench/benchmark.h"
#include "search/compute/vector_index.h"

namespace cowatch::bench {

struct AnnData {
  std::string name;
  size_t dimension = 0;
  std::vector<float> vectors, queries;  // rows
  size_t count() const { return vectors.size() / dimension; }
  size_t asked() const { return queries.size() / dimension; }
  ConstMatrix rows() const { return {vectors.data(), count(), dimension}; }
  ConstMatrix questions() const { return {queries.data(), asked(), dimension}; }
  std::vector<std::vector<Scored>> truth;  // the exact k best of each query
};

struct AnnOptions {
  Path data;
  size_t vectors = 200'000, dimension = 128;  // to generate
  size_t queries = 1000, k = 10, passes = 5;
  std::string metric = "cosine";
};
void add_data_options(const Flags& add, AnnOptions& options);

// A file of vectors (search/io/vector_files.h) or a folder of the `graph` shape; an empty path generates;
// `settings` says which. `queries` rows chosen by the seed are taken out and asked. Rows of zeros are left
// out; under cosine all rows are brought to length 1, for every engine.
//
// Generated vectors are x = A·z + 0.1·e, brought to length 1, e normal noise. z of 24 numbers (the intrinsic
// dimension) is a centre plus 0.7 times normal noise; centres are normal, one for each 500 vectors, and a
// vector's centre is drawn by Zipf's law with exponent 0.7, so that clusters overlap and differ in size. A is
// dimension × 24, normal. Queries are drawn like vectors.
AnnData ann_data(const AnnOptions& options, Json& settings);
void write_for_peers(const AnnData& data, const Path& folder);  // vectors.f32, queries.f32
void set_truth(AnnData& data, Metric metric, size_t k);

// Share of the exact k best among what was found: a found slot counts when its score reaches the k-th exact
// one, so that equal scores do not count as errors.
double recall_of(const AnnData& data, Metric metric, size_t k,
                 const std::vector<std::vector<uint32_t>>& found);

}  // namespace cowatch::bench
