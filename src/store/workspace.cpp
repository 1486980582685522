#include "store/workspace.h"

#include "base/error.h"
#include "base/json.h"
#include "base/version.h"

namespace cowatch {
namespace {

constexpr std::string_view marker = "workspace.json", lock_name = "lock";

void check_layout(const Path& folder) {
  const Path path = folder / marker;
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::not_found, "this is not a workspace",
                {.where = folder.string(),
                 .expected = "a folder with " + std::string(marker),
                 .found = std::filesystem::exists(folder) ? "none" : "no such folder",
                 .remedy = "`cowatch import " + shell_word(folder) + " --events FILE` makes one."});
  }
  const Json json = Json::parse(read_text(path), nullptr, false);
  if (!json.is_object() || !json.contains("layout") || !json["layout"].is_number_integer()) {
    throw Error(ErrorCode::damaged, "the workspace's marker cannot be read",
                {.where = path.string(),
                 .expected = R"({"layout": 1, …})",
                 .found = "something else",
                 .remedy = "Write {\"layout\": 1} into it if the folder is a workspace of this version."});
  }
  if (const auto layout = json["layout"].get<int64_t>(); layout > Workspace::layout_version) {
    throw Error(ErrorCode::newer_version, "this workspace was made by a later version",
                {.where = folder.string(),
                 .expected = "layout " + std::to_string(Workspace::layout_version),
                 .found = "layout " + std::to_string(layout),
                 .remedy = "Use the program that made it: " +
                           (json.contains("program") && json["program"].is_string()
                                ? json["program"].get<std::string>()
                                : "a later cowatch") +
                           "."});
  }
}

// Whether a workspace may begin there: nothing of others is in it.
bool may_begin(const Path& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return true;
  if (!std::filesystem::is_directory(folder)) return false;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    // What one leaves that was killed while it began.
    if (name != lock_name && name != std::string(marker) + ".partial") return false;
  }
  return true;
}

}  // namespace

Workspace Workspace::open(const Path& folder, Access access) {
  check_layout(folder);
  std::optional<FileLock> lock;
  if (access == Access::write) lock.emplace(folder / lock_name, FileLock::Mode::exclusive);
  return Workspace(folder, std::move(lock));
}

bool Workspace::may_be(const Path& folder) {
  return std::filesystem::exists(folder / marker) || may_begin(folder);
}

Workspace Workspace::open_or_create(const Path& folder) {
  if (std::filesystem::exists(folder / marker)) return open(folder, Access::write);
  if (!may_begin(folder)) {
    throw Error(ErrorCode::conflict, "this folder holds other things",
                {.where = folder.string(),
                 .expected = "a workspace, an empty folder or none",
                 .found = std::filesystem::is_directory(folder) ? "a folder in use" : "a file",
                 .remedy = "Name another folder for the workspace."});
  }
  std::error_code error;
  const bool made_folder = std::filesystem::create_directories(folder, error);
  if (error)
    throw Error(ErrorCode::system, "cannot make the folder " + folder.string() + ": " + error.message());
  FileLock lock(folder / lock_name, FileLock::Mode::exclusive);
  const Json json = {{"layout", layout_version}, {"program", "cowatch " + std::string(version())}};
  write_atomically(folder / marker, json.dump(2) + "\n");
  Workspace workspace(folder, std::move(lock));
  workspace.is_new_ = true, workspace.made_folder_ = made_folder;
  return workspace;
}

void Workspace::discard() const {
  std::error_code ignored;
  for (const Path& path : {catalogue(), file("catalogue.sqlite-wal"), file("catalogue.sqlite-shm"), file(marker), file(lock_name)})
    std::filesystem::remove(path, ignored);
  if (made_folder_) std::filesystem::remove(folder_, ignored);
}

Settings Workspace::settings() const {
  Settings settings;
  if (std::filesystem::exists(file("cowatch.toml"))) settings.load_toml(file("cowatch.toml"));
  settings.load_environment();
  return settings;
}

}  // namespace cowatch
