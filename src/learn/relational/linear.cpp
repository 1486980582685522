#include "learn/relational/linear.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "learn/eigen.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 1024;

void centred_row(const FeatureTable& features, const Normalisation& centre, uint32_t item, float* row) {
  features.copy_row(item, row);
  centre.apply(features, item, row);
}

// Covariance of the features, and of the features with the mean of neighbours': Xᵀ X / n and Xᵀ N X / n. Rows
// pass in blocks, so memory is two width × width matrices and a block, however many videos there are.
struct Covariances {
  std::vector<float> own, shared;
};

Covariances covariances_of(const FeatureTable& features, const Graph& graph, const Normalisation& centre) {
  const size_t width = features.width();
  Covariances result{std::vector<float>(width * width), std::vector<float>(width * width)};
  std::vector<float> own(block_rows * width), spread(block_rows * width);
  const auto inverse_root = [&](uint32_t video) {
    return 1 / std::sqrt(static_cast<float>(graph.degree(video)));
  };
  for (size_t first = 0; first < features.items(); first += block_rows) {
    const size_t count = std::min(block_rows, features.items() - first);
    const Matrix x(own.data(), count, width), nx(spread.data(), count, width);
    parallel_for(count, 16, [&](size_t begin, size_t end) {
      std::vector<float> other(width);
      for (size_t r = begin; r < end; ++r) {
        const auto video = static_cast<uint32_t>(first + r);
        centred_row(features, centre, video, x.row(r).data());
        const auto to = nx.row(r);
        std::ranges::fill(to, 0.0f);
        for (const uint32_t neighbour : graph.neighbours(video)) {
          centred_row(features, centre, neighbour, other.data());
          const float factor = inverse_root(video) * inverse_root(neighbour);
          for (size_t k = 0; k < width; ++k) to[k] += factor * other[k];
        }
      }
    });
    const float share = 1 / static_cast<float>(features.items()), keep = first == 0 ? 0.0f : 1.0f;
    multiply(Transpose::yes, Transpose::no, share, x, x, keep, Matrix(result.own.data(), width, width));
    multiply(Transpose::yes, Transpose::no, share, x, nx, keep, Matrix(result.shared.data(), width, width));
  }
  return result;
}

// The lower triangle L with L Lᵀ = matrix, in place; what is above the diagonal is left alone.
void factorise(std::vector<double>& matrix, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    const double root = matrix[k * n + k] = std::sqrt(matrix[k * n + k]);
    parallel_for(n - k - 1, 128, [&](size_t begin, size_t end) {
      for (size_t i = k + 1 + begin; i < k + 1 + end; ++i) matrix[i * n + k] /= root;
    });
    // The next column gets all its terms at once, when it is its turn: reads go along rows.
    if (k + 1 == n) break;
    const double* pivot = matrix.data() + (k + 1) * n;
    parallel_for(n - k - 1, 32, [&](size_t begin, size_t end) {
      for (size_t i = k + 1 + begin; i < k + 1 + end; ++i) {
        const double* row = matrix.data() + i * n;
        double sum = 0;
        for (size_t j = 0; j <= k; ++j) sum += row[j] * pivot[j];
        matrix[i * n + k + 1] -= sum;
      }
    });
  }
}

// L⁻¹, row-major, in float32: L is well conditioned, its diagonal was damped.
std::vector<float> inverse_of(const std::vector<double>& lower, size_t n) {
  std::vector<float> inverse(n * n);
  parallel_for(n, 8, [&](size_t begin, size_t end) {
    std::vector<double> column(n);  // of L⁻¹; solved downwards from its diagonal
    for (size_t c = begin; c < end; ++c) {
      for (size_t i = c; i < n; ++i) {
        double sum = i == c ? 1 : 0;
        for (size_t j = c; j < i; ++j) sum -= lower[i * n + j] * column[j];
        column[i] = sum / lower[i * n + i];
        inverse[i * n + c] = static_cast<float>(column[i]);
      }
    }
  });
  return inverse;
}

// The map: rows √s_i · u_iᵀ L⁻¹.
std::vector<float> shared_directions(const Covariances& covariances, size_t width, double damping,
                                     size_t outputs) {
  std::vector<double> lower(covariances.own.begin(), covariances.own.end());
  double trace = 0;
  for (size_t k = 0; k < width; ++k) trace += lower[k * width + k];
  for (size_t k = 0; k < width; ++k) lower[k * width + k] += damping * trace / static_cast<double>(width);
  factorise(lower, width);
  const auto inverse = inverse_of(lower, width);
  const ConstMatrix l(inverse.data(), width, width);
  std::vector<float> half(width * width), whole(width * width);
  multiply(Transpose::no, Transpose::no, 1, l, ConstMatrix(covariances.shared.data(), width, width), 0,
           Matrix(half.data(), width, width));
  multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(half.data(), width, width), l, 0,
           Matrix(whole.data(), width, width));
  for (size_t i = 0; i < width; ++i) {
    for (size_t k = 0; k < i; ++k) {
      whole[i * width + k] = whole[k * width + i] = (whole[i * width + k] + whole[k * width + i]) / 2;
    }
  }
  const Eigen eigen = leading_eigen(ConstMatrix(whole.data(), width, width), std::min(outputs, width));
  std::vector<float> directions;
  for (size_t i = 0; i < eigen.values.size() && eigen.values[i] > 0; ++i) {
    for (size_t k = 0; k < width; ++k) {
      directions.push_back(static_cast<float>(std::sqrt(eigen.values[i]) * eigen.vectors[i * width + k]));
    }
  }
  if (directions.empty())
    throw Error(ErrorCode::bad_input, "neighbours in the graph share nothing that the features show");
  std::vector<float> map(directions.size());
  const size_t kept = directions.size() / width;
  multiply(Transpose::no, Transpose::no, 1, ConstMatrix(directions.data(), kept, width), l, 0,
           Matrix(map.data(), kept, width));
  return map;
}

}  // namespace

std::vector<Branch> linear_branches(const FeatureTable& features, const Graph& graph,
                                    std::span<const double> dampings, size_t outputs) {
  const Normalisation centre = normalisation_of(features, NormalisationKind::table);
  const Covariances covariances = covariances_of(features, graph, centre);
  std::vector<Branch> branches;
  for (const double damping : dampings) {
    Branch branch;
    branch.name = "linear";
    branch.kind = Branch::Kind::linear;
    branch.normalisation = centre;
    branch.parameters = shared_directions(covariances, features.width(), damping, outputs);
    branch.shape.outputs = branch.parameters.size() / features.width();
    branches.push_back(std::move(branch));
  }
  return branches;
}

}  // namespace cowatch
