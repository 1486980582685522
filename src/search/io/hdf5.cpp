#include <hdf5.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "search/io/vector_files.h"

namespace cowatch {
namespace {

constexpr hsize_t widest = 65536, block_numbers = 1 << 20;

// One of the library's handles, closed by the function of its kind.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

[[noreturn]] void refuse(const Path& path, const std::string& message, const std::string& expected) {
  throw Error(ErrorCode::bad_input, message, {.where = path.string(), .expected = expected});
}

}  // namespace

void read_hdf5(const Path& path, const std::string& name,
               const std::function<void(size_t first, ConstMatrix rows)>& visit) {
  if (!std::filesystem::exists(path)) throw Error(ErrorCode::not_found, "there is no such file", {.where = path.string()});
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are told by ours
  const std::string chosen = name.empty() ? "train" : name;
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file < 0) refuse(path, "this is not a whole HDF5 file", "HDF5");
  const Handle data(H5Dopen2(file, chosen.c_str(), H5P_DEFAULT), H5Dclose);
  if (data < 0) refuse(path, "the file has no such dataset", "a dataset '" + chosen + "'");
  const Handle space(H5Dget_space(data), H5Sclose);
  const Handle type(H5Dget_type(data), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type);
  if (H5Sget_simple_extent_ndims(space) != 2 || (kind != H5T_FLOAT && kind != H5T_INTEGER))
    refuse(path, "the dataset '" + chosen + "' is not a table of numbers", "two dimensions of numbers");
  hsize_t shape[2] = {0, 0};
  H5Sget_simple_extent_dims(space, shape, nullptr);
  if (shape[1] < 1 || shape[1] > widest)
    refuse(path, "the dataset '" + chosen + "' has no sensible width", "1 to " + std::to_string(widest) + " columns");
  const hsize_t most = std::max<hsize_t>(1, block_numbers / shape[1]);
  std::vector<float> block(std::min(most, shape[0]) * shape[1]);
  for (hsize_t first = 0; first < shape[0]; first += most) {
    const hsize_t begin[2] = {first, 0}, count[2] = {std::min(most, shape[0] - first), shape[1]};
    const Handle memory(H5Screate_simple(2, count, nullptr), H5Sclose);
    // The library turns any byte order and width into our float32.
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, nullptr, count, nullptr) < 0 ||
        H5Dread(data, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, block.data()) < 0)
      refuse(path, "rows from " + std::to_string(first) + " on cannot be read", "a whole dataset '" + chosen + "'");
    visit(first, ConstMatrix(block.data(), count[0], count[1]));
  }
}

}  // namespace cowatch
