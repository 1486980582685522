#include "support/forgetful_file_system.h"

#include <cerrno>
#include <fstream>

#include "base/error.h"

namespace cowatch::test {
namespace {

std::optional<std::string> content(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

class ForgetfulFile : public OutputFile {
 public:
  ForgetfulFile(ForgetfulFileSystem& files, Path path, std::ios::openmode mode)
      : files_(files), path_(std::move(path)), out_(path_, std::ios::binary | mode) {}

  void write(std::span<const std::byte> bytes) override {
    files_.count(path_);
    out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out_.flush();
  }
  void sync() override {
    const std::lock_guard lock(files_.mutex_);
    files_.count(path_);
    files_.durable(path_).synced = content(path_);
  }

 private:
  ForgetfulFileSystem& files_;
  Path path_;
  std::ofstream out_;
};

void ForgetfulFileSystem::count(const Path& path) {
  const std::lock_guard lock(mutex_);
  ++operations_;
  if (left_ == 0) {
    errno = ENOSPC;
    throw_system_error("write", path.string());
  }
  if (left_ > 0) --left_;
}

ForgetfulFileSystem::Durable& ForgetfulFileSystem::durable(const Path& path) {
  const auto [found, added] = files_.try_emplace(path);
  // What stood there before this layer came is on the disk.
  if (added) found->second.named = found->second.synced = content(path);
  return found->second;
}

std::unique_ptr<OutputFile> ForgetfulFileSystem::create(const Path& path) {
  const std::lock_guard lock(mutex_);
  count(path);
  durable(path).synced.reset();
  return std::make_unique<ForgetfulFile>(*this, path, std::ios::trunc);
}

std::unique_ptr<OutputFile> ForgetfulFileSystem::append(const Path& path) {
  const std::lock_guard lock(mutex_);
  count(path);
  durable(path);
  return std::make_unique<ForgetfulFile>(*this, path, std::ios::app);
}

void ForgetfulFileSystem::rename(const Path& from, const Path& to) {
  const std::lock_guard lock(mutex_);
  count(to);
  durable(to).synced = durable(from).synced;
  durable(from).synced.reset();
  std::filesystem::rename(from, to);
}

void ForgetfulFileSystem::remove(const Path& path) {
  const std::lock_guard lock(mutex_);
  durable(path).synced.reset();
  std::filesystem::remove(path);
}

void ForgetfulFileSystem::sync_folder(const Path& folder) {
  const std::lock_guard lock(mutex_);
  count(folder);
  for (auto& [path, state] : files_) {
    if (path.parent_path() == folder) state.named = state.synced;
  }
}

void ForgetfulFileSystem::crash() {
  const std::lock_guard lock(mutex_);
  for (auto& [path, state] : files_) {
    if (state.named) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << *state.named;
    } else {
      std::filesystem::remove(path);
    }
    state.synced = state.named;
  }
}

}  // namespace cowatch::test
