// `cowatch vectors …`: collections on the command line, in the folder itself; a running server has it locked.
#include <fstream>
#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/verb.h"
#include "cli/verbs.h"
#include "search/collection_set.h"
#include "search/distance.h"
#include "search/io/vector_files.h"
#include "serve/vectors/access_tokens.h"

namespace cowatch {
namespace {

constexpr size_t batch_points = 2000;

struct Options {
  Path folder, file;
  std::string collection, dataset, distance = "Cosine", filter, like, snapshot;
  CollectionConfig config;
  std::string index = "graph", codes;
  size_t index_mib = 0;
  size_t first_id = 0, count = 10, effort = 0;
  bool exact = false;
  serve::AccessTokens::Grant grant;
};
using Shared = std::shared_ptr<Options>;

CollectionSet open(const Options& options) {
  return CollectionSet(Workspace::open(options.folder, Workspace::Access::read).file("vectors"));
}

Metric metric_of_shown(const std::string& name) {
  return name == "Dot" ? Metric::inner_product : name == "Euclid" ? Metric::l2 : Metric::cosine;
}

// Lines {"id", "vector", "payload"}, as export writes them.
void import_lines(Collection& collection, const Options& options, Progress& progress) {
  std::ifstream file(options.file);
  if (!file) throw Error(ErrorCode::not_found, "there is no such file", {.where = options.file.string()});
  std::vector<PointChange> batch;
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    const std::string where = options.file.string() + ", line " + std::to_string(number);
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("id") || !json.contains("vector") || !json["vector"].is_array())
      throw Error(ErrorCode::bad_input, "this is not a point", {.where = where, .expected = "{\"id\": …, \"vector\": […]}", .found = line.substr(0, 60)});
    PointChange change;
    change.id = parse_point_id(json["id"], where);
    for (const Json& value : json["vector"]) {
      if (!value.is_number()) throw Error(ErrorCode::bad_input, "a vector holds something else than numbers", {.where = where, .found = value.dump()});
      change.vector.push_back(value.get<float>());
    }
    if (json.contains("payload") && json["payload"].is_object()) change.payload = json["payload"].dump();
    batch.push_back(std::move(change));
    if (batch.size() < batch_points) continue;
    throw_if_interrupted();
    progress.add(batch.size());
    collection.write(std::move(batch));
    batch.clear();
  }
  progress.add(batch.size());
  if (!batch.empty()) collection.write(std::move(batch));
}

void import_points(const Options& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  {
    Progress progress("importing", "points", 0);
    if (options.file.extension() == ".jsonl") {
      import_lines(*collection, options, progress);
    } else {
      read_vectors(options.file, options.dataset, [&](size_t first, ConstMatrix rows) {
        throw_if_interrupted();
        std::vector<PointChange> batch(rows.rows);
        for (size_t r = 0; r < rows.rows; ++r) {
          batch[r].id = PointId(options.first_id + first + r);
          batch[r].vector.assign(rows.row(r).begin(), rows.row(r).end());
        }
        collection->write(std::move(batch));
        progress.add(rows.rows);
      });
    }
  }
  Progress progress("indexing", "collections", 1);
  collection->settle();
  progress.add();
  std::cout << collection->view()->count() << " points\n";
}

void export_points(const Options& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  const auto view = collection->view();
  const auto places = view->in_order(PointId(0), view->count(), view->select(nullptr));
  const auto table = [&](size_t row) -> const PointTable& { return *view->tables[places[row].table].table; };
  if (options.file.extension() != ".jsonl") {
    write_vectors(options.file, places.size(), collection->config().dimension, [&](size_t row, std::span<float> values) {
      std::ranges::copy(table(row).vector_of(places[row].slot), values.begin());
    });
  } else {
    write_atomically(options.file, [&](OutputFile& file) {
      for (size_t row = 0; row < places.size(); ++row) {
        const auto vector = table(row).vector_of(places[row].slot);
        const Json json = {{"id", to_json(view->id_of(places[row]))},
                           {"vector", std::vector<float>(vector.begin(), vector.end())},
                           {"payload", table(row).payload_of(places[row].slot)}};
        const std::string line = json.dump() + "\n";
        file.write(std::as_bytes(std::span(line)));
      }
    });
  }
  std::cout << places.size() << " points, in order of id\n";
}

void search_points(const Options& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  const auto view = collection->view();
  const PointId id = parse_point_id(std::string_view(options.like), "--like");
  const auto at = view->find(id);
  if (!at) throw Error(ErrorCode::not_found, "there is no such point", {.where = "--like", .found = options.like});
  std::optional<Condition> condition;
  if (!options.filter.empty()) {
    const Json json = Json::parse(options.filter, nullptr, false);
    if (json.is_discarded()) throw Error(ErrorCode::bad_argument, "the filter is not JSON", {.where = "--filter"});
    condition = parse_filter(json, "--filter");
  }
  const Metric metric = collection->config().metric;
  const auto vector = view->tables[at->table].table->vector_of(at->slot);
  const VectorQuery query{vector, options.count, options.effort, options.exact, nullptr};
  for (const Hit& hit : search(*view, metric, query, view->select(condition ? &*condition : nullptr)))
    std::cout << to_text(view->id_of(hit.at)) << "  " << shown_score(metric, hit.score) << "  "
              << view->tables[hit.at.table].table->payload_text(hit.at.slot) << "\n";
}

void show(const Options& options) {
  const CollectionSet set = open(options);
  for (const auto& [name, reason] : set.failed()) std::cout << name << ": " << reason << "\n";
  for (const std::string& name : set.names()) {
    if (set.failed().contains(name) || (!options.collection.empty() && name != options.collection)) continue;
    const auto collection = set.find(name);
    const auto status = collection->status();
    const auto mib = [](size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
    std::cout << name << ": " << status.points << " points of " << collection->config().dimension << " numbers, "
              << shown_name(collection->config().metric) << "; " << status.indexed << " indexed in a graph; records "
              << mib(status.record_bytes) << ", segments " << mib(status.vector_bytes) << ", indexes "
              << mib(status.index_bytes) << "\n";
    for (const std::string& trouble : status.trouble) std::cout << "  " << trouble << "\n";
  }
  for (const auto& [alias, name] : set.aliases()) std::cout << alias << " is " << name << "\n";
}

void check(const Options& options) {
  const CollectionSet set = open(options);
  const auto collection = set.find(options.collection);
  auto wrong = collection->status().trouble;
  for (const std::string& text : collection->verify()) wrong.push_back(text);
  for (const std::string& text : wrong) std::cout << text << "\n";
  if (!wrong.empty())
    throw Error(ErrorCode::damaged, "the collection was damaged (above)",
                {.where = options.collection, .remedy = "Segments are mended already; for records, restore a snapshot."});
  std::cout << collection->view()->count() << " points, every byte as it was written\n";
}

CLI::App* add(CLI::App& app, const Shared& options, const char* name, const char* meaning,
              void (*run)(const Options&), bool one_collection = true) {
  CLI::App* sub = app.add_subcommand(name, meaning);
  sub->add_option("WS", options->folder, "the workspace")->required();
  if (one_collection) sub->add_option("COLLECTION", options->collection, "its name")->required();
  sub->callback([options, run] { run(*options); });
  return sub;
}

void configure(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.require_subcommand(1);
  auto* create = add(app, o, "create", "make a collection", [](const Options& options) {
    CollectionConfig config = options.config;
    config.metric = metric_of_shown(options.distance);
    config.index = index_kind_of(options.index);
    const char* usual = config.index == IndexKind::ivf ? "scalar4" : "scalar4x8";
    config.codes = code_kind_of(options.codes.empty() ? usual : options.codes);
    config.index_memory = options.index_mib << 20;
    open(options).create(options.collection, config);
  });
  create->add_option("--size", o->config.dimension, "numbers of a vector")->required();
  create->add_option("--distance", o->distance, "how near two are")->check(CLI::IsMember({"Cosine", "Dot", "Euclid"}))->capture_default_str();
  create->add_option("--index-threshold", o->config.index_threshold, "points from which a segment gets an index")->capture_default_str();
  create->add_option("--index", o->index, "kind of index: graph, ivf or exact")->capture_default_str();
  create->add_option("--codes", o->codes, "codes of the index; empty: scalar4x8 for a graph, scalar4 for ivf");
  create->add_option("--lists", o->config.lists, "inverted lists; 0: 2 √n")->capture_default_str();
  create->add_option("--code-bytes", o->config.code_bytes, "bytes of a product code; 0: a bit for each number")->capture_default_str();
  create->add_option("--kept-dimensions", o->config.kept_dimensions, "principal directions that are coded; 0: all")->capture_default_str();
  create->add_option("--index-memory", o->index_mib, "memory that indexing a segment may take, in MiB; 0: any")->capture_default_str();
  create->add_option("--most-points", o->config.most_points, "quota; 0: none")->capture_default_str();
  auto* import = add(app, o, "import", "add points from a file and index them", import_points);
  import->add_option("FILE", o->file, ".npy, .fvecs, .bvecs, .safetensors, .hdf5 or .jsonl")->required();
  import->add_option("--name", o->dataset, "the tensor or dataset of the file");
  import->add_option("--first-id", o->first_id, "id of the first row")->capture_default_str();
  auto* exported = add(app, o, "export", "write all points, in order of id", export_points);
  exported->add_option("FILE", o->file, ".npy, .fvecs or .safetensors (vectors), .jsonl (all)")->required();
  auto* search = add(app, o, "search", "the points nearest to one", search_points);
  search->add_option("--like", o->like, "id of a point")->required();
  search->add_option("--count", o->count, "how many")->check(CLI::Range(1, 10000))->capture_default_str();
  search->add_option("--filter", o->filter, "conditions on payloads, as JSON in Qdrant's shape");
  search->add_option("--effort", o->effort, "candidates kept while searching; 0: the index's default");
  search->add_flag("--exact", o->exact, "scan every vector");
  add(app, o, "snapshot", "write a snapshot", [](const Options& options) {
    std::cout << open(options).make_snapshot(options.collection).name << "\n";
  });
  auto* restore = add(app, o, "restore", "put a snapshot in a collection's place", [](const Options& options) {
    open(options).restore(options.collection, options.file);
  });
  restore->add_option("FILE", o->file, "the snapshot")->required();
  add(app, o, "check", "read every byte and compare segments with records", check);
  add(app, o, "delete", "delete a collection", [](const Options& options) {
    if (!open(options).remove(options.collection)) throw Error(ErrorCode::not_found, "there is no such collection");
  });
  auto* info = add(app, o, "info", "collections, their sizes and state", show, false);
  info->add_option("COLLECTION", o->collection, "only this one");
  auto* token = add(app, o, "token", "make a token for the server; it is shown this once", [](const Options& options) {
    const Workspace workspace = Workspace::open(options.folder, Workspace::Access::read);
    std::filesystem::create_directories(workspace.file("vectors"));
    std::cout << serve::AccessTokens::add(workspace.file("vectors") / "tokens.json", options.grant) << "\n";
  }, false);
  token->add_option("--name", o->grant.name, "what it is for")->required();
  token->add_option("--scope", o->grant.scope, "what it allows; each includes the ones before")->check(CLI::IsMember({"read", "write", "manage"}))->required();
  token->add_option("--collection", o->grant.collections, "only these collections or aliases");
  token->add_option("--rate", o->grant.requests_per_second, "requests a second; 0: any number")->capture_default_str();
}

}  // namespace

Verb vectors_verb() {
  return {"vectors", "Vectors", "collections of vectors: create, import, search, snapshot, check",
          "  cowatch vectors create ws films --size 128\n"
          "  cowatch vectors import ws films sift-128-euclidean.hdf5 --name train\n"
          "  cowatch vectors search ws films --like 7 --filter '{\"must\": [{\"key\": \"year\", \"range\": {\"gte\": 2020}}]}'\n"
          "  cowatch vectors export ws films films.jsonl\n"
          "  cowatch vectors snapshot ws films\n"
          "  cowatch vectors check ws films\n"
          "  cowatch vectors token ws --name page --scope read --rate 100",
          configure};
}

}  // namespace cowatch
