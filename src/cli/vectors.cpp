// `cowatch vectors …`: collections on the command line, in the folder itself; a running server has it locked.
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/index_options.h"
#include "cli/verbs.h"
#include "rpc/shard_link.h"
#include "search/collection_set.h"
#include "search/distance.h"
#include "search/point_files.h"
#include "search/vector_fault.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch {
namespace {

struct VectorsArguments {
  Path folder;
  PointFile points;  // or a snapshot
  bool remove = false;  // an alias
  std::string collection, target, distance = "Cosine", filter, like, vector, from;
  CollectionConfig config;
  size_t index_mib = 0, count = 10, effort = 0, probes = 0, foreseen_points = 0;
  bool exact = false, with_vectors = false, list = false;
  std::vector<std::string> shards, shard_tokens, ids;
  std::string revoked;  // the name of a token
  serve::AccessTokens::Grant grant;
};
using Shared = std::shared_ptr<VectorsArguments>;

CollectionSet open(const VectorsArguments& options) {
  return CollectionSet(Workspace::open(options.folder, Workspace::Access::read).file("vectors"));
}

Metric metric_of_shown(const std::string& name) {
  return name == "Dot" ? Metric::inner_product : name == "Euclid" ? Metric::l2 : Metric::cosine;
}

std::optional<Condition> condition_of(const VectorsArguments& options) {
  if (options.filter.empty()) return std::nullopt;
  return parse_filter(parse_json(options.filter, "--filter"), "--filter");
}

// As the server does it: the shards are asked to make their parts.
void create_on_shards(const VectorsArguments& options) {
  const auto& tokens = options.shard_tokens;
  if (tokens.size() > 1 && tokens.size() != options.shards.size())
    throw Error(ErrorCode::bad_argument, "there are more or fewer tokens than shards",
                {.where = "--shard-token",
                 .expected = "one for all, or one for each --shard",
                 .found = std::to_string(tokens.size()) + " for " + std::to_string(options.shards.size()) +
                          " shards"});
  Json shards = Json::array();
  for (size_t s = 0; s < options.shards.size(); ++s) {
    shards.push_back({{"address", options.shards[s]}});
    if (!tokens.empty()) shards.back()["token"] = tokens[std::min(s, tokens.size() - 1)];
  }
  Json index = to_json(options.config.index);
  index["index_memory"] = options.index_mib;
  const Json body = {{"vectors", {{"size", options.config.dimension}, {"distance", options.distance}}},
                     {"index_config", index},
                     {"shards", shards}};
  CollectionSet set = open(options);
  serve::ShardLinks links;
  links.open_by(rpc::open_shard_link);
  serve::create_on_shards(set, links, options.collection, body, Job::Clock::now() + std::chrono::minutes(1));
}

std::string mib(size_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

void foresee(const CollectionConfig& config, size_t points) {
  const CollectionBytes bytes = predict_bytes(config, points);
  const auto line = [](const char* what, size_t count, const char* how) {
    std::cout << std::left << std::setw(10) << what << std::right << std::setw(12) << mib(count) << "  " << how << "\n";
  };
  line("index", bytes.indexes, bytes.indexes > 0 ? "mapped; every search reads in it" : "none: they are scanned, as fewer than --index-threshold or beyond --index-memory");
  line("segments", bytes.segments, "mapped, payloads not counted; read for what is answered, and by exact search");
  line("tables", bytes.tables, "held at most, while points are written");
  line("building", bytes.building, "held besides at most, while segments are merged and indexed");
}

void create_collection(const VectorsArguments& options) {
  if (!options.shards.empty()) return create_on_shards(options);
  CollectionConfig config = options.config;
  config.index.metric = metric_of_shown(options.distance);
  config.index.memory_cap = options.index_mib << 20;
  try {
    check_config(config);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_argument && error.code() != ErrorCode::no_space) throw;
    std::string flag = "--" + error.details().where;
    std::ranges::replace(flag, '_', '-');
    throw at_place(error, flag);
  }
  if (options.foreseen_points > 0) return foresee(config, options.foreseen_points);
  open(options).create(options.collection, config);
}

void import_file(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  size_t rows = 0;
  {
    std::optional<Progress> progress;
    rows = import_points(
        *collection, options.points, [&](size_t written) { progress->add(written); },
        [&](size_t all) { progress.emplace("importing", "points", all); });
  }
  Progress progress("indexing", "collections", 1);
  collection->settle();
  progress.add();
  std::cout << rows << " rows imported; " << collection->view()->count() << " points\n";
}

void export_file(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  const auto view = collection->view();
  size_t count = 0;
  {
    Progress progress("exporting", "points", view->count());
    count = export_points(*view, collection->config().dimension, options.points.path,
                          [&](size_t written) { progress.add(written); });
  }
  std::cout << count << " points, in order of id\n";
}

// The vector to look for: given itself, or that of a point.
std::vector<float> query_of(const VectorsArguments& options, const Collection& collection,
                            const CollectionView& view) {
  if (options.like.empty() == options.vector.empty()) {
    throw Error(ErrorCode::bad_argument, "there is nothing to look for, or too much",
                {.where = "--like, --vector", .expected = "one of the two"});
  }
  if (!options.like.empty()) {
    const PointId id = parse_point_id(std::string_view(options.like), "--like");
    const auto at = view.find(id);
    if (!at)
      throw Error(ErrorCode::not_found, "there is no such point", {.where = "--like", .found = options.like});
    const auto vector = view.tables[at->table].table->vector_of(at->slot);
    return {vector.begin(), vector.end()};
  }
  PointChange point =
      parse_point_line({{"id", uint64_t{0}}, {"vector", parse_json(options.vector, "--vector")}}, "--vector");
  const CollectionConfig config = collection.config();
  if (const auto fault = vector_fault(config.index.metric, config.dimension, point.vector))
    throw at_place(*fault, "--vector");
  if (config.index.metric == Metric::cosine) bring_to_unit(point.vector);
  return point.vector;
}

void search_points(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  const auto view = collection->view();
  const auto condition = condition_of(options);
  const Metric metric = collection->config().index.metric;
  if (options.probes > 0 && collection->config().index.kind != IndexKind::ivf)
    throw Error(ErrorCode::bad_argument, "only a collection with the index ivf has lists to scan",
                {.where = "--probes",
                 .found = "the index " + std::string(index_kind_name(collection->config().index.kind))});
  const auto vector = query_of(options, *collection, *view);
  const VectorQuery query{.vector = vector,
                          .k = options.count,
                          .effort = options.effort,
                          .probes = options.probes,
                          .exact = options.exact};
  for (const Hit& hit : search(*view, metric, query, view->select(condition ? &*condition : nullptr)))
    std::cout << to_text(view->id_of(hit.at)) << "  " << shown_score(metric, hit.score) << "  "
              << view->tables[hit.at.table].table->payload_text(hit.at.slot) << "\n";
}

void count_points(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  const auto view = set.find(options.collection)->view();
  const auto condition = condition_of(options);
  size_t count = 0;
  for (const auto& allowed : view->select(condition ? &*condition : nullptr)) count += allowed->count();
  std::cout << count << "\n";
}

void scroll_points(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  const auto view = set.find(options.collection)->view();
  const auto condition = condition_of(options);
  const PointId from =
      options.from.empty() ? PointId(0) : parse_point_id(std::string_view(options.from), "--from");
  const auto places =
      view->in_order(from, options.count + 1, view->select(condition ? &*condition : nullptr));
  for (size_t i = 0; i < std::min(options.count, places.size()); ++i) {
    Json line = point_line(*view, places[i]);
    if (!options.with_vectors) line.erase("vector");
    std::cout << line.dump() << "\n";
  }
  if (places.size() > options.count)
    std::cerr << "more follow: --from " << to_text(view->id_of(places[options.count])) << "\n";
}

void delete_points(const VectorsArguments& options) {
  const auto condition = condition_of(options);
  if (options.ids.empty() != condition.has_value())
    throw Error(ErrorCode::bad_argument, "it is not said which points, or twice",
                {.where = "--id, --filter", .expected = "one of the two"});
  std::set<PointId> ids;
  for (const std::string& id : options.ids) ids.insert(parse_point_id(std::string_view(id), "--id"));
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  const size_t before = collection->view()->count();
  collection->write([&](const CollectionView& view) {
    std::vector<PointChange> changes;
    for (const PointId& id : ids)
      if (view.find(id)) changes.push_back({id, true, {}, ""});
    if (!condition) return changes;
    const auto allowed = view.select(&*condition);
    for (uint32_t t = 0; t < allowed.size(); ++t)
      allowed[t]->for_each([&](uint32_t slot) { changes.push_back({view.id_of({t, slot}), true, {}, ""}); });
    return changes;
  });
  const size_t left = collection->view()->count();
  std::cout << before - left << " points deleted; " << left << " left\n";
}

void show(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  for (const auto& [name, reason] : set.failed()) std::cout << name << ": " << reason << "\n";
  for (const std::string& name : set.names()) {
    if (set.failed().contains(name) || (!options.collection.empty() && name != options.collection)) continue;
    const auto collection = set.find(name);
    const auto status = collection->status();
    std::cout << name << ": " << status.points << " points of " << collection->config().dimension
              << " numbers, " << shown_name(collection->config().index.metric) << "; " << status.indexed
              << " indexed (" << index_kind_name(collection->config().index.kind) << "); records "
              << mib(status.record_bytes) << ", segments " << mib(status.vector_bytes) << ", indexes "
              << mib(status.index_bytes) << "\n";
    for (const std::string& trouble : status.trouble) std::cout << "  " << trouble << "\n";
  }
  for (const std::string& name : set.sharded_names()) {
    if (!options.collection.empty() && name != options.collection) continue;
    std::cout << name << ": on";
    for (const Shard& shard : set.sharded(name)->shards) std::cout << " " << shard.address;
    std::cout << "\n";
  }
  for (const auto& [alias, name] : set.aliases()) std::cout << alias << " is " << name << "\n";
}

void check(const VectorsArguments& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  auto wrong = collection->status().damage;
  for (const std::string& text : collection->verify()) wrong.push_back(text);
  for (const std::string& text : wrong) std::cout << text << "\n";
  if (!wrong.empty())
    throw Error(ErrorCode::damaged, "the collection was damaged (above)",
                {.where = options.collection,
                 .remedy = "Segments are mended already; for records, restore a snapshot."});
  std::cout << collection->view()->count() << " points, every byte as it was written\n";
}

void show_snapshots(const VectorsArguments& options) {
  for (const auto& snapshot : open(options).snapshots(options.collection))
    std::cout << snapshot.name << "  " << snapshot.bytes << " bytes\n";
}

// A path, or the name of one of the collection's own snapshots.
void restore(const VectorsArguments& options) {
  CollectionSet set = open(options);
  Path file = options.points.path;
  if (!std::filesystem::exists(file) && !file.has_parent_path())
    file = set.snapshot_file(options.collection, file.string());
  set.restore(options.collection, file);
  std::cout << set.find(options.collection)->view()->count() << " points\n";
}

void switch_alias(const VectorsArguments& options) {
  if (options.target.empty() != options.remove)
    throw Error(ErrorCode::bad_argument, "an alias gets a meaning or loses it",
                {.expected = "COLLECTION, or --remove", .found = options.remove ? "both" : "neither"});
  using Kind = CollectionSet::AliasChange::Kind;
  open(options).change_aliases(
      {{options.remove ? Kind::remove : Kind::create, options.collection, options.target}});
}

void drop(const VectorsArguments& options) {
  CollectionSet set = open(options);
  if (!set.remove(options.collection)) {
    set.find(options.collection);  // names what is near
    throw Error(ErrorCode::bad_argument, "this is an alias",
                {.found = options.collection,
                 .remedy = "Give the name of the collection: `cowatch vectors info WS`."});
  }
}

void list_tokens(const Path& file) {
  for (const auto& grant : serve::AccessTokens::list(file)) {
    std::cout << grant.name << ": " << grant.scope << ", ";
    if (grant.collections.empty()) std::cout << "all collections";
    for (size_t i = 0; i < grant.collections.size(); ++i) std::cout << (i ? " " : "") << grant.collections[i];
    if (grant.requests_per_second > 0) std::cout << ", " << grant.requests_per_second << " requests a second";
    std::cout << "\n";
  }
}

void change_tokens(const VectorsArguments& options) {
  const Workspace workspace = Workspace::open(options.folder, Workspace::Access::read);
  const Path folder = workspace.file("vectors"), aliases = folder / "aliases.json",
             file = folder / "tokens.json";
  if (options.list) return list_tokens(file);
  if (!options.revoked.empty()) {
    std::cout << serve::AccessTokens::revoke(file, options.revoked)
              << " revoked; a running server knows within a second\n";
    return;
  }
  if (options.grant.name.empty() || options.grant.scope.empty())
    throw Error(ErrorCode::bad_argument, "a token has a name and a scope",
                {.expected = "--name and --scope, or --list, or --revoke NAME"});
  std::filesystem::create_directories(folder);
  std::cout << serve::AccessTokens::add(file, options.grant) << "\n";
  // A server may have them locked: looked at from outside.
  const Json known = std::filesystem::exists(aliases) ? Json::parse(read_text(aliases), nullptr, false) : Json::object();
  for (const std::string& name : options.grant.collections)
    if (!std::filesystem::exists(folder / "collections" / name) && !known.contains(name))
      log(LogLevel::warning, "there is no collection or alias `" + name + "`: the token reaches it once there is one");
}

enum class Needs { workspace, collection };

CommandLine add(CommandLine app, const Shared& options, const char* name, const char* meaning,
                const std::string& example, void (*run)(const VectorsArguments&), Needs needs = Needs::collection) {
  CommandLine sub = app.add_command(name, meaning);
  sub.add_option("WS", options->folder, "the workspace").required();
  if (needs == Needs::collection) sub.add_option("COLLECTION", options->collection, "its name").required();
  sub.examples("Example:\n  cowatch vectors " + example);
  sub.shares_options();  // --quiet and --threads, which the verb has
  sub.callback([options, run] { run(*options); });
  return sub;
}

void add_filter(CommandLine sub, const Shared& o) {
  sub.add_option("--filter", o->filter, "conditions on payloads, as JSON in Qdrant's shape");
}

void configure_files(CommandLine app, const Shared& o) {
  auto import = add(app, o, "import", "add the points of a file and index them; none when a row is wrong",
                    "import ws films sift-128-euclidean.hdf5 --name train", import_file);
  import.add_option("FILE", o->points.path, ".npy, .fvecs, .bvecs, .safetensors, .hdf5 or .jsonl").required();
  import.add_option("--name", o->points.dataset, "the tensor or dataset of the file");
  import.add_option("--first-id", o->points.first_id, "id of the first row").with_default();
  auto deleted = add(app, o, "delete", "delete points, by id or by filter",
                     "delete ws films --filter '{\"must\": [{\"key\": \"year\", \"range\": {\"lt\": 1990}}]}'", delete_points);
  deleted.add_option("--id", o->ids, "id of a point; once for each");
  add_filter(deleted, o);
  auto exported =
      add(app, o, "export", "write all points, in order of id", "export ws films films.jsonl", export_file);
  exported.add_option("FILE", o->points.path, ".npy, .fvecs, .bvecs, .safetensors or .hdf5 (vectors), .jsonl (all)")
      .required();
  add(app, o, "snapshot", "write a snapshot", "snapshot ws films", [](const VectorsArguments& options) {
    std::cout << open(options).make_snapshot(options.collection).name << "\n";
  });
  add(app, o, "snapshots", "the collection's snapshots", "snapshots ws films", show_snapshots);
  auto back = add(app, o, "restore", "put a snapshot in a collection's place",
                  "restore ws films films-2026-11-26-10-00-00-000.snapshot", restore);
  back.add_option("FILE", o->points.path, "the snapshot: its name, or a path").required();
}

void configure_questions(CommandLine app, const Shared& o) {
  auto search =
      add(app, o, "search", "the points nearest to a point or a vector",
          "search ws films --like 7 --filter '{\"must\": [{\"key\": \"year\", \"range\": {\"gte\": 2020}}]}'",
          search_points);
  search.add_option("--like", o->like, "id of a point");
  search.add_option("--vector", o->vector, "numbers, as a JSON array");
  search.add_option("--count", o->count, "how many").between(1, 10000).with_default();
  search.add_option("--effort", o->effort, "candidates kept while searching; 0: the index's default");
  search.add_option("--probes", o->probes, "lists that are scanned, of an index ivf; 0: the usual number");
  search.add_flag("--exact", o->exact, "scan every vector");
  add_filter(search, o);
  add_filter(add(app, o, "count", "how many points there are, or a filter lets through",
                 "count ws films --filter '{\"must\": [{\"key\": \"year\", \"match\": {\"value\": 2020}}]}'",
                 count_points),
             o);
  auto scroll = add(app, o, "scroll", "points as JSON lines, in order of id",
                    "scroll ws films --from 100 --count 20", scroll_points);
  scroll.add_option("--from", o->from, "the first id");
  scroll.add_option("--count", o->count, "how many").between(1, 1'000'000).with_default();
  scroll.add_flag("--vectors", o->with_vectors, "with their vectors");
  add_filter(scroll, o);
  auto info = add(app, o, "info", "collections, their sizes and state", "info ws", show, Needs::workspace);
  info.add_option("COLLECTION", o->collection, "only this one");
  add(app, o, "check", "read every byte and compare segments with records", "check ws films", check);
}

void configure_vectors(CommandLine app) {
  const auto o = std::make_shared<VectorsArguments>();
  app.require_command();
  auto create = add(app, o, "create", "make a collection",
                    "create ws films --size 128 --distance Cosine\n"
                    "  cowatch vectors create ws films --size 768 --dry-run 1000000",
                    create_collection);
  create.add_option("--size", o->config.dimension, "numbers of a vector").required();
  create.add_option("--distance", o->distance, "how near two are")
      .one_of({"Cosine", "Dot", "Euclid"})
      .with_default();
  create
      .add_option("--index-threshold", o->config.index_threshold, "points from which a segment gets an index")
      .with_default();
  add_index_options(create, o->config.index);
  create.add_option("--index-memory", o->index_mib, "memory that indexing a segment may take, in MiB; 0: any")
      .between(0, 1 << 30)
      .with_default();
  create.add_option("--most-points", o->config.most_points, "quota; 0: none").with_default();
  create.add_option("--dry-run", o->foreseen_points, "only say what memory so many points will take").between(1, INT32_MAX);
  create
      .add_option("--shard", o->shards,
                  "host:port of a server (its --grpc-port) that is to hold a part; once for each")
      .excludes("--most-points")
      .excludes("--codebook")
      .excludes("--index-threshold")
      .excludes("--dry-run");
  create
      .add_option("--shard-token", o->shard_tokens, "its bearer token: one for all, or one for each --shard")
      .needs("--shard");
  configure_files(app, o);
  configure_questions(app, o);
  CommandLine alias = app.add_command("alias", "let a name mean a collection, from now on: a switch at once");
  alias.add_option("WS", o->folder, "the workspace").required();
  alias.add_option("ALIAS", o->collection, "the name").required();
  alias.add_option("COLLECTION", o->target, "what it is to mean");
  alias.add_flag("--remove", o->remove, "it means nothing any longer");
  alias.examples("Examples:\n  cowatch vectors alias ws live films_v2\n  cowatch vectors alias ws live --remove");
  alias.shares_options();
  alias.callback([o] { switch_alias(*o); });
  add(app, o, "drop", "delete a collection; its snapshots stay", "drop ws films", drop);
  auto token =
      add(app, o, "token", "make a token for the server, which is shown this once; list tokens, revoke one",
          "token ws --name page --scope read --rate 100\n"
          "  cowatch vectors token ws --revoke page",
          change_tokens, Needs::workspace);
  token.add_option("--name", o->grant.name, "what it is for");
  token.add_option("--scope", o->grant.scope, "what it allows; each includes the ones before")
      .one_of({"read", "write", "manage"});
  token.add_option("--collection", o->grant.collections, "only these collections or aliases");
  token.add_option("--rate", o->grant.requests_per_second, "requests a second; 0: any number").with_default();
  token.add_flag("--list", o->list, "show what there are, without the tokens themselves");
  token.add_option("--revoke", o->revoked, "take away the tokens of this name")
      .excludes("--name")
      .excludes("--list");
}

}  // namespace

Verb vectors_verb() {
  return {"vectors", "Vectors", "collections of vectors: create, import, search, snapshot, check",
          "  cowatch vectors create ws films --size 128\n"
          "  cowatch vectors import ws films vectors.npy\n"
          "  cowatch vectors search ws films --like 7\n"
          "`cowatch vectors VERB --help` shows a verb's flags and an example. A running server has the "
          "collections\n"
          "locked: use its interface (docs/vector-search.md) or stop it first.",
          configure_vectors};
}

}  // namespace cowatch
