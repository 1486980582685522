#include "learn/relational/linear.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/threads.h"
#include "math/cholesky.h"
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

// The map: rows √s_i · u_iᵀ L⁻¹.
std::vector<float> shared_directions(const Covariances& covariances, size_t width, double damping,
                                     size_t outputs) {
  std::vector<float> damped = covariances.own;
  double trace = 0;
  for (size_t k = 0; k < width; ++k) trace += damped[k * width + k];
  for (size_t k = 0; k < width; ++k)
    damped[k * width + k] += static_cast<float>(damping * trace / static_cast<double>(width));
  const auto inverse = inverse_cholesky(std::move(damped), width);
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

// Of more videos than units are made for: evenly chosen ones with neighbours, from whom alone the map learns
// what is shared, and where these are fewer, evenly chosen others.
std::vector<uint32_t> unit_rows(const Graph& graph) {
  std::vector<uint32_t> linked, lone, kept;
  for (uint32_t video = 0; video < graph.nodes(); ++video)
    (graph.degree(video) > 0 ? linked : lone).push_back(video);
  for (const auto* videos : {&linked, &lone}) {
    const size_t count = std::min(videos->size(), most_unit_rows - kept.size());
    for (size_t k = 0; k < count; ++k) kept.push_back((*videos)[k * videos->size() / count]);
  }
  std::ranges::sort(kept);
  return kept;
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
    throw_if_interrupted();
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

Branch random_unit_branch(const FeatureTable& features, const Graph& graph, NormalisationKind kind,
                          size_t units, double damping, size_t outputs, uint64_t seed) {
  if (features.items() > most_unit_rows) {
    std::vector<uint32_t> kept = unit_rows(graph);
    const Graph part = graph.induced(kept);
    return random_unit_branch(features.select(std::move(kept)), part, kind, units, damping, outputs, seed);
  }
  const size_t width = features.width(), videos = features.items();
  const Normalisation inputs = normalisation_of(features, kind);
  const std::vector<float> first = random_first_layer(width, units, seed);
  const FeatureTable hidden(videos, {{"units", 0, units}}, hidden_units(features, inputs, first, units));
  Branch branch = std::move(linear_branches(hidden, graph, std::span(&damping, 1), outputs).front());
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
  branch.normalisation = inputs;
  branch.shape.towers = {{0, width, units}};
  return branch;
}

}  // namespace cowatch
