// The command line: finds the verb, turns errors into words and exit codes.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/threads.h"
#include "base/version.h"
#include "cli/verb.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

int report(const Error& error) {
  const bool colour = isatty(STDERR_FILENO);
  const auto& details = error.details();
  std::cerr << (colour ? "\033[31m" : "") << "error: " << (colour ? "\033[0m" : "")
            << one_line(error.message()) << "\n";
  const auto line = [](std::string_view name, const std::string& text) {
    if (!text.empty()) std::cerr << "  " << name << one_line(text) << "\n";
  };
  line("where:    ", details.where);
  line("expected: ", details.expected);
  line("found:    ", details.found);
  line("to do:    ", details.remedy);
  return error_kind(error.code()).exit_status;
}

// A misspelt verb gets the nearest one named.
void check_verb(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.emplace_back(verb.name);
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return;
  const std::string near = nearest_name(argv[1], names);
  throw Error(ErrorCode::bad_argument, "there is no verb " + std::string(argv[1]),
              {.expected = "a verb that `cowatch --help` lists",
               .found = "'" + std::string(argv[1]) + "'",
               .remedy = near.empty() ? "Run `cowatch --help`." : "Did you mean `cowatch " + near + "`?"});
}

// What was given for words at their places, then `word` behind `--` for the one that is missing; empty if
// none is.
std::string words_at_their_places(const CLI::App& verb, const std::string& word) {
  std::string given;
  for (const CLI::Option* option :
       verb.get_options([](const CLI::Option* each) { return each->get_positional(); })) {
    for (const std::string& value : option->results()) given += " " + shell_word(value);
    if (option->get_required() && option->count() == 0) return given + " -- " + shell_word(word);
  }
  return "";
}

// What the parser could not place, with the nearest thing that exists.
Error unexpected(const CLI::App& app) {
  const CLI::App* verb = &app;
  std::string name = "cowatch";
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    name += " " + verb->get_name();
  }
  const std::vector<std::string> rest = app.remaining(true);
  const std::string word = rest.empty() ? "" : rest.front();
  std::vector<std::string> known;
  for (const CLI::Option* option : verb->get_options()) {
    for (const std::string& flag : option->get_lnames()) known.push_back("--" + flag);
  }
  for (const CLI::App* below : verb->get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(below->get_name());
  const std::string near = nearest_name(word.substr(0, word.find('=')), known);
  std::string remedy = near.empty() ? "Run `" + name + " --help`." : "Did you mean " + near + "?";
  // An id or a name may begin like a flag.
  if (const std::string places = words_at_their_places(*verb, word); word.starts_with('-') && !places.empty())
    remedy = (near.empty() ? "" : remedy + " ") + "Put `--` before it if it is no flag: " + name + places;
  return Error(ErrorCode::bad_argument,
               "`" + name + "` does not take " + (word.starts_with('-') ? word : "'" + word + "'"),
               {.expected = "what `" + name + " --help` lists", .found = word, .remedy = std::move(remedy)});
}

int run(int argc, char** argv) {
  CLI::App app("Learns what videos mean from what people watch, and answers with related videos.", "cowatch");
  app.set_version_flag("--version", "cowatch " + std::string(version()) + " (" + std::string(commit()) + ")");
  app.require_subcommand(1);
  app.footer(
      "Start with:\n  cowatch render clips --videos 300 && cowatch import ws --videos clips/videos.jsonl "
      "--events "
      "clips/events.jsonl\n  cowatch run ws && cowatch serve ws\n`cowatch VERB --help` shows a verb's flags "
      "and examples.");
  size_t thread_count = 0;
  bool quiet = false;
  for (const Verb& verb : verbs()) {
    CLI::App* sub = app.add_subcommand(std::string(verb.name), std::string(verb.summary));
    sub->group(std::string(verb.group));
    sub->footer("Examples:\n" + std::string(verb.examples));
    // Only the verb that runs needs its options: the help of all stays quick.
    if (argc < 2 || verb.name != argv[1]) continue;
    sub->add_option("--threads", thread_count, "threads to use; 0: all cores")->group("Common");
    sub->add_flag("--quiet", quiet, "no progress")->group("Common");
    sub->parse_complete_callback([&] {
      set_threads(thread_count);
      if (quiet) set_progress_style(ProgressStyle::quiet);
    });
    verb.configure(CommandLine(*sub));
  }
  try {
    check_verb(argc, argv);
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ExtrasError&) {
    throw unexpected(app);
  } catch (const CLI::Success& error) {  // --help, --version
    return app.exit(error);
  } catch (const ExitStatus& said) {
    return said.status;
  } catch (const CLI::ParseError& error) {
    if (argc < 2) {
      std::cerr << app.help();
      return 2;
    }
    // A misspelt word was to be what is missing.
    if (dynamic_cast<const CLI::RequiredError*>(&error) && !app.remaining(true).empty())
      throw unexpected(app);
    throw Error(ErrorCode::bad_argument, error.what(),
                {.remedy = "`cowatch " + std::string(argv[1]) + " --help` shows its flags and examples."});
  }
}

}  // namespace
}  // namespace cowatch

int main(int argc, char** argv) {
  using namespace cowatch;
  std::ios::sync_with_stdio(false);
  handle_interrupts();
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    return report(error);
  } catch (const std::bad_alloc&) {
    return report(
        Error(ErrorCode::no_space, "not enough memory", {.remedy = "Give a smaller --memory or free some."}));
  } catch (const std::filesystem::filesystem_error& error) {
    return report(error_of(error));
  } catch (const std::exception& error) {
    return report(Error(ErrorCode::internal, error.what(),
                        {.remedy = "This is a defect of cowatch: please report it."}));
  }
}
