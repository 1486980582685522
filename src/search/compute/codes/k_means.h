// Centres of rows by k-means: started by k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's steps, whose
// distances are products of matrices. Same rows and seed, same bytes, for any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "math/matrix.h"

namespace cowatch {

// ‖row‖² / 2 of each row.
std::vector<float> half_squares(ConstMatrix rows);

// For each row the centre that is nearest by L2, of equals the first: ⟨x, c⟩ − ‖c‖² / 2 is largest. `halves`
// are half_squares(centres); `scores`, when not empty, gets those largest values. nearest_here stays in the
// calling thread.
void nearest_here(ConstMatrix rows, ConstMatrix centres, std::span<const float> halves,
                  std::span<uint32_t> nearest, std::span<float> scores = {});
void nearest_centres(ConstMatrix rows, ConstMatrix centres, std::span<const float> halves,
                     std::span<uint32_t> nearest, std::span<float> scores = {});

struct KMeansOptions {
  size_t count = 16;       // centres; with fewer rows some stand twice
  size_t iterations = 10;  // of Lloyd
  uint64_t seed = 1;
  uint32_t stream = 0;  // separates the uses of one seed
};
// count × rows.columns numbers. An emptied centre takes the row that is farthest from its own. Throws
// bad_argument without rows.
std::vector<float> k_means(ConstMatrix rows, const KMeansOptions& options);
// Lloyd's steps alone, from given centres.
void improve_centres(ConstMatrix rows, size_t iterations, std::vector<float>& centres);

}  // namespace cowatch
