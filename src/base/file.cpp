#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"

namespace cowatch {
namespace {

class PosixFile : public OutputFile {
 public:
  PosixFile(const Path& path, int flags)
      : path_(path), descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) throw_system_error("write", path_.string());
  }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override { ::close(descriptor_); }

  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) throw_system_error("write", path_.string());
      bytes = bytes.subspan(static_cast<size_t>(done));
    }
  }
  void sync() override {
    if (::fsync(descriptor_) != 0) throw_system_error("sync", path_.string());
  }

 private:
  Path path_;
  int descriptor_;
};

class PosixFileSystem : public FileSystem {
 public:
  std::unique_ptr<OutputFile> create(const Path& path) override {
    return std::make_unique<PosixFile>(path, O_WRONLY | O_CREAT | O_TRUNC);
  }
  std::unique_ptr<OutputFile> append(const Path& path) override {
    return std::make_unique<PosixFile>(path, O_WRONLY | O_CREAT | O_APPEND);
  }
  void rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) throw_system_error("rename", from.string());
  }
  void remove(const Path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw_system_error("remove", path.string());
  }
  void sync_folder(const Path& folder) override {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) throw_system_error("open", folder.string());
    const int result = ::fsync(descriptor);
    ::close(descriptor);
    if (result != 0) throw_system_error("sync", folder.string());
  }
};

PosixFileSystem posix;
FileSystem* current = &posix;

}  // namespace

FileSystem& file_system() {
  return *current;
}

FileSystem* replace_file_system(FileSystem* other) {
  return std::exchange(current, other ? other : &posix);
}

void replace_atomically(const Path& path, const std::function<void(const Path&)>& make) {
  FileSystem& files = file_system();
  const Path temporary = path.string() + ".partial";
  try {
    make(temporary);
  } catch (...) {
    files.remove(temporary);
    throw;
  }
  files.rename(temporary, path);
  files.sync_folder(path.has_parent_path() ? path.parent_path() : Path("."));
}

void write_atomically(const Path& path, const std::function<void(OutputFile&)>& fill) {
  replace_atomically(path, [&](const Path& temporary) {
    const auto file = file_system().create(temporary);
    fill(*file);
    file->sync();
  });
}

void write_atomically(const Path& path, std::string_view text) {
  write_atomically(path, [&](OutputFile& file) { file.write(std::as_bytes(std::span(text))); });
}

namespace {

// What stands where a file should, and the way out.
[[noreturn]] void refuse_to_read(const Path& path, mode_t mode) {
  const bool pipe = S_ISFIFO(mode) || S_ISSOCK(mode);
  throw Error(ErrorCode::bad_input, "this cannot be read as a file",
              {.where = path.string(),
               .expected = "a regular file",
               .found = S_ISDIR(mode) ? "a folder"
                        : pipe        ? "a pipe"
                                      : "a device",
               .remedy = pipe ? "It could be read once only: write it to a file first, and name that."
                              : "Name a file."});
}

// Opens for reading a thing that must be a regular file, and tells its size.
int open_regular(const Path& path, size_t& size) {
  // A named pipe would be waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT) {
      throw Error(
          ErrorCode::not_found, "there is no such file",
          {.where = path.string(),
           .remedy = path == "-" ? "Standard input is not read: write it to a file first, and name that."
                                 : "Check the name: it counts from the folder you are in."});
    }
    throw_system_error("read", path.string());
  }
  struct stat status;
  if (::fstat(descriptor, &status) != 0) status.st_mode = 0;
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    refuse_to_read(path, status.st_mode);
  }
  size = static_cast<size_t>(status.st_size);
  return descriptor;
}

}  // namespace

std::string read_text(const Path& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

MappedFile::MappedFile(const Path& path) {
  const int descriptor = open_regular(path, size_);
  if (size_ > 0) {
    void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (address == MAP_FAILED) throw_system_error("map", path.string());
    data_ = static_cast<const std::byte*>(address);
  } else {
    ::close(descriptor);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

FileLock::FileLock(const Path& path, Mode mode)
    : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw_system_error("lock", path.string());
  const int operation = mode == Mode::exclusive ? LOCK_EX : LOCK_SH;
  if (::flock(descriptor_, operation | LOCK_NB) == 0) {
    if (mode == Mode::exclusive && ::ftruncate(descriptor_, 0) == 0) {
      const std::string holder = std::to_string(::getpid());
      if (::pwrite(descriptor_, holder.data(), holder.size(), 0) < 0)
        throw_system_error("lock", path.string());
    }
    return;
  }
  char holder[32] = {};
  const ssize_t length = ::pread(descriptor_, holder, sizeof holder - 1, 0);
  ::close(descriptor_);
  descriptor_ = -1;
  throw Error(ErrorCode::conflict, "another process is writing here",
              {.where = path.parent_path().string(),
               .expected = "no other writer",
               .found = length > 0 ? "process " + std::string(holder) : "a lock",
               .remedy = "Wait until it ends, or stop it, and run the same command again."});
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string shell_word(const Path& path) {
  const std::string& text = path.native();
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=@+%";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

Path program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

Path shared_file(std::string_view name) {
  return program_folder().parent_path() / "share" / name;
}

}  // namespace cowatch
