#include "learn/relational/network.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/threads.h"
#include "math/float16.h"

namespace cowatch {
namespace {

constexpr size_t network_rows = 256;  // videos at once: 256 × 4000 hidden units are 4 MB
constexpr int newest_model = 1;
constexpr std::string_view kind_names[] = {"features", "linear", "towers"};

// y = x · Wᵀ, with W the layer of the branch whose parameters begin at `at`: for one video its halves, where there are any.
void apply_layer(const Branch& branch, std::span<const uint16_t> halves, size_t at, ConstMatrix x, Matrix y) {
  if (x.rows == 1 && !halves.empty())
    return multiply_row_halves(x.row(0), {halves.data() + at, y.columns, x.columns}, y.row(0));
  multiply(Transpose::no, Transpose::yes, 1, x, ConstMatrix(branch.parameters.data() + at, y.columns, x.columns), 0, y);
}

// y = relu(x · W1ᵀ + b1) · W2ᵀ + b2 for one tower.
void apply_tower(const Branch& branch, std::span<const uint16_t> halves, size_t tower, ConstMatrix x,
                 std::vector<float>& hidden, Matrix y) {
  const TowerShape& shape = branch.shape.towers[tower];
  const auto at = branch.shape.offsets(tower);
  const float* values = branch.parameters.data();
  hidden.resize(x.rows * shape.hidden);
  Matrix h(hidden.data(), x.rows, shape.hidden);
  apply_layer(branch, halves, at.first, ConstMatrix(x.data + shape.begin, x.rows, shape.inputs(), x.stride), h);
  for (size_t r = 0; r < x.rows; ++r) {
    const auto row = h.row(r);
    for (size_t k = 0; k < row.size(); ++k) row[k] = std::max(0.0f, row[k] + values[at.first_bias + k]);
  }
  apply_layer(branch, halves, at.second, h, y);
  for (size_t r = 0; r < y.rows; ++r) {
    const auto row = y.row(r);
    for (size_t k = 0; k < row.size(); ++k) row[k] += values[at.second_bias + k];
    if (is_masked(branch.shape, tower, x.row(r).data())) std::ranges::fill(row, 1.0f);
  }
}

[[noreturn]] void damaged(const Path& path, const std::string& what) {
  throw Error(ErrorCode::damaged, "the model cannot be read: " + what,
              {.where = path.string(), .remedy = "Train it again (`cowatch train WS relational`)."});
}

Json description(const Branch& branch) {
  Json towers = Json::array();
  for (const TowerShape& tower : branch.shape.towers) {
    towers.push_back({{"begin", tower.begin}, {"end", tower.end}, {"hidden", tower.hidden}});
  }
  return {{"name", branch.name},
          {"kind", kind_names[static_cast<int>(branch.kind)]},
          {"weight", branch.weight},
          {"outputs", branch.shape.outputs},
          {"constant_columns", branch.normalisation.constant},
          {"towers", towers}};
}

Branch branch_from(const TensorFile& file, const Json& json, size_t number) {
  const std::string prefix = "branch" + std::to_string(number) + ".";
  const auto copy = [&](const std::string& name) {
    const auto values = file.tensor<float>(prefix + name);
    return std::vector<float>(values.begin(), values.end());
  };
  Branch branch;
  branch.name = json.at("name").get<std::string>();
  const auto kind = json.at("kind").get<std::string>();
  const auto* found = std::find(std::begin(kind_names), std::end(kind_names), kind);
  if (found == std::end(kind_names)) damaged(file.path(), "a branch of the unknown kind " + kind);
  branch.kind = static_cast<Branch::Kind>(found - std::begin(kind_names));
  branch.weight = json.at("weight").get<double>();
  branch.shape.outputs = json.at("outputs").get<size_t>();
  for (const auto& tower : json.at("towers")) {
    branch.shape.towers.push_back(
        {tower.at("begin").get<size_t>(), tower.at("end").get<size_t>(), tower.at("hidden").get<size_t>()});
  }
  branch.normalisation = {copy("mean"), copy("scale"), json.at("constant_columns").get<size_t>()};
  branch.parameters = copy("parameters");
  return branch;
}

// Whether the parts of a branch have the sizes that `width` columns need.
bool fits(const Branch& branch, size_t width) {
  if (branch.normalisation.mean.size() != width || branch.normalisation.scale.size() != width) return false;
  for (const TowerShape& tower : branch.shape.towers) {
    if (tower.begin >= tower.end || tower.end > width) return false;
  }
  switch (branch.kind) {
    case Branch::Kind::features:
      return branch.parameters.empty();
    case Branch::Kind::linear:
      return branch.parameters.size() == branch.shape.outputs * width;
    default:
      return !branch.shape.towers.empty() && branch.parameters.size() == branch.shape.parameters();
  }
}

}  // namespace

size_t Branch::outputs(size_t width) const {
  return kind == Kind::features ? width : shape.outputs;
}

Network::Network(std::vector<Modality> modalities, std::vector<Branch> branches,
                 std::vector<float> projection)
    : modalities_(std::move(modalities)), branches_(std::move(branches)), projection_(std::move(projection)) {
  for (const Modality& modality : modalities_) width_ = std::max(width_, modality.end);
  for (const Branch& branch : branches_) {
    if (!fits(branch, width_))
      throw Error(ErrorCode::internal, "a branch of the model does not fit its input");
    joint_width_ += branch.outputs(width_);
  }
  outputs_ = projection_.empty() ? joint_width_ : projection_.size() / joint_width_;
  for (const Modality& modality : modalities_) {
    knows_.push_back(std::any_of(branches_.begin(), branches_.end(), [&](const Branch& branch) {
      const auto scale = std::span(branch.normalisation.scale).subspan(modality.begin, modality.end - modality.begin);
      return std::any_of(scale.begin(), scale.end(), [](float value) { return value != 0; });
    }));
  }
}

bool Network::sees(const FeatureTable& features, uint32_t item) const {
  for (size_t m = 0; m < modalities_.size(); ++m) {
    if (knows(m) && features.present(item, m)) return true;
  }
  return false;
}

void Network::save(const Path& path, const Metadata& about) const {
  TensorFileWriter writer("model", newest_model);
  for (const auto& [key, value] : about) writer.set(key, value);
  Json modalities = Json::array(), branches = Json::array();
  for (const Modality& modality : modalities_) {
    modalities.push_back({{"name", modality.name}, {"begin", modality.begin}, {"end", modality.end}});
  }
  for (size_t b = 0; b < branches_.size(); ++b) {
    const Branch& branch = branches_[b];
    branches.push_back(description(branch));
    const std::string prefix = "branch" + std::to_string(b) + ".";
    writer.add<float>(prefix + "mean", {width_}, branch.normalisation.mean);
    writer.add<float>(prefix + "scale", {width_}, branch.normalisation.scale);
    writer.add<float>(prefix + "parameters", {branch.parameters.size()}, branch.parameters);
  }
  if (!projection_.empty()) writer.add<float>("projection", {outputs_, joint_width_}, projection_);
  writer.set("modalities", modalities.dump());
  writer.set("branches", branches.dump());
  writer.write(path);
}

Network Network::load(const Path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::missing_stage, "there is no trained model yet",
                {.where = path.string(), .remedy = "Run `cowatch train WS relational`."});
  }
  const TensorFile file(path, "model", newest_model);
  std::vector<Modality> modalities;
  std::vector<Branch> branches;
  try {
    for (const auto& entry : Json::parse(file.get("modalities"))) {
      modalities.push_back({entry.at("name").get<std::string>(), entry.at("begin").get<size_t>(),
                            entry.at("end").get<size_t>()});
    }
    for (const auto& entry : Json::parse(file.get("branches")))
      branches.push_back(branch_from(file, entry, branches.size()));
  } catch (const nlohmann::json::exception& error) {
    damaged(path, error.what());
  }
  size_t width = 0, joint = 0;
  for (const Modality& modality : modalities) {
    if (modality.begin > modality.end) damaged(path, "modality " + modality.name + " ends before it begins");
    width = std::max(width, modality.end);
  }
  for (const Branch& branch : branches) {
    if (!fits(branch, width))
      damaged(path, "branch " + branch.name + " has parameters of another size than its shape");
    joint += branch.outputs(width);
  }
  if (branches.empty()) damaged(path, "it has no branches");
  std::vector<float> projection;
  if (file.has("projection")) {
    const auto values = file.tensor<float>("projection");
    if (values.empty() || values.size() % joint != 0)
      damaged(path, "the projection has another width than the branches");
    projection.assign(values.begin(), values.end());
  }
  return Network(std::move(modalities), std::move(branches), std::move(projection));
}

void Network::keep_halves() {
  halves_.resize(branches_.size());
  for (size_t b = 0; b < branches_.size(); ++b) {
    if (branches_[b].kind != Branch::Kind::towers) continue;
    halves_[b].resize(branches_[b].parameters.size());
    halves_from_floats(branches_[b].parameters, halves_[b]);
  }
  projection_halves_.resize(projection_.size());
  halves_from_floats(projection_, projection_halves_);
}

void Network::embed_branch(size_t b, const FeatureTable& features, size_t first, Matrix out) const {
  const Branch& branch = branches_[b];
  std::vector<float> input(out.rows * width_);
  const Matrix x(input.data(), out.rows, width_);
  for (size_t r = 0; r < out.rows; ++r) {
    features.copy_row(static_cast<uint32_t>(first + r), x.row(r).data());
    branch.normalisation.apply(features, static_cast<uint32_t>(first + r), x.row(r).data());
  }
  if (branch.kind == Branch::Kind::features) {
    for (size_t r = 0; r < out.rows; ++r) std::ranges::copy(x.row(r), out.row(r).begin());
  } else if (branch.kind == Branch::Kind::linear) {
    multiply(Transpose::no, Transpose::yes, 1, x,
             ConstMatrix(branch.parameters.data(), branch.shape.outputs, width_), 0, out);
  } else {
    std::vector<float> hidden, other(branch.shape.towers.size() > 1 ? out.rows * out.columns : 0);
    const std::span halves = halves_.empty() ? std::span<const uint16_t>() : halves_[b];
    apply_tower(branch, halves, 0, x, hidden, out);
    for (size_t t = 1; t < branch.shape.towers.size(); ++t) {
      const Matrix y(other.data(), out.rows, out.columns);
      apply_tower(branch, halves, t, x, hidden, y);
      for (size_t r = 0; r < out.rows; ++r) {
        for (size_t k = 0; k < out.columns; ++k) out.row(r)[k] *= y.row(r)[k];
      }
    }
  }
  normalise_rows(out);
}

void Network::embed_joint(const FeatureTable& features, size_t first, Matrix out) const {
  if (features.modalities() != modalities_ || features.width() != width_) {
    throw Error(
        ErrorCode::bad_input, "the model was trained on other features",
        {.expected =
             std::to_string(width_) + " columns in " + std::to_string(modalities_.size()) + " modalities",
         .found =
             std::to_string(features.width()) + " columns in " + std::to_string(features.modalities().size()),
         .remedy = "Train again (`cowatch train WS relational`), or extract the features as before."});
  }
  parallel_for(out.rows, network_rows, [&](size_t begin, size_t end) {
    size_t column = 0;
    for (size_t b = 0; b < branches_.size(); ++b) {
      const Branch& branch = branches_[b];
      const size_t columns = branch.outputs(width_);
      const Matrix part(out.data + begin * out.stride + column, end - begin, columns, out.stride);
      embed_branch(b, features, first + begin, part);
      const auto scale = static_cast<float>(std::sqrt(branch.weight));
      for (size_t r = 0; r < part.rows; ++r) {
        const bool seen = sees(features, static_cast<uint32_t>(first + begin + r));
        for (float& value : part.row(r)) value *= seen ? scale : 0;
      }
      column += columns;
    }
  });
  normalise_rows(out);
}

void Network::embed(const FeatureTable& features, size_t first, Matrix out) const {
  if (projection_.empty()) return embed_joint(features, first, out);
  constexpr size_t rows_at_once = 4096;
  std::vector<float> joint(std::min(rows_at_once, out.rows) * joint_width_);
  for (size_t begin = 0; begin < out.rows; begin += rows_at_once) {
    const size_t count = std::min(rows_at_once, out.rows - begin);
    const Matrix block(joint.data(), count, joint_width_);
    embed_joint(features, first + begin, block);
    if (out.rows == 1 && !projection_halves_.empty())
      multiply_row_halves(block.row(0), {projection_halves_.data(), outputs_, joint_width_}, out.row(0));
    else
      multiply(Transpose::no, Transpose::yes, 1, block, ConstMatrix(projection_.data(), outputs_, joint_width_),
             0, out.rows_from(begin, count));
  }
  normalise_rows(out);
}

void normalise_rows(Matrix rows) {
  parallel_for(rows.rows, 1024, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      double square = 0;
      for (const float value : rows.row(r)) square += double{value} * value;
      const float scale = square > 0 ? static_cast<float>(1 / std::sqrt(square)) : 0;
      for (float& value : rows.row(r)) value *= scale;
    }
  });
}

}  // namespace cowatch
