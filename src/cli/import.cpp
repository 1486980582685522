// `cowatch import`: files into a workspace.
#include <algorithm>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/settings.h"
#include "cli/verbs.h"
#include "pipeline/import_stage.h"
#include "store/import/columns.h"
#include "store/import/data_sets.h"

namespace cowatch {
namespace {

struct ImportArguments {
  WorkspaceOptions workspace;
  ImportRequest request;
  std::vector<std::string> columns;
  std::string kind, table;
  bool check = false, no_header = false;
};

void understand(ImportArguments& options) {
  ImportRequest& request = options.request;
  for (const std::string& pair : options.columns) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      throw Error(ErrorCode::bad_argument, "--column takes ROLE=COLUMN",
                  {.expected = "such as user=uid", .found = "'" + pair + "'"});
    }
    request.options.columns[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (!options.kind.empty()) {
    request.options.kind = feedback_kind(options.kind);
    if (!request.options.kind) {
      const auto names = feedback_names();
      const std::string near = nearest_name(options.kind, names);
      throw Error(ErrorCode::bad_argument, "--kind does not know this feedback",
                  {.expected = "one of " + join_names(names),
                   .found = "'" + options.kind + "'",
                   .remedy = near.empty() ? "" : "Did you mean " + near + "?"});
    }
  }
  if (options.table == "csv") request.options.table = TableFormat::csv;
  if (options.table == "tsv") request.options.table = TableFormat::tsv;
  if (options.table == "jsonl") request.options.table = TableFormat::jsonl;
  request.options.header = !options.no_header;
  if (!request.format.empty()) {
    describe_data_set(request.format);  // names the nearest when unknown
    if (request.data.empty() && request.events.size() == 1)
      request.data = std::exchange(request.events, {}).front();
    if (request.data.empty()) {
      throw Error(ErrorCode::bad_argument, "--format needs the data set's folder",
                  {.remedy = "Add --data FOLDER."});
    }
  }
  if (!request.feature_ids.empty() && request.features.empty()) {
    throw Error(ErrorCode::bad_argument, "--feature-ids says whose rows --features has",
                {.expected = "--features FILE beside it", .remedy = "Add --features FILE."});
  }
  if (request.format.empty() && request.events.empty() && request.videos.empty() &&
      request.features.empty()) {
    throw Error(ErrorCode::bad_argument, "nothing to import",
                {.expected = "--events, --videos, --features or --format with --data",
                 .remedy = "`cowatch import --help` shows examples."});
  }
}

Json to_json(const ImportOutcome& outcome) {
  return {{"read", outcome.counts.read},
          {"accepted", outcome.counts.accepted},
          {"duplicate", outcome.counts.duplicate},
          {"rejected", outcome.counts.rejected},
          {"missing_files", outcome.counts.missing_files},
          {"left_out", outcome.counts.left_out},
          {"problems", outcome.problems},
          {"health", to_json(outcome.health)}};
}

// The samples may all be of one problem: how many there are of each, the most frequent first.
void print_problems(const ImportOutcome& outcome) {
  constexpr size_t most_shown = 20;
  const auto order = most_first(outcome.problems);
  for (size_t i = 0; i < std::min(order.size(), most_shown); ++i)
    std::cout << "  " << order[i].second << " of: " << order[i].first << "\n";
  if (order.size() > most_shown) std::cout << "  and " << order.size() - most_shown << " other problems\n";
}

void print(const ImportOutcome& outcome, const ImportArguments& options) {
  const ImportCounts& counts = outcome.counts;
  std::cout << "read " << counts.read << " = accepted " << counts.accepted << " + duplicate "
            << counts.duplicate << " + rejected " << counts.rejected << "\n";
  if (counts.missing_files > 0)
    std::cout << counts.missing_files << " videos are listed but their file is missing\n";
  for (const std::string& sample : outcome.reject_samples) std::cout << "  " << sample << "\n";
  if (counts.rejected + counts.missing_files > outcome.reject_samples.size()) print_problems(outcome);
  if (!outcome.reject_samples.empty() && !options.check) {
    std::cout << "  " << (outcome.rejects_cut ? "the first " + std::to_string(most_rejects) + " of each file" : "all of them")
              << ", with their rows: " << (options.workspace.folder / "rejects").string()
              << "\n";
  }
  if (options.check) std::cout << "Nothing was written (--check).\n";
  std::cout << to_table(outcome.health);
}

void run_import(ImportArguments& options) {
  understand(options);
  if (!options.workspace.as_json)
    options.request.options.explain = [](const std::string& text) { std::cout << text << std::endl; };
  const ImportOutcome outcome =
      options.check ? check_import(options.workspace.folder, options.request)
                    : run_import(Workspace::open_or_create(options.workspace.folder), options.request);
  if (options.workspace.as_json) {
    std::cout << to_json(outcome).dump(2) << "\n";
  } else {
    print(outcome, options);
  }
  if (!outcome.nothing_used) return;
  std::cout << std::flush;
  throw Error(ErrorCode::bad_input, "no row could be used",
              {.expected = "rows as `cowatch import` describes them",
               .found = std::to_string(outcome.counts.read) + " rows, each of which was rejected",
               .remedy = "Correct them as said above, or say what the columns are: --column ROLE=COLUMN."});
}

void configure_import(CommandLine app) {
  const auto options = std::make_shared<ImportArguments>();
  options->workspace.add(app);
  app.add_option("--events", options->request.events,
                 "tables of feedback: CSV, TSV or JSON lines, plain, gzip or zstd");
  app.add_option("--videos", options->request.videos, "tables of videos, or folders of video files");
  app.add_option("--features", options->request.features,
                 "features made elsewhere: .npy, a row a video in the order of first import");
  app.add_option("--feature-ids", options->request.feature_ids,
                 "the ids of the rows of --features, one a line, in any order; videos may be left out");
  std::string formats = "a ready-made data set:";
  for (const std::string& format : data_set_formats()) formats += " " + format;
  app.add_option("--format", options->request.format, formats);
  app.add_option("--data", options->request.data, "the data set's folder");
  app.add_option("--column", options->columns,
                 "ROLE=COLUMN where the guess is wrong; COLUMN is a name or a number from 1")
      .repeatable();
  app.add_option("--kind", options->kind, "what every row of --events is: watch, like, …");
  app.add_option("--table", options->table, "how the files are laid out; guessed when absent")
      .one_of({"csv", "tsv", "jsonl"});
  app.add_flag("--no-header", options->no_header, "the first row is data; columns are numbered from 1");
  app.add_option("--transaction", options->request.options.transaction,
                 "rows written at once: a killed import keeps those before, and repeats the rest")
      .between(1, 100000000)
      .with_default();
  app.add_flag("--check", options->check, "only validate and show the health table; write nothing");
  app.callback([options] { run_import(*options); });
}

}  // namespace

Verb import_verb() {
  return {"import", "Data", "read watch logs, videos and features into a workspace",
          "  cowatch import ws --events log.csv.gz --videos videos.jsonl\n"
          "  cowatch import ws --events log.csv --column user=uid --column item=clip --kind watch\n"
          "  cowatch import ws --format graph --data graph_folder\n"
          "  cowatch import ws --videos clips/            every video and sound file in a folder\n"
          "  cowatch import ws --features F.npy --feature-ids ids.txt\n"
          "  cowatch import ws --events log.csv --check   validate, write nothing",
          configure_import};
}

}  // namespace cowatch
