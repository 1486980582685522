// `cowatch related`: the videos related to one, and why.
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

struct RelatedArguments {
  WorkspaceOptions workspace;
  std::string video;
  RelatedQuery query;
};

Json to_json(const Related& related) {
  Json why = {{"score", related.why.score},
              {"edge_weight", related.why.edge_weight},
              {"hashtags", related.why.hashtags},
              {"text", related.why.text}};
  if (related.why.co_watchers) why["co_watchers"] = *related.why.co_watchers;
  if (related.why.round > 0)
    why["cluster"] = {
        {"round", related.why.round}, {"cluster", related.why.cluster}, {"size", related.why.cluster_size}};
  return {{"id", related.item.id}, {"title", related.item.title}, {"why", why}};
}

void run_related(const RelatedArguments& options) {
  const Workspace workspace = Workspace::open(options.workspace.folder, Workspace::Access::read);
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  const auto release = Release::open(workspace);
  const ItemRecord video = find_video(catalogue, options.video);
  warn_of_unknown(catalogue, options.query);
  const auto related = related_videos(catalogue, *release, video.index, options.query);
  if (options.workspace.as_json) {
    Json list = Json::array();
    for (const Related& entry : related) list.push_back(to_json(entry));
    std::cout << Json{{"video", video.id}, {"title", video.title}, {"related", list}}.dump(2) << "\n";
    return;
  }
  std::cout << one_line("related to " + video.id + "  " + video.title) << "\n";
  for (const Related& entry : related) print(entry);
  if (related.empty())
    std::cout << "  none: nobody watched it together with another video, and it has no embedding\n";
}

}  // namespace

Verb related_verb() {
  return {"related", "Questions", "the videos related to one, with why",
          "  cowatch related ws 9bZkp7q19f0\n  cowatch related ws \"red panda\" --count 5 --user ann\n"
          "  cowatch related ws -- -dash      an id that begins like a flag",
          [](CommandLine app) {
            const auto options = std::make_shared<RelatedArguments>();
            options->workspace.add(app);
            app.add_option("VIDEO", options->video, "a video's id, or words of its title").required();
            app.add_option("--count", options->query.count, "how many").with_default().between(1, 1000);
            app.add_option("--user", options->query.user, "leave out what this person has watched or hidden");
            app.add_option("--exclude", options->query.exclude, "ids to leave out");
            app.callback([options] { run_related(*options); });
          }};
}

}  // namespace cowatch
