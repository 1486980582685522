// Online semi-hard mining (methods §1.4; Lee et al., CVPR 2020, section 3.3).
//
// With d the squared distance of unit rows, anchor a_i takes among all drawn negatives n_j of the batch the
// one with the smallest d(a_i, n_j) of those with d(a_i, n_j) > d(a_i, p_i): nearest, but farther than its
// positive. Neighbours of a_i in the graph, a_i and p_i themselves never count. Ties go to the smaller j.
// Where no j is left the drawn negative stays.
//
// One fused pass over tiles of the similarities: the whole matrix of anchors by negatives is never written. A
// video drawn as a negative several times is one column, that of its smallest j.
#pragma once

#include "graph/graph.h"
#include "learn/relational/activations.h"
#include "learn/relational/batch.h"

namespace cowatch {

struct Mined {
  std::vector<uint32_t> negative_row;  // for each triplet, the row of its negative now
  size_t retained = 0;                 // triplets whose own drawn negative was the one mined
  size_t unmined = 0;                  // triplets without a semi-hard negative, left with the drawn one
  double operations = 0;               // multiplications and additions of the similarities
};

// z: unit rows of the batch's videos. Similarities are computed in `precision`, d(a_i, p_i) among them.
Mined mine_semi_hard(ConstMatrix z, const Batch& batch, const Graph& graph, Precision precision);

}  // namespace cowatch
