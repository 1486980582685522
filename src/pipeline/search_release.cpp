#include "pipeline/search_release.h"

#include "base/error.h"
#include "base/json.h"

namespace cowatch {
namespace {

constexpr const char* half_made = ".new";
constexpr size_t name_length = 12;

void link_or_copy(const Path& from, const Path& to) {
  std::error_code refused;
  std::filesystem::create_hard_link(from, to, refused);
  if (refused) std::filesystem::copy_file(from, to);  // a file system without links
}

void discard(const Path& folder) {
  std::error_code ignored;  // what is left is tried again the next time
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace

Path current_release_file(const Workspace& workspace) {
  return workspace.file("search") / "current.json";
}

std::optional<SearchRelease> current_release(const Workspace& workspace) {
  const Path path = current_release_file(workspace);
  if (!std::filesystem::exists(path)) return std::nullopt;
  const Json json = Json::parse(read_text(path), nullptr, false);
  const auto text = [&](const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
  };
  const std::string name = text("release"), kind = text("index");
  const bool sound = !name.empty() && Path(name).filename() == name && !name.starts_with('.') &&
                     (kind == "exact" || kind == "graph" || kind == "ivf");
  if (!sound) {
    throw Error(ErrorCode::damaged, "what is searched cannot be read",
                {.where = path.string(), .remedy = "Run `cowatch index " + shell_word(workspace.folder()) + "`."});
  }
  return SearchRelease{name, text("input"), index_kind_of(kind)};
}

std::optional<EmbeddingIndex> open_current_release(const Workspace& workspace) {
  for (int attempt = 0;; ++attempt) {
    const auto current = current_release(workspace);
    if (!current) {
      if (!std::filesystem::exists(workspace.embeddings())) return std::nullopt;
      return EmbeddingIndex::open(workspace.embeddings());
    }
    try {
      return current->kind == IndexKind::exact
                 ? EmbeddingIndex::open(current->embeddings(workspace))
                 : EmbeddingIndex::open(current->embeddings(workspace), current->index(workspace));
    } catch (const Error& error) {
      // A switch may have come between: the version that was named is gone, another is there.
      if (attempt == 3 || (error.code() != ErrorCode::not_found && error.code() != ErrorCode::missing_stage)) throw;
    }
  }
}

namespace {

// "" before the first version, and when the file that names it is damaged.
std::string name_in_use(const Workspace& workspace) {
  try {
    const auto current = current_release(workspace);
    return current ? current->name : "";
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

void switch_release(const Workspace& workspace, SearchRelease next,
                    const std::function<void(const Path& embeddings, const Path& folder)>& fill) {
  next.name = next.input.substr(0, name_length);
  const Path home = workspace.file("search"), made = home / half_made;
  discard(made);
  std::filesystem::create_directories(made);
  const Path embeddings = made / "embeddings.safetensors";
  link_or_copy(workspace.embeddings(), embeddings);
  fill(embeddings, made);
  file_system().sync_folder(made);
  // A version made anew, because it suffered, gets another name: the one in use is left alone until the switch.
  if (next.name == name_in_use(workspace)) next.name += "-2";
  discard(next.folder(workspace));  // left by a kill before the switch
  file_system().rename(made, next.folder(workspace));
  file_system().sync_folder(home);
  const Json json = {{"release", next.name}, {"index", index_kind_name(next.kind)}, {"input", next.input}};
  write_atomically(current_release_file(workspace), json.dump(1));
  remove_other_releases(workspace);
}

void remove_other_releases(const Workspace& workspace) {
  const std::string name = name_in_use(workspace);
  if (name.empty()) return;
  for (const auto& entry : std::filesystem::directory_iterator(workspace.file("search")))
    if (entry.is_directory() && entry.path().filename() != name) discard(entry.path());
}

}  // namespace cowatch
