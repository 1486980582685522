// Every method of training, through the program: train, embed, and answers from what was learned.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/json.h"
#include "learn/relational/options.h"
#include "learn/torch/torch_module.h"
#include "support/process.h"

namespace cowatch {
namespace {

const std::vector<std::string> small = {"--hidden", "16", "--outputs", "8", "--batch", "32", "--steps", "6"};

test::Finished train(const std::string& workspace, const std::vector<std::string>& options) {
  std::vector<std::string> words{"train", workspace, "relational", "--json", "--quiet"};
  words.insert(words.end(), small.begin(), small.end());
  words.insert(words.end(), options.begin(), options.end());
  return test::run_cowatch(words);
}

void must(const std::vector<std::string>& words) {
  const test::Finished done = test::run_cowatch(words);
  ASSERT_EQ(done.status, 0) << done.output;
}

// A workspace with a rendered platform, ready for training.
std::string prepared(const Path& folder) {
  const std::string platform = (folder / "platform").string(), workspace = (folder / "ws").string();
  must({"render", platform, "--videos", "120", "--people", "60", "--no-video", "--json"});
  must({"import", workspace, "--videos", platform + "/videos.jsonl", "--events", platform + "/events.jsonl",
        "--features", platform + "/features.npy", "--quiet"});
  must({"extract", workspace, "--quiet"});
  must({"graph", workspace, "--quiet"});
  return workspace;
}

TEST(Methods, AllTrainAndEmbedAWorldOfTheProgramsOwn) {
  const test::TemporaryFolder folder;
  const std::string workspace = prepared(folder.path());
  std::vector<std::vector<std::string>> variants{{"--method", "default"},
                                                 {"--method", "default", "--budget", "0"},
                                                 {"--method", "l0_mined", "--product-of-towers", "true"},
                                                 {"--method", "infonce", "--modality-dropout", "0.3"},
                                                 {"--method", "infonce", "--hidden-dropout", "0.3"},
                                                 {"--method", "random_mined", "--optimiser", "sgd"}};
  // The program itself loads the module beside the libraries that it has; the tests of learn/torch compare its numbers.
  const bool on_torch = std::filesystem::exists(torch_module_file());
  if (on_torch) variants.push_back({"--method", "infonce", "--device", "torch-cpu"});
  for (const std::string_view name : network_methods()) variants.push_back({"--method", std::string(name)});
  for (const auto& variant : variants) {
    const test::Finished done = train(workspace, variant);
    ASSERT_EQ(done.status, 0) << variant[1] << ": " << done.output;
    const Json summary = Json::parse(done.output.substr(done.output.find('{')));
    EXPECT_EQ(summary["method"], variant[1]);
    EXPECT_EQ(summary["videos"], 120);
    EXPECT_TRUE(summary.contains("climbed") && summary.contains("unmined"));
    EXPECT_EQ(summary["batch"], 32);
    if (variant.size() == 2 && variant[1] != "default") {
      EXPECT_EQ(summary["steps"], 6) << variant[1];
      EXPECT_EQ(summary["outputs"], 8) << variant[1];
    }
  }
  must({"embed", workspace, "--quiet"});
  if (on_torch && torch_module().cuda_devices > 0) return;
  const test::Finished refused = train(workspace, {"--device", "cuda"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.output.find("libtorch"), std::string::npos) << refused.output;
}

// Everybody watches a video of their own: `default` takes the features as they are, a method that is named
// has nothing to learn from and says so.
TEST(Methods, WhereAllVideosAreIsolated) {
  const test::TemporaryFolder folder;
  const std::string platform = (folder / "platform").string(), workspace = (folder / "ws").string();
  must({"render", platform, "--videos", "40", "--people", "10", "--no-video", "--json"});
  must({"import", workspace, "--videos", platform + "/videos.jsonl", "--features", platform + "/features.npy",
        "--quiet"});
  must({"extract", workspace, "--quiet"});
  must({"graph", workspace, "--quiet"});
  const test::Finished usual = train(workspace, {"--normalisation", "table"});
  ASSERT_EQ(usual.status, 0) << usual.output;
  EXPECT_NE(usual.output.find("train.normalisation has no effect"), std::string::npos) << usual.output;
  const Json summary = Json::parse(usual.output.substr(usual.output.find('{')));
  EXPECT_EQ(summary["edges"], 0);
  EXPECT_EQ(summary["videos_with_neighbours"], 0);
  EXPECT_NE(summary["why"].get<std::string>().find("the features as they are"), std::string::npos);
  must({"embed", workspace, "--quiet"});
  const test::Finished named = train(workspace, {"--method", "infonce"});
  EXPECT_NE(named.status, 0);
  EXPECT_NE(named.output.find("40 videos, all isolated"), std::string::npos) << named.output;
  EXPECT_NE(named.output.find("graph.min_people"), std::string::npos) << named.output;
}

// What a kill between the two files leaves.
TEST(Methods, ATreeOfAnotherGraphIsNotUsed) {
  const test::TemporaryFolder folder;
  const std::string workspace = prepared(folder.path());
  const Path tree = Path(workspace) / "tree.safetensors", old_tree = folder / "old_tree";
  std::filesystem::copy_file(tree, old_tree);
  must({"graph", workspace, "--min-people", "1", "--quiet"});
  std::filesystem::copy_file(old_tree, tree, std::filesystem::copy_options::overwrite_existing);
  const test::Finished refused = train(workspace, {"--method", "l0"});
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.output.find("cowatch graph"), std::string::npos) << refused.output;
  const test::Finished mended =
      test::run_cowatch({"graph", workspace, "--min-people", "1", "--json", "--quiet"});
  ASSERT_EQ(mended.status, 0) << mended.output;
  const Json kept = Json::parse(mended.output.substr(mended.output.find('{')));
  EXPECT_EQ(kept["counted"], false);
  for (const char* count : {"people", "watches", "repeats", "pairs", "pruned"})
    EXPECT_TRUE(kept.at(count).is_null()) << "what was not counted is not 0: " << count;
  EXPECT_GT(kept["edges"], 0);
  EXPECT_EQ(train(workspace, {"--method", "l0"}).status, 0);
}

}  // namespace
}  // namespace cowatch
