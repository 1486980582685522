// A trained model as a file (model.safetensors) and its use: embedding videos, also ones nobody has watched,
// without any training library. Loading maps the file; one new video takes well under 5 ms.
//
// A model is a weighted join of branches. Branch b turns normalised features into a unit row u_b: by nothing
// at all (the features themselves), by one linear layer, or by towers of two layers multiplied elementwise
// (methods §1.5). The embedding is the L2 norm of (√w_1·u_1, √w_2·u_2, …), so the cosine of two embeddings is
// the weighted mean of the branches' cosines; where that is wider than the output, a projection onto the
// principal directions of the training videos follows.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/tensor_file.h"
#include "learn/features.h"
#include "learn/relational/normalisation.h"
#include "learn/relational/perceptron.h"
#include "math/matrix.h"

namespace cowatch {

struct Branch {
  enum class Kind { features, linear, towers };
  std::string name;  // what it is to people: "features", "linear", "infonce"
  Kind kind = Kind::features;
  double weight = 1;              // above 0
  Normalisation normalisation;    // of all columns
  PerceptronShape shape;          // of towers
  std::vector<float> parameters;  // of towers as in PerceptronShape; of linear: outputs × width
  size_t outputs(size_t width) const;
};

class Network {
 public:
  Network() = default;
  // Throws internal for shapes that disagree. `projection` (rows × joint width) may be empty.
  Network(std::vector<Modality> modalities, std::vector<Branch> branches, std::vector<float> projection = {});
  // kind "model". `about` is free text for the file: settings, seed, input, why it was chosen.
  void save(const Path& path, const Metadata& about) const;
  static Network load(const Path& path);

  size_t inputs() const { return width_; }
  size_t outputs() const { return outputs_; }
  size_t joint_width() const { return joint_width_; }
  const std::vector<Branch>& branches() const { return branches_; }
  const std::vector<Modality>& modalities() const { return modalities_; }

  // Whether training saw videos that have this modality; of one it never saw the model knows nothing.
  bool knows(size_t modality) const { return knows_[modality] != 0; }
  // Whether the item has a modality that the model knows.
  bool sees(const FeatureTable& features, uint32_t item) const;

  // Keeps the parameters of towers and the projection in float16 too, for embedding single videos: reading the parameters is what that
  // takes, and these are half the bytes. Cosines of such rows with those of embed() of many are above 0.9999.
  void keep_halves();

  // Rows first … first + out.rows - 1 of the table, each a unit row of `out` (zero for an item that it does not see).
  // Memory: a few MB, however long the table. Throws bad_input when the table has other modalities
  // than the model.
  void embed(const FeatureTable& features, size_t first, Matrix out) const;
  // The same before the projection: out.columns = joint_width().
  void embed_joint(const FeatureTable& features, size_t first, Matrix out) const;

 private:
  void embed_branch(size_t branch, const FeatureTable& features, size_t first, Matrix out) const;

  std::vector<Modality> modalities_;
  std::vector<uint8_t> knows_;  // by modality
  std::vector<Branch> branches_;
  std::vector<std::vector<uint16_t>> halves_;  // of each branch's parameters; none: not kept
  std::vector<float> projection_;
  std::vector<uint16_t> projection_halves_;
  size_t width_ = 0, outputs_ = 0, joint_width_ = 0;
};

// Scales rows to length 1; zero rows stay.
void normalise_rows(Matrix rows);

}  // namespace cowatch
