// Platforms and what is expected of them as text, a statement a line; `#` begins a remark.
//
//   alice: a b c            alice watched the videos a, b and c, a minute apart
//   videos: e f             listed, though nobody watched them
//   look a: 1 0 0           features of a video; all have the same number of them
//   set graph.min_people = 1
//   hide d                  taken down by the platform
//   bob dislikes c          or hides, likes, …
//   related a = b c         exactly these, in this order; `related a =` expects none
//   related a for bob = c   what bob has watched, disliked or hidden is left out
//   related a starts b|c d  b and c in any order, then d, then anything
//
// Each question goes the whole way: files, import, `run`, related videos.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "base/progress.h"
#include "pipeline/import_stage.h"
#include "pipeline/related.h"
#include "pipeline/run_stage.h"
#include "support/temporary_folder.h"

namespace cowatch::test {

class PlatformText {
 public:
  PlatformText() {
    set_progress_style(ProgressStyle::quiet);
    // Enough to fit a dozen videos, and quick.
    for (const auto& [name, value] : {std::pair{"train.method", "infonce"},
                                      {"train.hidden", "32"},
                                      {"train.outputs", "8"},
                                      {"train.batch", "64"},
                                      {"train.steps", "120"}})
      set(name, value);
  }

  void run(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      line.erase(std::min(line.find('#'), line.size()));
      if (line.find_first_not_of(' ') == line.npos) continue;
      SCOPED_TRACE("line " + std::to_string(number) + ":" + line);
      statement(line);
    }
  }

  const Workspace& workspace() const { return workspace_; }

 private:
  void statement(const std::string& line) {
    std::istringstream words(line);
    std::string first, second;
    words >> first;
    if (first == "related") return ask(words);
    changed_ = true;
    if (first == "set") {
      std::string equals, value;
      words >> second >> equals >> value;
      set(second, value);
    } else if (first == "hide") {
      words >> second;
      hidden_.insert(second);
    } else if (first == "look") {
      words >> second;
      second.pop_back();
      for (std::string number; words >> number;) looks_[second].push_back(std::stof(number));
    } else if (first == "videos:") {
      for (std::string video; words >> video;) videos_ += video + "\n";
    } else if (first.back() == ':') {
      first.pop_back();
      for (std::string video; words >> video;) event(first, video, "watch");
    } else {
      std::string video;
      words >> second >> video;
      ASSERT_EQ(second.back(), 's') << "PERSON likes VIDEO";
      second.pop_back();
      event(first, video, second);
    }
  }

  void set(const std::string& name, const std::string& value) {
    settings_.set(name, value, Settings::Source::flag, "test");
  }

  void event(const std::string& person, const std::string& video, const std::string& kind) {
    events_ += person + "," + video + "," + kind + "," + std::to_string(1700000000 + 60 * ++minute_) + "\n";
  }

  void bring_up_to_date() {
    if (!changed_) return;
    changed_ = false;
    ImportRequest request;
    if (videos_ != "id\n") request.videos = {write("videos.csv", videos_)};
    if (!events_.empty()) request.events = {write("events.csv", "user,item,kind,time\n" + events_)};
    run_import(workspace_, request);
    {
      Catalogue catalogue(workspace_.catalogue(), Catalogue::Mode::write);
      for (const std::string& id : hidden_) catalogue.hide_item(*catalogue.find_item(id), true);
    }
    if (!looks_.empty()) import_looks();
    run_stages(workspace_, settings_, [](const StageReport&) {});
  }

  // A row of features for each video, NaN-free: videos without a `look` are an error of the test.
  void import_looks() {
    const Catalogue catalogue(workspace_.catalogue(), Catalogue::Mode::read);
    const size_t width = looks_.begin()->second.size();
    std::string head = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(catalogue.item_count()) + ", " + std::to_string(width) + "), }";
    head.resize(118, ' ');
    head[117] = '\n';
    std::string bytes = std::string("\x93NUMPY\x01\x00", 8) + std::string({118, 0}) + head;
    for (const ItemRecord& item : catalogue.items(0, catalogue.item_count())) {
      const std::vector<float>& look = looks_.at(item.id);
      bytes.append(reinterpret_cast<const char*>(look.data()), width * sizeof(float));
    }
    ImportRequest request;
    request.features = write("looks.npy", bytes);
    run_import(workspace_, request);
  }

  Path write(const std::string& name, const std::string& bytes) const {
    write_atomically(folder_ / name, bytes);
    return folder_ / name;
  }

  void ask(std::istringstream& words) {
    bring_up_to_date();
    std::string video, word;
    RelatedQuery query;
    words >> video >> word;
    if (word == "for") words >> query.user >> word;
    std::vector<std::string> wanted;
    for (std::string entry; words >> entry;) wanted.push_back(entry);
    const Catalogue catalogue(workspace_.catalogue(), Catalogue::Mode::read);
    std::vector<std::string> found;
    for (const Related& related :
         related_videos(catalogue, *Release::open(workspace_), find_video(catalogue, video).index, query))
      found.push_back(related.item.id);
    if (word == "=") {
      EXPECT_EQ(found, wanted);
    } else {
      ASSERT_EQ(word, "starts");
      expect_start(found, wanted);
    }
  }

  static void expect_start(const std::vector<std::string>& found, const std::vector<std::string>& wanted) {
    size_t at = 0;
    for (const std::string& entry : wanted) {
      std::multiset<std::string> any, here;
      std::istringstream list(entry);
      for (std::string one; std::getline(list, one, '|');) any.insert(one);
      for (size_t i = 0; i < any.size() && at < found.size(); ++i) here.insert(found[at++]);
      EXPECT_EQ(here, any) << testing::PrintToString(found);
    }
  }

  TemporaryFolder folder_;
  Workspace workspace_ = Workspace::open_or_create(folder_ / "ws");
  Settings settings_;
  std::string videos_ = "id\n", events_;
  std::set<std::string> hidden_;
  std::map<std::string, std::vector<float>> looks_;
  int minute_ = 0;
  bool changed_ = true;
};

}  // namespace cowatch::test
