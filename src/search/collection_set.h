// The collections of one folder by name, their aliases and snapshots.
//
//   collections/NAME/         a collection (search/collection.h), or shards.json of one that lies on other servers
//   aliases.json              {"alias": "collection"}, replaced as a whole: a switch is atomic
//   snapshots/NAME/…          copies of records
//
// One process at a time (conflict otherwise), any thread. A collection that cannot be opened does not keep the others from answering: asking for it throws
// what its opening threw.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "search/collection.h"
#include "search/sharded_collection.h"

namespace cowatch {

class CollectionSet {
 public:
  explicit CollectionSet(const Path& folder);  // made when it is missing

  // By name or alias. Throws not_found, naming the nearest; unsupported for one that lies on other servers.
  std::shared_ptr<Collection> find(const std::string& name) const;
  bool contains(const std::string& name) const;
  std::vector<std::string> names() const;  // of those that lie here
  std::map<std::string, std::string> failed() const;  // name → why it cannot be opened
  // conflict when the name is taken; bad_argument when it cannot be one.
  void check_free(const std::string& name) const;
  std::shared_ptr<Collection> create(const std::string& name, const CollectionConfig& config);
  bool remove(const std::string& name);  // false: there was none

  // Keeps where a collection on other servers lies. Throws as check_free().
  void declare(const ShardedCollection& collection);
  std::shared_ptr<const ShardedCollection> sharded(const std::string& name) const;  // by name or alias, or null
  std::vector<std::string> sharded_names() const;

  struct AliasChange {
    enum class Kind { create, remove, rename } kind;
    std::string alias, target;  // the collection, or the new name
  };
  // All or none, in order, in one replacement.
  void change_aliases(const std::vector<AliasChange>& changes);
  std::map<std::string, std::string> aliases() const;

  struct Snapshot {
    std::string name;
    uint64_t bytes = 0;
    int64_t made_ms = 0;
  };
  // By name or alias. Snapshots outlive their collection: those of a deleted or damaged one are found too.
  std::vector<Snapshot> snapshots(const std::string& collection) const;
  Snapshot make_snapshot(const std::string& collection);
  Path snapshot_file(const std::string& collection, const std::string& name) const;  // not_found
  void remove_snapshot(const std::string& collection, const std::string& name);
  // Puts the snapshot's collection in the place of the one of that name or alias, or makes it, when the
  // snapshot is whole. Throws bad_input for one that is not.
  void restore(const std::string& collection, const Path& snapshot);

 private:
  Path home(const std::string& name) const { return folder_ / "collections" / name; }
  Path snapshots_of(const std::string& collection) const;
  std::string target_of(const std::string& name) const;  // mutex held
  // Takes away the folder, change_mutex held; an open collection stays in open_, closed. False: there was
  // none.
  bool close_and_discard(const std::string& name);
  void discard(const Path& folder);
  void replace_aliases(const std::vector<AliasChange>& changes);  // change_mutex held
  std::map<std::string, std::string> changed_aliases(const std::vector<AliasChange>& changes) const;

  Path folder_;
  FileLock lock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Collection>> open_;
  std::map<std::string, std::shared_ptr<const ShardedCollection>> sharded_;
  std::map<std::string, Error> failed_;
  std::map<std::string, std::string> aliases_;
  std::mutex change_mutex_;  // one create, remove, restore or change of aliases at a time
};

}  // namespace cowatch
