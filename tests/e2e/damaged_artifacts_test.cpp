// Every artifact cut off at each of its sections, and with a bit turned in each: whoever reads it says so or
// answers as before, and `run` mends it.
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/tensor_file.h"
#include "e2e/sound_world.h"
#include "pipeline/embed_stage.h"
#include "pipeline/evaluate_stage.h"
#include "pipeline/graph_stage.h"
#include "pipeline/index_stage.h"
#include "pipeline/map_stage.h"
#include "pipeline/run_stage.h"
#include "pipeline/train_stage.h"
#include "serve/service.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

struct Damage {
  std::string what;
  std::string bytes;
};

// Offsets at which something else begins: length, header, padding, each tensor, the end.
std::vector<size_t> sections(const std::string& bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const Json header = Json::parse(bytes.substr(8, length));
  std::vector<size_t> begins{0, 8, 8 + length};
  const size_t data = 8 + length;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    begins.push_back(data + tensor["data_offsets"][0].get<size_t>());
    begins.push_back(data + tensor["data_offsets"][1].get<size_t>());
  }
  std::sort(begins.begin(), begins.end());
  begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
  return begins;
}

std::vector<Damage> damages(const std::string& whole) {
  std::vector<Damage> all;
  const std::vector<size_t> begins = sections(whole);
  for (size_t i = 0; i < begins.size(); ++i) {
    const size_t begin = begins[i], end = i + 1 < begins.size() ? begins[i + 1] : whole.size();
    if (begin < whole.size()) all.push_back({"cut off at " + std::to_string(begin), whole.substr(0, begin)});
    if (end <= begin) continue;
    const size_t middle = begin + (end - begin) / 2;
    all.push_back({"cut off at " + std::to_string(middle), whole.substr(0, middle)});
    for (const size_t at : {begin, middle, end - 1}) {
      std::string turned = whole;
      turned[at] = static_cast<char>(turned[at] ^ (1 << (at % 8)));
      all.push_back({"a bit turned at " + std::to_string(at), std::move(turned)});
    }
  }
  return all;
}

bool is_clear(const Error& error) {
  return (error.code() == ErrorCode::damaged || error.code() == ErrorCode::newer_version ||
          error.code() == ErrorCode::bad_input || error.code() == ErrorCode::missing_stage) &&
         !error.details().where.empty();
}

struct DamagedArtifacts : testing::TestWithParam<const char*> {
  static void SetUpTestSuite() {
    set_progress_style(ProgressStyle::quiet);
    set_log_level(LogLevel::error);
    world = std::make_unique<test::TemporaryFolder>();
    test::write_sound_world(world->path());
    const Workspace workspace = test::import_sound_world(world->path(), *world / "ws");
    run_stages(workspace, workspace.settings(), [](const StageReport&) {});
  }
  static void TearDownTestSuite() { world.reset(); }
  inline static std::unique_ptr<test::TemporaryFolder> world;

  static Path sound() { return *world / "ws"; }
  Path copy() const {
    const Path to = *world / "copy";
    std::filesystem::remove_all(to);
    std::filesystem::copy(sound(), to, std::filesystem::copy_options::recursive);
    return to;
  }
  std::string name() const { return GetParam(); }
  std::vector<Damage> damaged() const { return damages(read_text(sound() / name())); }
};

// Everything the server answers from artifacts, as text; an error at the start or in an answer must be clear.
std::map<std::string, std::string> answers(const Path& folder) {
  std::map<std::string, std::string> all;
  try {
    serve::Service service(Workspace::open(folder, Workspace::Access::read), Settings());
    for (const char* target : {"/api/item-to-item/related/s0", "/api/item-to-item/related/s3", "/api/tree",
                               "/api/tree/1/0", "/api/map", "/api/items"}) {
      serve::Request request;
      serve::parse_target(target, request);
      const serve::Response response = service.answer(request);
      all[target] = response.body;
      if (response.status == 200) continue;
      const Json said = Json::parse(response.body);
      EXPECT_TRUE(said["code"] == "damaged" || said["code"] == "newer-version" || said["code"] == "bad-input")
          << response.body;
      EXPECT_FALSE(said.value("where", "").empty()) << response.body;
      all.erase(target);
    }
  } catch (const Error& error) {
    EXPECT_TRUE(is_clear(error)) << error.what();
    all.clear();
  }
  return all;
}

TEST_P(DamagedArtifacts, AreNeverAnsweredFrom) {
  const auto before = answers(sound());
  ASSERT_EQ(before.size(), 6u);
  const Path folder = copy();
  for (const Damage& damage : damaged()) {
    SCOPED_TRACE(name() + " " + damage.what);
    write_atomically(folder / name(), damage.bytes);
    for (const auto& [target, body] : answers(folder)) EXPECT_EQ(body, before.at(target)) << target;
  }
}

// A verb either refuses clearly or makes what it makes from sound files.
TEST_P(DamagedArtifacts, AreRefusedByEveryVerb) {
  const Path folder = copy();
  const Workspace workspace = Workspace::open(folder, Workspace::Access::write);
  Settings settings = workspace.settings();
  settings.set("train.method", "random", Settings::Source::flag, "test");
  settings.set("train.steps", "2", Settings::Source::flag, "test");
  const std::pair<const char*, std::function<void()>> verbs[] = {
      {"graph", [&] { run_graph_stage(workspace, settings); }},
      {"train", [&] { run_train_stage(workspace, settings); }},
      {"embed", [&] { run_embed_stage(workspace, settings); }},
      {"index", [&] { run_index_stage(workspace, settings); }},
      {"map", [&] { run_map_stage(workspace); }},
      {"evaluate", [&] { run_evaluate_stage(workspace, settings); }}};
  const auto bytes_after = [&](const std::function<void()>& verb, const std::string& input) {
    for (const char* artifact : test::artifact_names)
      std::filesystem::copy_file(sound() / artifact, folder / artifact,
                                 std::filesystem::copy_options::overwrite_existing);
    if (!input.empty()) write_atomically(folder / name(), input);
    std::map<std::string, std::string> bytes;
    try {
      verb();
    } catch (const Error& error) {
      EXPECT_TRUE(is_clear(error)) << error.what();
      return bytes;
    }
    for (const char* artifact : test::artifact_names) {
      if (artifact != name()) bytes[artifact] = read_text(folder / artifact);
    }
    return bytes;
  };
  for (const auto& [verb, call] : verbs) {
    const auto before = bytes_after(call, "");
    ASSERT_FALSE(before.empty()) << verb;
    for (const Damage& damage : damaged()) {
      const auto after = bytes_after(call, damage.bytes);
      EXPECT_TRUE(after.empty() || after == before) << verb << " with " << name() << " " << damage.what;
    }
  }
}

TEST_P(DamagedArtifacts, AreMendedByRun) {
  const std::string whole = read_text(sound() / name());
  const Path folder = copy();
  const Workspace workspace = Workspace::open(folder, Workspace::Access::write);
  for (const Damage& damage : damaged()) {
    SCOPED_TRACE(name() + " " + damage.what);
    write_atomically(folder / name(), damage.bytes);
    ASSERT_NO_THROW(run_stages(workspace, workspace.settings(), [](const StageReport&) {}));
    EXPECT_TRUE(read_text(folder / name()) == whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, DamagedArtifacts, testing::ValuesIn(test::artifact_names),
                         [](const auto& info) {
                           return std::string(info.param, std::string_view(info.param).find('.'));
                         });

// A checkpoint of a training under way: what is damaged is begun afresh, and the model is the same.
TEST(DamagedCheckpoint, BeginsAfresh) {
  set_progress_style(ProgressStyle::quiet);
  set_log_level(LogLevel::error);
  const test::TemporaryFolder folder;
  test::write_sound_world(folder.path());
  const Workspace workspace = test::import_sound_world(folder.path(), folder / "ws");
  Settings settings = workspace.settings();
  settings.set("train.method", "infonce", Settings::Source::flag, "test");
  settings.set("train.steps", "6", Settings::Source::flag, "test");
  run_stages(workspace, settings, [](const StageReport&) {});
  const std::string model = read_text(workspace.model());

  const Path checkpoint = workspace.checkpoints() / "infonce.safetensors";
  {
    const FeatureTable features = FeatureTable::load(workspace.features());
    const Graph graph = Graph::load(workspace.graph());
    const AffinityTree tree = AffinityTree::load(workspace.tree());
    RelationalTrainer trainer(features, graph, tree, joint_options(settings).network);
    for (int step = 0; step < 3; ++step) trainer.train_step();
    std::filesystem::create_directories(workspace.checkpoints());
    trainer.save(checkpoint);
  }
  const std::string whole = read_text(checkpoint);
  for (const Damage& damage : damages(whole)) {
    SCOPED_TRACE(damage.what);
    std::filesystem::create_directories(workspace.checkpoints());
    write_atomically(checkpoint, damage.bytes);
    run_train_stage(workspace, settings);
    EXPECT_TRUE(read_text(workspace.model()) == model);
  }
}

}  // namespace
}  // namespace cowatch
