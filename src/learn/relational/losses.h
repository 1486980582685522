// Losses on the unit rows z of a batch's videos, and their gradients by z in closed form. Each is a mean over
// the batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "learn/relational/batch.h"
#include "math/matrix.h"

namespace cowatch {

struct Loss {
  double value = 0;
  std::vector<uint32_t> active;  // rows whose gradient is not zero, ascending
};

// mean [d(a,p) - d(a,n) + margin]_+ with d the squared distance (methods §1.4). `negative_row` names the
// negatives, mined or drawn. Overwrites the rows of dz that it lists as active; the others are not touched.
Loss triplet_loss(ConstMatrix z, const Batch& batch, std::span<const uint32_t> negative_row, double margin,
                  Matrix dz);

// In-batch softmax (InfoNCE): mean of -log softmax over the batch's positives and negatives of a_i·x_j /
// temperature, at p_i; a negative's term counts `negative_weight` times. Left out of row i are other columns
// that are a_i's neighbours, a_i itself or the same video as p_i. Overwrites dz.
Loss in_batch_softmax(ConstMatrix z, const Batch& batch, const Graph& graph, double temperature, Matrix dz);

// Pseudo-classification: mean of -log softmax over classes of a_i·w_c / temperature, at the class of a_i.
// `candidates` are the classes compared against, distinct: all of them, or a uniform sample, whose sum is
// scaled up to that of all other classes. Overwrites dz and class_gradient (classes × outputs).
Loss classification_loss(ConstMatrix z, const Batch& batch, std::span<const uint32_t> class_of_video,
                         ConstMatrix class_weights, std::span<const uint32_t> candidates, double temperature,
                         Matrix dz, Matrix class_gradient);

}  // namespace cowatch
