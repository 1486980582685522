#include "search/compute/codes/codebook_file.h"

#include <climits>
#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"

namespace cowatch {
namespace {

std::string shown(const std::vector<size_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

[[noreturn]] void refuse(const TensorFile& file, const std::string& tensor, const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::bad_input, "codebooks do not fit",
              {.where = file.path().string() + ", tensor " + tensor,
               .expected = expected,
               .found = found,
               .remedy = "docs/formats.md describes the file."});
}

std::vector<float> numbers(const TensorFile& file, const std::string& tensor) {
  if (file.type(tensor) != ElementType::f32)
    refuse(file, tensor, "F32", std::string(element_name(file.type(tensor))));
  const auto bytes = file.raw(tensor, ElementType::f32);
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());  // perhaps not aligned
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]))
      refuse(file, tensor, "finite numbers", std::to_string(values[i]) + " at number " + std::to_string(i));
  }
  return values;
}

}  // namespace

Codebook read_codebook(const Path& path, size_t dimension, unsigned bits) {
  const TensorFile file(path, "", INT_MAX);
  const size_t entries = size_t{1} << bits;
  const std::string wanted = "[parts, " + std::to_string(entries) + ", numbers]";
  if (!file.has("codebooks")) refuse(file, "codebooks", "F32 " + wanted, "no such tensor");
  const auto shape = file.shape("codebooks");
  if (shape.size() != 3 || shape[0] == 0 || shape[2] == 0 || shape[1] != entries)
    refuse(file, "codebooks", wanted + " for codes of " + std::to_string(bits) + " bits", shown(shape));
  const size_t coded = shape[0] * shape[2];
  std::vector<float> rotation, mean;
  if (file.has("rotation")) {
    const auto turned = file.shape("rotation");
    if (turned != std::vector<size_t>{coded, dimension} || coded > dimension) {
      refuse(file, "rotation",
             shown({coded, dimension}) +
                 ", no more rows than the vectors have numbers, as the codebooks cover " +
                 std::to_string(coded),
             shown(turned));
    }
    rotation = numbers(file, "rotation");
  } else if (coded != dimension) {
    refuse(file, "codebooks", "parts · numbers = " + std::to_string(dimension) + ", or a rotation to fewer",
           shown(shape));
  }
  if (file.has("mean")) {
    if (file.shape("mean") != std::vector<size_t>{dimension})
      refuse(file, "mean", shown({dimension}), shown(file.shape("mean")));
    mean = numbers(file, "mean");
  }
  Codebook codebook;
  try {
    codebook.projection = Projection(coded, dimension, std::move(rotation), std::move(mean));
  } catch (const Error& error) {
    refuse(file, "rotation", error.details().expected, error.details().found);
  }
  codebook.code = std::make_unique<ProductCode>(coded, shape[0], bits, numbers(file, "codebooks"));
  return codebook;
}

}  // namespace cowatch
