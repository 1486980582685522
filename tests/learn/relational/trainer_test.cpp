#include "learn/relational/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "learn/evaluation.h"
#include "support/plain_file.h"
#include "support/small_world.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

struct Setting {
  std::string name;
  RelationalOptions options;
};

RelationalOptions options_of(const char* method) {
  RelationalOptions options;
  apply_method(method, options);
  options.hidden = 24;
  options.outputs = 8;
  options.batch = 20;
  options.steps = 9;
  options.optimiser.warm_up = 2;
  return options;
}

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const char* method : {"l1_mined", "pseudo_class", "infonce", "curriculum"}) {
    all.push_back({method, options_of(method)});
  }
  RelationalOptions retained = options_of("curriculum_retained");
  retained.curriculum_share = 0;  // every epoch ends with the next level
  retained.batch = 60;
  retained.optimiser = {.kind = OptimiserKind::sgd, .rate = 0.05, .momentum = 0.9};
  all.push_back({"curriculum_retained by SGD", retained});
  RelationalOptions rich = options_of("random_mined");
  rich.product_of_towers = true;
  rich.modality_dropout = 0.3;
  rich.hidden_dropout = 0.25;
  rich.precision = Precision::bfloat16;
  all.push_back({"towers with dropout in bfloat16", rich});
  return all;
}

struct World {
  test::SmallWorld world = test::small_world(90);
  AffinityTree tree = build_tree(world.graph, {});
  RelationalTrainer trainer(const RelationalOptions& options) const {
    return {world.features, world.graph, tree, options};
  }
};

// Everything a training ends with.
struct End {
  std::vector<float> parameters;
  std::vector<double> numbers;  // of its steps and epochs
  bool operator==(const End&) const = default;
};

void run(RelationalTrainer& trainer, uint64_t until, End& end) {
  while (trainer.step() < until) {
    const StepReport report = trainer.train_step();
    end.numbers.insert(end.numbers.end(), {report.loss, report.retained, report.unmined,
                                           static_cast<double>(report.level), report.rate});
  }
}

End finish(RelationalTrainer& trainer, End end) {
  run(trainer, trainer.steps(), end);
  for (const EpochReport& epoch : trainer.epochs()) {
    end.numbers.insert(end.numbers.end(),
                       {static_cast<double>(epoch.epoch), static_cast<double>(epoch.step), epoch.loss,
                        epoch.retained.value_or(-1), epoch.unmined.value_or(-1), epoch.climbed.value_or(-1),
                        static_cast<double>(epoch.level)});
  }
  end.parameters = trainer.branch().parameters;
  return end;
}

TEST(RelationalTrainer, EndsInTheSameBytesAfterAStopAtAnyStep) {
  const World world;
  const test::TemporaryFolder folder;
  for (const Setting& setting : settings()) {
    RelationalTrainer whole = world.trainer(setting.options);
    const End expected = finish(whole, {});
    for (uint64_t stop = 0; stop <= whole.steps(); ++stop) {
      End end;
      RelationalTrainer first = world.trainer(setting.options);
      run(first, stop, end);
      first.save(folder / "checkpoint");
      RelationalTrainer second = world.trainer(setting.options);
      second.load(folder / "checkpoint");
      EXPECT_EQ(second.step(), stop);
      EXPECT_TRUE(finish(second, end) == expected) << setting.name << ", stopped after step " << stop;
    }
  }
}

// How well the network finds the neighbours that it was trained on.
double map_of(const RelationalTrainer& trainer, const test::SmallWorld& world) {
  const Network network(world.features.modalities(), {trainer.branch()});
  std::vector<float> rows(world.features.items() * network.outputs());
  const Matrix embeddings(rows.data(), world.features.items(), network.outputs());
  network.embed(world.features, 0, embeddings);
  return evaluate_retrieval(embeddings, world.graph).map;
}

TEST(RelationalTrainer, LearnsAndDependsOnTheSeed) {
  const World world;
  for (Setting& setting : settings()) {
    setting.options.steps = 80;
    RelationalTrainer trainer = world.trainer(setting.options);
    const double before = map_of(trainer, world.world);
    const End end = finish(trainer, {});
    // Hard negatives teach finer differences than so few groups have: no promise for the others.
    if (setting.name == "infonce") {
      EXPECT_GT(map_of(trainer, world.world), 1.15 * before);
    }
    setting.options.seed = 2;
    RelationalTrainer other = world.trainer(setting.options);
    EXPECT_NE(finish(other, {}).parameters, end.parameters) << setting.name;
  }
}

TEST(RelationalTrainer, LearnsFromTriplets) {
  const World world;
  for (const char* method : {"random", "random_mined"}) {
    RelationalOptions options = options_of(method);
    options.steps = 80;
    RelationalTrainer trainer = world.trainer(options);
    const double before = map_of(trainer, world.world);
    finish(trainer, {});
    EXPECT_GT(map_of(trainer, world.world), 1.1 * before) << method;
  }
}

constexpr NegativeLevel ladder[] = {NegativeLevel::random, NegativeLevel::l2, NegativeLevel::l1,
                                    NegativeLevel::l0};

TEST(RelationalTrainer, TheCurriculumTakesALevelAQuarterOfTheSteps) {
  const World world;
  for (const uint64_t steps : {8, 9, 10, 11}) {
    RelationalOptions options = options_of("curriculum");
    options.steps = steps;
    RelationalTrainer trainer = world.trainer(options);
    for (uint64_t step = 0; step < steps; ++step) {
      size_t quarter = 0;
      while (quarter < 3 && 4 * step >= (quarter + 1) * steps) ++quarter;
      EXPECT_EQ(trainer.train_step().level, ladder[quarter]) << "step " << step << " of " << steps;
    }
  }
}

// An epoch that ends where a quarter of the curriculum does is still of the level it was trained at.
TEST(RelationalTrainer, AnEpochIsOfTheLevelOfItsLastStep) {
  const World world;
  for (const char* method : {"curriculum", "curriculum_retained"}) {
    RelationalOptions options = options_of(method);
    options.batch = 1000;  // more than there are videos: every step is an epoch
    options.steps = 8;
    options.curriculum_share = 0;
    RelationalTrainer trainer = world.trainer(options);
    while (trainer.step() < trainer.steps()) {
      const NegativeLevel level = trainer.train_step().level;
      ASSERT_EQ(trainer.epochs().size(), trainer.step());
      EXPECT_EQ(trainer.epochs().back().level, level) << method << ", step " << trainer.step();
    }
  }
}

TEST(RelationalTrainer, AnEpochHasTheMeansOfItsSteps) {
  const World world;
  for (const char* method : {"l0_mined", "l0", "infonce"}) {
    RelationalOptions options = options_of(method);
    options.steps = 12;
    RelationalTrainer trainer = world.trainer(options);
    double retained = 0, unmined = 0, climbed = 0;
    uint64_t steps = 0;
    while (trainer.epochs().empty()) {
      const StepReport report = trainer.train_step();
      retained += report.retained, unmined += report.unmined, climbed += report.climbed;
      ++steps;
    }
    ASSERT_GT(steps, 1u);
    const EpochReport& epoch = trainer.epochs().front();
    const bool mines = options.mines(), draws = options.draws_negatives();
    const auto mean = [&](bool told, double sum) {
      return told ? std::optional(sum / static_cast<double>(steps)) : std::nullopt;
    };
    EXPECT_EQ(epoch.retained, mean(mines, retained)) << method;
    EXPECT_EQ(epoch.unmined, mean(mines, unmined)) << method;
    EXPECT_EQ(epoch.climbed, mean(draws, climbed)) << method;
  }
}

// A level lasts until an epoch has retained enough.
TEST(RelationalTrainer, TheCurriculumOfRetainedNegativesWaitsForItsShare) {
  const World world;
  RelationalOptions options = options_of("curriculum_retained");
  options.steps = 60;
  options.curriculum_share = 1;
  RelationalTrainer never = world.trainer(options);
  finish(never, {});
  std::vector<double> retained;
  for (const EpochReport& epoch : never.epochs()) {
    EXPECT_EQ(epoch.level, NegativeLevel::random);
    retained.push_back(*epoch.retained);
  }
  std::ranges::sort(retained);
  ASSERT_LT(retained.front(), retained.back());
  options.curriculum_share =
      retained.back();  // reached by one epoch at random negatives, and not by its first ones
  RelationalTrainer trainer = world.trainer(options);
  size_t stage = 0;
  bool waited = false;
  while (trainer.step() < trainer.steps()) {
    const size_t epochs = trainer.epochs().size();
    EXPECT_EQ(trainer.train_step().level, ladder[stage]) << "step " << trainer.step();
    if (trainer.epochs().size() == epochs) continue;
    if (trainer.epochs().back().retained >= options.curriculum_share)
      stage = std::min<size_t>(3, stage + 1);
    else
      waited = true;
  }
  EXPECT_GT(stage, 0u);
  EXPECT_TRUE(waited);
}

TEST(RelationalTrainer, EndsInTheSameBytesWithAnyNumberOfThreads) {
  const World world;
  for (Setting& setting : settings()) {
    setting.options.batch = 400;
    setting.options.hidden = 300;
    setting.options.steps = 3;
    std::vector<End> ends;
    for (const size_t count : {1, 2, 4}) {
      set_threads(count);
      RelationalTrainer trainer = world.trainer(setting.options);
      ends.push_back(finish(trainer, {}));
    }
    set_threads(0);
    EXPECT_TRUE(ends[1] == ends[0]) << setting.name;
    EXPECT_TRUE(ends[2] == ends[0]) << setting.name;
  }
}

TEST(RelationalTrainer, RefusesTheCheckpointOfAnotherTraining) {
  const World world;
  const test::TemporaryFolder folder;
  RelationalOptions options = options_of("random_mined");
  RelationalTrainer first = world.trainer(options);
  first.train_step();
  first.save(folder / "checkpoint");
  options.margin = 0.25;
  RelationalTrainer other = world.trainer(options), untouched = world.trainer(options);
  try {
    other.load(folder / "checkpoint");
    ADD_FAILURE() << "loaded it";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_FALSE(error.details().remedy.empty());
  }
  EXPECT_EQ(other.step(), 0u);
  EXPECT_TRUE(finish(other, {}) == finish(untouched, {}));
}

// A checkpoint with other tensors of the same training, of any format.
void write_checkpoint(const Path& from, const Path& to, int format,
                      const std::function<void(std::vector<uint64_t>&, std::vector<double>&)>& change) {
  const TensorFile file(from, "checkpoint", 2);
  const auto counters = file.tensor<uint64_t>("counters");
  const auto epochs = file.tensor<double>("epochs");
  std::vector<uint64_t> other_counters(counters.begin(), counters.end());
  std::vector<double> other_epochs(epochs.begin(), epochs.end());
  change(other_counters, other_epochs);
  TensorFileWriter writer("checkpoint", format);
  writer.set("input", file.get("input"));
  for (const char* name : {"parameters", "optimiser"})
    writer.add<float>(name, file.shape(name), file.tensor<float>(name));
  writer.add<uint64_t>("counters", {other_counters.size()}, other_counters);
  writer.add<double>("epochs", {other_epochs.size()}, other_epochs);
  writer.write(to);
}

TEST(RelationalTrainer, RefusesCheckpointsOfOlderFormatsAndOfNumbersThatCannotBe) {
  const World world;
  const test::TemporaryFolder folder;
  const RelationalOptions options = options_of("curriculum");
  RelationalTrainer first = world.trainer(options);
  while (first.epochs().empty()) first.train_step();
  first.save(folder / "good");
  const size_t level = 5, step = 4;  // of the first epoch, after four sums
  using Counters = std::vector<uint64_t>;
  using Epochs = std::vector<double>;
  const auto refused = [&](int format, const std::function<void(Counters&, Epochs&)>& change) {
    write_checkpoint(folder / "good", folder / "other", format, change);
    RelationalTrainer other = world.trainer(options);
    try {
      other.load(folder / "other");
    } catch (const Error& error) {
      EXPECT_EQ(other.step(), 0u);
      return error.code();
    }
    return ErrorCode::internal;  // none of those expected
  };
  const auto unchanged = [](Counters&, Epochs&) {};
  EXPECT_EQ(refused(2, unchanged), ErrorCode::internal) << "the test itself writes what can be loaded";
  EXPECT_EQ(refused(1, unchanged), ErrorCode::conflict);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e[level] = 4; }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e[level] = -1; }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e[level] = NAN; }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e[step] = 0; }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e[step] = 1e300; }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e.pop_back(); }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters&, Epochs& e) { e.clear(); }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters& c, Epochs&) { c[0] = options.steps + 1; }), ErrorCode::damaged);
  EXPECT_EQ(refused(2, [&](Counters& c, Epochs&) { c[1] = 4; }), ErrorCode::damaged);
}

TEST(RelationalTrainer, RefusesTheCheckpointOfAnotherGraph) {
  const World world;
  const test::TemporaryFolder folder;
  const RelationalOptions options = options_of("infonce");
  RelationalTrainer first = world.trainer(options);
  first.train_step();
  first.save(folder / "checkpoint");
  std::vector<Edge> edges;
  for (uint32_t video = 0; video + 1 < 90; ++video) edges.push_back({video, video + 1, 1});
  const Graph chain = Graph::from_edges(90, edges);
  const AffinityTree tree = build_tree(chain, {});
  RelationalTrainer other(world.world.features, chain, tree, options);
  EXPECT_THROW(other.load(folder / "checkpoint"), Error);
  EXPECT_EQ(other.step(), 0u);
}

// The tree decides which negatives are drawn: one of other clusters makes another training.
TEST(RelationalTrainer, RefusesTheCheckpointOfAnotherTree) {
  const World world;
  const test::TemporaryFolder folder;
  const RelationalOptions options = options_of("l0_mined");
  RelationalTrainer first = world.trainer(options);
  first.train_step();
  first.save(folder / "checkpoint");
  for (const TreeSettings& settings : {TreeSettings{.rounds = 1}, TreeSettings{.max_cluster_size = 3}}) {
    const AffinityTree tree = build_tree(world.world.graph, settings);
    RelationalTrainer other(world.world.features, world.world.graph, tree, options);
    EXPECT_THROW(other.load(folder / "checkpoint"), Error);
    EXPECT_EQ(other.step(), 0u);
  }
}

// Videos come up several times in a batch; each is one row, and the training is defined and repeatable.
TEST(RelationalTrainer, ABatchMayBeLargerThanTheCatalogue) {
  const World world;
  for (Setting& setting : settings()) {
    setting.options.batch = 1000;
    setting.options.steps = 3;
    RelationalTrainer one = world.trainer(setting.options), two = world.trainer(setting.options);
    const End end = finish(one, {});
    for (const float value : end.parameters) ASSERT_TRUE(std::isfinite(value)) << setting.name;
    EXPECT_TRUE(finish(two, {}) == end) << setting.name;
  }
}

TEST(RelationalTrainer, SaysThatItDiverged) {
  const World world;
  RelationalOptions options = options_of("infonce");
  options.optimiser = {
      .kind = OptimiserKind::sgd, .rate = 1e30, .schedule = ScheduleKind::constant, .warm_up = 0};
  options.steps = 30;
  RelationalTrainer trainer = world.trainer(options);
  try {
    while (trainer.step() < trainer.steps()) trainer.train_step();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_argument);
    EXPECT_EQ(error.details().where, "step " + std::to_string(trainer.step() + 1));
  }
}

// A column that never changes in training says nothing, whatever it holds later.
TEST(RelationalTrainer, AConstantColumnIsLeftOutAndCounted) {
  const World world;
  const size_t videos = world.world.features.items(), width = world.world.features.width();
  std::vector<float> values, later;
  for (uint32_t video = 0; video < videos; ++video) {
    std::vector<float> row(width);
    world.world.features.copy_row(video, row.data());
    row[2] = 7.25f;
    values.insert(values.end(), row.begin(), row.end());
    row[2] = static_cast<float>(video);
    later.insert(later.end(), row.begin(), row.end());
  }
  const FeatureTable constant(videos, {{"picture", 0, width}}, values),
      changed(videos, {{"picture", 0, width}}, later);
  RelationalTrainer trainer(constant, world.world.graph, world.tree, options_of("random_mined"));
  for (int step = 0; step < 5; ++step) trainer.train_step();
  const Branch branch = trainer.branch();
  EXPECT_EQ(branch.normalisation.constant, 1u);
  const Network network(constant.modalities(), {branch});
  std::vector<float> before(videos * network.outputs()), after(before.size());
  network.embed(constant, 0, Matrix(before.data(), videos, network.outputs()));
  network.embed(changed, 0, Matrix(after.data(), videos, network.outputs()));
  EXPECT_EQ(before, after);
}

TEST(RelationalTrainer, RefusesADamagedCheckpoint) {
  const World world;
  const test::TemporaryFolder folder;
  RelationalTrainer first = world.trainer(options_of("infonce"));
  first.train_step();
  first.save(folder / "checkpoint");
  const std::string good = read_text(folder / "checkpoint");
  for (size_t at = 0; at < good.size(); at += 61) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    test::write_plainly(folder / "flipped", bad);
    test::write_plainly(folder / "cut", good.substr(0, at));
    RelationalTrainer other = world.trainer(options_of("infonce"));
    EXPECT_THROW(other.load(folder / "flipped"), Error) << "byte " << at;
    EXPECT_THROW(other.load(folder / "cut"), Error) << "byte " << at;
    EXPECT_EQ(other.step(), 0u);
  }
}

TEST(RelationalTrainer, NamesWhatCannotBeTrained) {
  const World world;
  const auto fewer = world.world.features.select({0, 1, 2});
  EXPECT_THROW(RelationalTrainer(fewer, world.world.graph, world.tree, options_of("infonce")), Error);
  const Graph empty = Graph::from_edges(90, {});
  EXPECT_THROW(RelationalTrainer(world.world.features, empty, build_tree(empty, {}), options_of("infonce")),
               Error);
  const FeatureTable flat = FeatureTable::of_rows(90, 3, std::vector<float>(270, 1.5F));
  EXPECT_THROW(RelationalTrainer(flat, world.world.graph, world.tree, options_of("infonce")), Error);
  RelationalOptions options;
  try {
    apply_method("infonse", options);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.details().remedy.find("infonce"), std::string::npos);
  }
}

}  // namespace
}  // namespace cowatch
