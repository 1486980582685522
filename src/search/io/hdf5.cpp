#include <fcntl.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "base/error.h"
#include "base/progress.h"
#include "search/io/vector_files.h"

namespace cowatch {
namespace {

constexpr hsize_t block_numbers = 1 << 20;

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

// Why a file is refused, as the child tells it.
struct Refusal {
  std::string message, expected;
};

// A damaged file makes the library follow pointers to nowhere. So it runs in a child, which sends what it reads
// through a pipe: this head, and then the numbers or the words of a refusal.
struct Head {
  uint64_t rows = 0, columns = 0;               // float32 numbers follow
  uint64_t message_bytes = 0, expected_bytes = 0;  // or, when there is a message, these words
};

// Whether the child, which the file may have led astray, says no more than it ever would.
bool is_possible(const Head& head) {
  constexpr uint64_t longest_words = 1 << 16;
  return head.message_bytes <= longest_words && head.expected_bytes <= longest_words && head.rows <= block_numbers &&
         head.columns >= (head.rows > 0) && head.columns <= widest_vector && head.rows * head.columns <= block_numbers;
}

using Send = std::function<void(const void*, size_t)>;

void send_rows(const Path& path, const std::string& dataset, const Send& send) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are told by ours
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file < 0) throw Refusal{"this is not a whole HDF5 file", "HDF5"};
  const Handle data(H5Dopen2(file, dataset.c_str(), H5P_DEFAULT), H5Dclose);
  const std::string named = "the dataset '" + dataset + "'";
  if (data < 0) throw Refusal{"the file has no such dataset", "a dataset '" + dataset + "'"};
  const Handle space(H5Dget_space(data), H5Sclose);
  const Handle type(H5Dget_type(data), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type);
  if (H5Sget_simple_extent_ndims(space) != 2 || (kind != H5T_FLOAT && kind != H5T_INTEGER))
    throw Refusal{named + " is not a table of numbers", "two dimensions of numbers"};
  hsize_t shape[2] = {0, 0};
  H5Sget_simple_extent_dims(space, shape, nullptr);
  if (shape[1] < 1 || shape[1] > widest_vector)
    throw Refusal{named + " has no sensible width", "1 to " + std::to_string(widest_vector) + " columns"};
  const hsize_t most = std::max<hsize_t>(1, block_numbers / shape[1]);
  std::vector<float> block(std::min(most, shape[0]) * shape[1]);
  for (hsize_t first = 0; first < shape[0]; first += most) {
    const hsize_t begin[2] = {first, 0}, count[2] = {std::min(most, shape[0] - first), shape[1]};
    const Handle memory(H5Screate_simple(2, count, nullptr), H5Sclose);
    // The library turns any byte order and width into our float32.
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, nullptr, count, nullptr) < 0 ||
        H5Dread(data, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, block.data()) < 0)
      throw Refusal{"rows from " + std::to_string(first) + " on cannot be read", "a whole dataset '" + dataset + "'"};
    const Head head{count[0], count[1]};
    send(&head, sizeof head);
    send(block.data(), count[0] * count[1] * sizeof(float));
  }
  const Head end;
  send(&end, sizeof end);
}

[[noreturn]] void run_child(const Path& path, const std::string& dataset, int pipe) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL}) ::signal(signal, SIG_DFL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_FSIZE, &none);  // it writes no files
  const Send send = [&](const void* bytes, size_t count) {
    const auto* from = static_cast<const char*>(bytes);
    for (ssize_t sent = 0; count > 0; from += sent, count -= static_cast<size_t>(sent)) {
      sent = ::write(pipe, from, count);
      if (sent < 0 && errno == EINTR) sent = 0;
      if (sent < 0) ::_exit(1);  // nobody reads any more
    }
  };
  try {
    send_rows(path, dataset, send);
  } catch (const Refusal& refusal) {
    const Head head{0, 0, refusal.message.size(), refusal.expected.size()};
    send(&head, sizeof head);
    send((refusal.message + refusal.expected).data(), head.message_bytes + head.expected_bytes);
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

// The process that reads, ended when this is.
class Reader {
 public:
  Reader(const Path& path, const std::string& dataset) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_system_error("make a pipe for", path.string());
    child_ = ::fork();
    if (child_ == 0) {
      ::close(ends[0]);
      run_child(path, dataset, ends[1]);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
    if (child_ < 0) {
      ::close(pipe_);
      throw_system_error("start a process for", path.string());
    }
  }
  Reader(const Reader&) = delete;
  ~Reader() {
    ::close(pipe_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  // False when the child ended before.
  bool receive(void* bytes, size_t count) {
    auto* to = static_cast<char*>(bytes);
    for (ssize_t got = 0; count > 0; to += got, count -= static_cast<size_t>(got)) {
      got = ::read(pipe_, to, count);
      if (got < 0 && errno == EINTR) {
        throw_if_interrupted();
        got = 0;
      } else if (got <= 0) {
        return false;
      }
    }
    return true;
  }

 private:
  pid_t child_;
  int pipe_;
};

[[noreturn]] void refuse(const Path& path, const Refusal& refusal) {
  throw Error(ErrorCode::bad_input, refusal.message, {.where = path.string(), .expected = refusal.expected});
}

constexpr const char* usual_dataset = "train";  // of ann-benchmarks

// The same shape, block by block; false when the library fails, which is when the disk is full.
bool fill_dataset(hid_t data, hsize_t rows, hsize_t columns, const RowFiller& row) {
  const Handle space(H5Dget_space(data), H5Sclose);
  const hsize_t most = std::clamp<hsize_t>(rows, 1, std::max<hsize_t>(1, block_numbers / columns));
  std::vector<float> block(most * columns);
  for (hsize_t first = 0; first < rows; first += most) {
    const hsize_t begin[2] = {first, 0}, count[2] = {std::min(most, rows - first), columns};
    for (hsize_t r = 0; r < count[0]; ++r)
      row(first + r, std::span(block).subspan(r * columns, columns));
    const Handle memory(H5Screate_simple(2, count, nullptr), H5Sclose);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, nullptr, count, nullptr) < 0 ||
        H5Dwrite(data, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, block.data()) < 0)
      return false;
  }
  return true;
}

// False when the library fails.
bool write_dataset(const Path& path, hsize_t rows, hsize_t columns, const RowFiller& row) {
  const hsize_t shape[2] = {rows, columns};
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  if (file < 0) return false;
  const Handle space(H5Screate_simple(2, shape, nullptr), H5Sclose);
  const Handle data(H5Dcreate2(file, usual_dataset, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
  return data >= 0 && fill_dataset(data, rows, columns, row) && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
}

}  // namespace

// The library opens files by their names.
void write_hdf5(const Path& path, size_t rows, size_t columns, const RowFiller& row) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  replace_atomically(path, [&](const Path& temporary) {
    errno = 0;
    if (!write_dataset(temporary, rows, columns, row)) throw_system_error("write", path.string());
    file_system().append(temporary)->sync();
  });
}

void read_hdf5(const Path& path, const std::string& name,
               const std::function<void(size_t first, ConstMatrix rows)>& visit) {
  if (!std::filesystem::exists(path)) throw Error(ErrorCode::not_found, "there is no such file", {.where = path.string()});
  Reader reader(path, name.empty() ? usual_dataset : name);
  const auto receive = [&](void* bytes, size_t count) {
    if (!reader.receive(bytes, count)) refuse(path, {"the file is damaged: reading it ended the library of HDF5", "a whole HDF5 file"});
  };
  size_t first = 0;
  std::vector<float> block;
  for (Head head; receive(&head, sizeof head), head.rows + head.message_bytes > 0; first += head.rows) {
    if (!is_possible(head)) refuse(path, {"the file is damaged", "a whole HDF5 file"});
    if (head.message_bytes > 0) {
      Refusal refusal{std::string(head.message_bytes, ' '), std::string(head.expected_bytes, ' ')};
      receive(refusal.message.data(), refusal.message.size());
      receive(refusal.expected.data(), refusal.expected.size());
      refuse(path, refusal);
    }
    block.resize(head.rows * head.columns);
    receive(block.data(), block.size() * sizeof(float));
    visit(first, ConstMatrix(block.data(), head.rows, head.columns));
  }
}

}  // namespace cowatch
