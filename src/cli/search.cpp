// `cowatch search`: videos like a file never seen.
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "pipeline/like.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

struct SearchArguments {
  WorkspaceOptions workspace;
  Path like;
  RelatedQuery query;
};

void run_search(const SearchArguments& options) {
  const MappedFile there(options.like);  // what is no file at all is named as such
  const Workspace workspace = Workspace::open(options.workspace.folder, Workspace::Access::read);
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  warn_of_unknown(catalogue, options.query);
  const LikeAnswer answer =
      videos_like(options.workspace.settings(workspace), catalogue, *Release::open(workspace), options.like,
                  options.query, [](const std::string&, double) {});
  Json list = Json::array();
  for (const Related& entry : answer.neighbours)
    list.push_back({{"id", entry.item.id}, {"title", entry.item.title}, {"score", entry.why.score}});
  if (options.workspace.as_json) {
    std::cout << Json{{"seconds", answer.seconds},
                      {"decode_seconds", answer.decode_seconds},
                      {"embed_seconds", answer.embed_seconds},
                      {"neighbours", list}}
                     .dump(2)
              << "\n";
    return;
  }
  std::cout << "like " << one_line(options.like.filename().string()) << " (" << answer.seconds << " s)\n";
  for (const Related& entry : answer.neighbours) print(entry);
}

}  // namespace

Verb search_verb() {
  return {"search", "Questions", "videos like a file never seen",
          "  cowatch search ws --like clip.mp4 --count 5", [](CommandLine app) {
            const auto options = std::make_shared<SearchArguments>();
            options->workspace.add(app);
            app.add_option("--like", options->like, "a video or sound file").required();
            app.add_option("--count", options->query.count, "how many").with_default().between(1, 1000);
            app.add_option("--user", options->query.user, "leave out what this person has watched or hidden");
            app.callback([options] { run_search(*options); });
          }};
}

}  // namespace cowatch
