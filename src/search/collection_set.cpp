#include "search/collection_set.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/settings.h"

namespace cowatch {
namespace {

constexpr size_t longest_name = 128;
constexpr const char* half_made = ".new-";
constexpr const char* half_gone = ".gone-";
constexpr const char* shards_file = "shards.json";
constexpr const char* restored = ".restored-";  // whole, and to stand in the place of the one it names

// Names are names of folders.
bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= longest_name && name[0] != '.' &&
         std::ranges::all_of(name, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
         });
}

void check_name(const std::string& name, const char* what) {
  if (is_name(name)) return;
  throw Error(ErrorCode::bad_argument, std::string("this cannot be the name of ") + what,
              {.expected = "1 to 128 letters, digits, _ - or ., not beginning with .",
               .found = "'" + name.substr(0, 60) + "'"});
}

std::string time_name(int64_t& ms) {
  ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
           .count();
  const std::time_t seconds = ms / 1000;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d-%H-%M-%S", &parts);
  char all[48];
  std::snprintf(all, sizeof all, "%s-%03d", text, static_cast<int>(ms % 1000));
  return all;
}

// A folder and those above it that are missing: none of them is gone after a crash.
void make_folders(const Path& folder) {
  if (folder.empty() || std::filesystem::is_directory(folder)) return;
  make_folders(folder.parent_path());
  std::filesystem::create_directory(folder);
  file_system().sync_folder(folder.has_parent_path() ? folder.parent_path() : Path("."));
}

void write_aliases(const Path& folder, const std::map<std::string, std::string>& aliases) {
  write_atomically(folder / "aliases.json", Json(aliases).dump(1));
}

std::vector<Path> entries_of(const Path& folder) {
  std::vector<Path> entries;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) entries.push_back(entry.path());
  return entries;
}

}  // namespace

CollectionSet::CollectionSet(const Path& folder)
    : folder_((make_folders(folder / "collections"), folder)),
      lock_(folder / "lock", FileLock::Mode::exclusive) {
  if (const Path path = folder / "aliases.json"; std::filesystem::exists(path)) {
    try {
      aliases_ = Json::parse(read_text(path)).get<std::map<std::string, std::string>>();
    } catch (const Json::exception& error) {
      throw Error(ErrorCode::damaged, "the aliases cannot be read",
                  {.where = path.string(),
                   .expected = "{\"alias\": \"collection\"}",
                   .found = error.what(),
                   .remedy = "Mend the file, or remove it and make the aliases again."});
    }
  }
  for (const Path& path : entries_of(folder / "collections")) {
    const std::string name = path.filename().string();
    if (name.starts_with(restored)) {  // a crash came between its becoming whole and taking its place
      const Path place = home(name.substr(std::string_view(restored).size()));
      discard(place);
      file_system().rename(path, place);
      file_system().sync_folder(folder / "collections");
    } else if (name.starts_with('.')) {  // what a crash left half-made or half-removed
      discard(path);
    }
  }
  for (const Path& path : entries_of(folder / "collections")) {
    const std::string name = path.filename().string();
    if (name.starts_with('.')) continue;  // it could not be removed
    try {
      if (std::filesystem::exists(path / shards_file)) {
        sharded_[name] = std::make_shared<const ShardedCollection>(read_sharded(path / shards_file, name));
      } else {
        open_[name] = std::make_shared<Collection>(path);
      }
    } catch (const std::exception& error) {
      log(LogLevel::error, "collection " + name + " cannot be opened: " + error.what());
      failed_.emplace(name, error_of(error));
    }
  }
  // A crash may have come between a collection's removal and that of its aliases, which must not lead to the next one of its name.
  if (std::erase_if(aliases_, [&](const auto& alias) { return !contains(alias.second); }) == 0) return;
  try {
    write_aliases(folder, aliases_);
  } catch (const Error& error) {  // a full disk does not keep anybody from reading
    log(LogLevel::warning, std::string("aliases without a collection stay in their file: ") + error.what());
  }
}

std::string CollectionSet::target_of(const std::string& name) const {
  const auto alias = aliases_.find(name);
  return alias == aliases_.end() ? name : alias->second;
}

std::shared_ptr<Collection> CollectionSet::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const std::string target = target_of(name);
  if (const auto found = open_.find(target); found != open_.end()) return found->second;
  if (sharded_.contains(target))
    throw Error(ErrorCode::unsupported, "the collection `" + target + "` lies on other servers",
                {.remedy = "Ask the server that knows its shards, or these themselves."});
  if (const auto found = failed_.find(target); found != failed_.end())
    throw Error(found->second.code(), "the collection `" + target + "` cannot be opened: " + found->second.message(), found->second.details());
  std::vector<std::string> known;
  for (const auto& [each, collection] : open_) known.push_back(each);
  for (const auto& [each, collection] : sharded_) known.push_back(each);
  for (const auto& [alias, collection] : aliases_) known.push_back(alias);
  const std::string near = nearest_name(name, known);
  throw Error(ErrorCode::not_found, "there is no collection `" + name.substr(0, 80) + "`",
              {.remedy = near.empty() ? "" : "Did you mean `" + near + "`?"});
}

bool CollectionSet::contains(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const std::string target = target_of(name);
  return open_.contains(target) || failed_.contains(target) || sharded_.contains(target);
}

std::shared_ptr<const ShardedCollection> CollectionSet::sharded(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = sharded_.find(target_of(name));
  return found == sharded_.end() ? nullptr : found->second;
}

std::vector<std::string> CollectionSet::sharded_names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, collection] : sharded_) names.push_back(name);
  return names;
}

std::vector<std::string> CollectionSet::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, collection] : open_) names.push_back(name);
  for (const auto& [name, reason] : failed_) names.push_back(name);
  return names;
}

std::map<std::string, std::string> CollectionSet::failed() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> reasons;
  for (const auto& [name, error] : failed_) reasons[name] = error.what();
  return reasons;
}

void CollectionSet::check_free(const std::string& name) const {
  check_name(name, "a collection");
  if (contains(name))
    throw Error(ErrorCode::conflict, "the collection `" + name + "` already exists",
                {.remedy = "Give another name, or delete it first."});
}

void CollectionSet::declare(const ShardedCollection& collection) {
  const std::lock_guard changing(change_mutex_);
  check_free(collection.name);
  const Path made = home(half_made + collection.name);
  discard(made);
  std::filesystem::create_directories(made);
  write_sharded(made / shards_file, collection);
  file_system().rename(made, home(collection.name));
  file_system().sync_folder(folder_ / "collections");
  const std::lock_guard lock(mutex_);
  sharded_[collection.name] = std::make_shared<const ShardedCollection>(collection);
}

std::shared_ptr<Collection> CollectionSet::create(const std::string& name, const CollectionConfig& config) {
  const std::lock_guard changing(change_mutex_);
  check_free(name);
  const Path made = home(half_made + name);
  discard(made);
  Collection::create(made, config);
  file_system().rename(made, home(name));
  file_system().sync_folder(folder_ / "collections");
  auto collection = std::make_shared<Collection>(home(name));
  const std::lock_guard lock(mutex_);
  return open_[name] = collection;
}

bool CollectionSet::remove(const std::string& name) {
  const std::lock_guard changing(change_mutex_);
  if (!close_and_discard(name)) return false;
  std::shared_ptr<Collection> closed;
  {
    const std::lock_guard lock(mutex_);
    if (auto gone = open_.extract(name)) closed = std::move(gone.mapped());
    failed_.erase(name);
    sharded_.erase(name);
  }
  std::vector<AliasChange> dangling;
  for (const auto& [alias, target] : aliases())
    if (target == name) dangling.push_back({AliasChange::Kind::remove, alias, ""});
  if (!dangling.empty()) replace_aliases(dangling);
  return true;
}

bool CollectionSet::close_and_discard(const std::string& name) {
  std::shared_ptr<Collection> closed;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(name);
    if (found == open_.end() && !failed_.contains(name) && !sharded_.contains(name)) return false;
    if (found != open_.end()) closed = found->second;
  }
  // Who still searches it holds its files through their maps; nobody writes where another may lie soon.
  if (closed) closed->close();
  const Path gone = home(half_gone + name);
  discard(gone);
  file_system().rename(home(name), gone);
  file_system().sync_folder(folder_ / "collections");
  discard(gone);
  return true;
}

void CollectionSet::discard(const Path& folder) {
  std::error_code ignored;  // what is left is tried again at the next start
  std::filesystem::remove_all(folder, ignored);
}

void CollectionSet::change_aliases(const std::vector<AliasChange>& changes) {
  const std::lock_guard changing(change_mutex_);
  replace_aliases(changes);
}

void CollectionSet::replace_aliases(const std::vector<AliasChange>& changes) {
  auto next = changed_aliases(changes);
  // Nobody else changes them meanwhile, and searches do not wait for the disk.
  write_aliases(folder_, next);
  const std::lock_guard lock(mutex_);
  aliases_ = std::move(next);
}

std::map<std::string, std::string> CollectionSet::changed_aliases(const std::vector<AliasChange>& changes) const {
  const std::lock_guard lock(mutex_);
  auto next = aliases_;
  const auto check_alias = [&](const std::string& alias) {
    check_name(alias, "an alias");
    if (open_.contains(alias) || sharded_.contains(alias) || failed_.contains(alias))
      throw Error(ErrorCode::conflict, "a collection has the name `" + alias + "` itself",
                  {.remedy = "Give another name."});
  };
  for (const AliasChange& change : changes) {
    switch (change.kind) {
      case AliasChange::Kind::create:
        check_alias(change.alias);
        if (!open_.contains(change.target) && !sharded_.contains(change.target))
          throw Error(ErrorCode::not_found, "there is no collection `" + change.target.substr(0, 80) + "`");
        next[change.alias] = change.target;
        break;
      case AliasChange::Kind::remove:
        if (next.erase(change.alias) == 0)
          throw Error(ErrorCode::not_found, "there is no alias `" + change.alias.substr(0, 80) + "`");
        break;
      case AliasChange::Kind::rename: {
        check_alias(change.target);
        auto node = next.extract(change.alias);
        if (!node) throw Error(ErrorCode::not_found, "there is no alias `" + change.alias.substr(0, 80) + "`");
        if (!next.emplace(change.target, node.mapped()).second)
          throw Error(ErrorCode::conflict, "there is an alias `" + change.target + "` already",
                      {.remedy = "Delete it in the same request, before this."});
        break;
      }
    }
  }
  return next;
}

std::map<std::string, std::string> CollectionSet::aliases() const {
  const std::lock_guard lock(mutex_);
  return aliases_;
}

std::vector<CollectionSet::Snapshot> CollectionSet::snapshots(const std::string& collection) const {
  const Path folder = snapshots_of(collection);
  std::vector<Snapshot> list;
  if (!std::filesystem::exists(folder)) {
    if (!contains(collection)) find(collection);  // throws, naming the nearest
    return list;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".snapshot") continue;
    const auto age = std::filesystem::file_time_type::clock::now() - entry.last_write_time();
    const auto made = std::chrono::system_clock::now() -
                      std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
    list.push_back({entry.path().filename().string(), entry.file_size(),
                    std::chrono::duration_cast<std::chrono::milliseconds>(made.time_since_epoch()).count()});
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

CollectionSet::Snapshot CollectionSet::make_snapshot(const std::string& collection) {
  const auto source = find(collection);
  const Path folder = snapshots_of(collection);
  const std::string name = folder.filename().string();
  make_folders(folder);
  Snapshot snapshot;
  snapshot.name = name + "-" + time_name(snapshot.made_ms) + ".snapshot";
  const Path partial = folder / (snapshot.name + ".partial");
  try {
    source->snapshot(partial);
  } catch (...) {
    std::filesystem::remove(partial);
    throw;
  }
  file_system().rename(partial, folder / snapshot.name);
  file_system().sync_folder(folder);
  snapshot.bytes = std::filesystem::file_size(folder / snapshot.name);
  return snapshot;
}

Path CollectionSet::snapshot_file(const std::string& collection, const std::string& name) const {
  const Path path = snapshots_of(collection) / name;
  if (is_name(name) && path.extension() == ".snapshot" && std::filesystem::exists(path)) return path;
  throw Error(ErrorCode::not_found, "there is no such snapshot",
              {.where = collection.substr(0, 80), .found = "'" + name.substr(0, 120) + "'"});
}

// A deleted collection's too, under its name.
Path CollectionSet::snapshots_of(const std::string& collection) const {
  const std::lock_guard lock(mutex_);
  const std::string name = target_of(collection);
  check_name(name, "a collection");
  return folder_ / "snapshots" / name;
}

void CollectionSet::remove_snapshot(const std::string& collection, const std::string& name) {
  file_system().remove(snapshot_file(collection, name));
}

void CollectionSet::restore(const std::string& collection, const Path& snapshot) {
  const std::lock_guard changing(change_mutex_);
  const std::string name = snapshots_of(collection).filename().string();
  const Path made = home(half_made + name), whole = home(restored + name);
  if (sharded(name))
    throw Error(ErrorCode::conflict, "the collection `" + name + "` lies on other servers",
                {.remedy = "Restore its parts there, or delete it first."});
  discard(made);
  try {
    Collection::restore(snapshot, made);
  } catch (...) {
    discard(made);
    throw;
  }
  discard(whole);
  file_system().rename(made, whole);
  file_system().sync_folder(folder_ / "collections");
  close_and_discard(name);  // aliases go on to name what takes its place
  file_system().rename(whole, home(name));
  file_system().sync_folder(folder_ / "collections");
  // Opening makes segments anew, which takes its time: meanwhile the former one answers as it was.
  std::shared_ptr<Collection> opened;
  try {
    opened = std::make_shared<Collection>(home(name));
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    open_.erase(name);
    failed_.insert_or_assign(name, error_of(error));
    throw;
  }
  const std::lock_guard lock(mutex_);
  failed_.erase(name);
  open_[name].swap(opened);  // what the former one maps is given back behind the lock
}

}  // namespace cowatch
