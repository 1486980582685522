// Files, through one layer that tests can replace: whole-file atomic writes, appends and memory maps.
//
// Everything durable goes through FileSystem: a file is written under a temporary name, synced, renamed, and
// its folder synced, so that after any crash either the old or the new bytes are there. Tests install a layer
// that forgets what was not synced, runs out of space or fails on demand
// (tests/support/forgetful_file_system.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cowatch {

using Path = std::filesystem::path;

// A file being written. Closing without sync() leaves the bytes to the mercy of a crash.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;  // appends; throws system or no_space
  virtual void sync() = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual std::unique_ptr<OutputFile> create(const Path& path) = 0;  // truncates
  virtual std::unique_ptr<OutputFile> append(const Path& path) = 0;  // creates when missing
  virtual void rename(const Path& from, const Path& to) = 0;
  virtual void remove(const Path& path) = 0;
  virtual void sync_folder(const Path& folder) = 0;
};

FileSystem& file_system();                           // the one in use; POSIX unless a test replaced it
FileSystem* replace_file_system(FileSystem* other);  // returns the former; nullptr puts POSIX back

// Writes PATH so that a crash leaves the old file or the new one. `make` makes the temporary file and syncs it; `fill` only
// writes to it.
void replace_atomically(const Path& path, const std::function<void(const Path& temporary)>& make);
void write_atomically(const Path& path, const std::function<void(OutputFile&)>& fill);
void write_atomically(const Path& path, std::string_view text);

// The whole file. Throws not_found, or bad_input when it is a directory.
std::string read_text(const Path& path);

// A read-only memory map; movable; the bytes live as long as the object. An empty file maps to an empty span.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const Path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// An exclusive or shared lock on a file, held until destruction, also released when the process dies.
class FileLock {
 public:
  enum class Mode { shared, exclusive };
  // Throws conflict, naming the process that holds it, when the lock is taken.
  FileLock(const Path& path, Mode mode);
  FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

// A path as a word of a command to copy: in quotes where a shell needs them.
std::string shell_word(const Path& path);

// Folder of the running program, and a file that ships with it: `share/NAME` beside bin/ (build tree or
// installation).
Path program_folder();
Path shared_file(std::string_view name);

}  // namespace cowatch
