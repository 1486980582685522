#include "learn/relational/linear.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "math/eigen.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 1024;
constexpr size_t most_unit_rows = 50'000;
constexpr uint32_t unit_stream = 0x756e6974;

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

// W (units × width), then b: as in PerceptronShape. Inputs of variance 1 make sums of variance 2.
std::vector<float> random_first_layer(size_t width, size_t units, uint64_t seed) {
  const Random random(seed, unit_stream);
  const double scale = std::sqrt(2 / static_cast<double>(width));
  std::vector<float> layer(units * width + units);
  for (size_t k = 0; k < layer.size(); ++k) {
    layer[k] = static_cast<float>((k < units * width ? scale : 1) * random.normal(k, 0));
  }
  return layer;
}

std::vector<float> hidden_units(const FeatureTable& features, const Normalisation& columns,
                                const std::vector<float>& layer, size_t units) {
  const size_t width = features.width(), videos = features.items();
  std::vector<float> values(videos * units);
  parallel_for(videos, 256, [&](size_t begin, size_t end) {
    std::vector<float> rows((end - begin) * width);
    for (size_t v = begin; v < end; ++v)
      centred_row(features, columns, static_cast<uint32_t>(v), rows.data() + (v - begin) * width);
    const Matrix out(values.data() + begin * units, end - begin, units);
    multiply_here(Transpose::no, Transpose::yes, 1, ConstMatrix(rows.data(), end - begin, width),
                  ConstMatrix(layer.data(), units, width), 0, out);
    for (size_t r = 0; r < out.rows; ++r) {
      for (size_t k = 0; k < units; ++k)
        out.row(r)[k] = std::max(0.0f, out.row(r)[k] + layer[units * width + k]);
    }
  });
  return values;
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

std::vector<Branch> random_unit_branches(const FeatureTable& features, const Graph& graph, size_t units,
                                         std::span<const double> dampings, size_t outputs, uint64_t seed) {
  if (features.items() > most_unit_rows) {
    std::vector<uint32_t> kept(most_unit_rows);
    for (size_t k = 0; k < kept.size(); ++k)
      kept[k] = static_cast<uint32_t>(k * features.items() / kept.size());
    const Graph part = graph.induced(kept);
    return random_unit_branches(features.select(std::move(kept)), part, units, dampings, outputs, seed);
  }
  const size_t width = features.width(), videos = features.items();
  const Normalisation columns = normalisation_of(features, NormalisationKind::columns);
  const std::vector<float> first = random_first_layer(width, units, seed);
  const FeatureTable hidden(videos, {{"units", 0, units}}, hidden_units(features, columns, first, units));
  std::vector<Branch> branches = linear_branches(hidden, graph, dampings, outputs);
  for (Branch& branch : branches) {
    const size_t rows = branch.shape.outputs;
    const std::vector<float> map = std::move(branch.parameters);
    branch.parameters = first;
    std::vector<float> biases(rows);
    for (size_t r = 0; r < rows; ++r) {  // the centring of the units goes into the second layer
      double bias = 0;
      for (size_t k = 0; k < units; ++k) {
        const float weight = map[r * units + k] * branch.normalisation.scale[k];
        branch.parameters.push_back(weight);
        bias -= double{weight} * branch.normalisation.mean[k];
      }
      biases[r] = static_cast<float>(bias);
    }
    branch.parameters.insert(branch.parameters.end(), biases.begin(), biases.end());
    branch.kind = Branch::Kind::towers;
    branch.name = "random units";
    branch.normalisation = columns;
    branch.shape.towers = {{0, width, units}};
  }
  return branches;
}

}  // namespace cowatch
