// A workspace: one folder that holds everything of one platform.
//
//   cowatch.toml      settings (optional)
//   workspace.json    layout version, made by, when
//   catalogue.sqlite  items, users, feedback, imported edges, import and media records (store/catalogue.h)
//   imported_features.safetensors  features made elsewhere (--features), row = item index
//   features.safetensors           raw features of every item, from extraction or import
//   graph.safetensors  tree.safetensors  watchers.safetensors  model.safetensors  embeddings.safetensors
//   checkpoints/      of a training under way
//   curves/           TensorBoard event files
//   media/            ID-hash.jpg posters, ID-hash.mp4 previews
//   uploads/          of searches under way
//   rejects/          rows an import refused, one file an import
//   lock              exclusive for writers
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/settings.h"

namespace cowatch {

class Workspace {
 public:
  enum class Access { read, write };
  static constexpr int layout_version = 1;

  // Opens an existing workspace. write takes the lock (conflict when another process has it); the server
  // reads.
  static Workspace open(const Path& folder, Access access);
  // Opens, or makes a new one when the folder is missing or empty. A folder with other things in it:
  // conflict.
  static Workspace open_or_create(const Path& folder);

  bool is_new() const { return is_new_; }  // open_or_create() has just made it
  // Takes a new one away again, with its empty catalogue and the folder if that was made too.
  void discard() const;

  const Path& folder() const { return folder_; }
  Path file(std::string_view name) const { return folder_ / name; }
  Path catalogue() const { return file("catalogue.sqlite"); }
  Path imported_features() const { return file("imported_features.safetensors"); }
  Path features() const { return file("features.safetensors"); }
  Path graph() const { return file("graph.safetensors"); }
  Path tree() const { return file("tree.safetensors"); }
  Path model() const { return file("model.safetensors"); }
  Path embeddings() const { return file("embeddings.safetensors"); }
  Path checkpoints() const { return file("checkpoints"); }
  Path curves() const { return file("curves"); }
  Path media() const { return file("media"); }
  Path rejects() const { return file("rejects"); }

  // Whether open_or_create() would take the folder.
  static bool may_be(const Path& folder);

  // Defaults, then cowatch.toml, then the environment.
  Settings settings() const;

 private:
  Workspace(Path folder, std::optional<FileLock> lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
  Path folder_;
  std::optional<FileLock> lock_;
  bool is_new_ = false, made_folder_ = false;
};

}  // namespace cowatch
