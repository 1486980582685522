#include "pipeline/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "base/tensor_file.h"
#include "store/catalogue.h"
#include "store/workspace.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

const Finding* find(const std::vector<Finding>& findings, std::string_view name) {
  const auto found =
      std::find_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.name == name; });
  return found == findings.end() ? nullptr : &*found;
}

TEST(Doctor, NamesADamagedArtifactAndTheVerbThatMakesIt) {
  const test::TemporaryFolder folder;
  const Path path = folder / "ws";
  const Workspace workspace = Workspace::open_or_create(path);
  { Catalogue(workspace.catalogue(), Catalogue::Mode::write); }
  const std::vector<float> values(100, 0.1f);
  TensorFileWriter writer("embeddings", 1);
  writer.add<float>("embeddings", {50, 2}, values);
  writer.write(workspace.embeddings());

  auto findings = examine_workspace(path);
  ASSERT_NE(find(findings, "embeddings.safetensors"), nullptr);
  EXPECT_EQ(find(findings, "embeddings.safetensors")->state, FindingState::ok);
  EXPECT_EQ(find(findings, "catalogue")->state, FindingState::ok);
  EXPECT_EQ(find(findings, "graph.safetensors")->state, FindingState::missing);
  EXPECT_EQ(find(findings, "graph.safetensors")->remedy, "cowatch graph " + path.string());

  {
    std::fstream file(workspace.embeddings(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-3, std::ios::end);
    file.put('\x55');
  }
  findings = examine_workspace(path);
  EXPECT_EQ(find(findings, "embeddings.safetensors")->state, FindingState::warning);
  EXPECT_EQ(find(findings, "embeddings.safetensors")->remedy, "cowatch embed " + path.string());
}

TEST(Doctor, NamesAFolderThatIsNoWorkspaceAndADamagedCatalogue) {
  const test::TemporaryFolder folder;
  const auto none = examine_workspace(folder / "none");
  ASSERT_EQ(none.size(), 1u);
  EXPECT_EQ(none[0].state, FindingState::missing);
  EXPECT_FALSE(none[0].remedy.empty());

  const Path path = folder / "ws";
  const Workspace workspace = Workspace::open_or_create(path);
  EXPECT_EQ(find(examine_workspace(path), "catalogue")->state, FindingState::missing);
  write_atomically(workspace.catalogue(), std::string(5000, 'x'));
  EXPECT_EQ(find(examine_workspace(path), "catalogue")->state, FindingState::warning);
}

TEST(Doctor, EveryFindingAboutTheMachineThatIsNotSoundHasARemedy) {
  const test::TemporaryFolder folder;
  const auto findings = examine_machine(folder.path());
  for (const char* name :
       {"program", "processor", "matrix products", "training on a card", "memory bandwidth", "memory",
        "open files", "free disk", "cowatch-media", "page", "SQLite"}) {
    ASSERT_NE(find(findings, name), nullptr) << name;
  }
  for (const Finding& finding : findings)
    EXPECT_EQ(finding.remedy.empty(), finding.state == FindingState::ok);
}

}  // namespace
}  // namespace cowatch
