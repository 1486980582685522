// A verb of the command line: `cowatch NAME …`. One file a verb; it parses, calls one function and prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/command_line.h"
#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

struct Verb {
  std::string_view name;
  std::string_view group;     // heading in `cowatch --help`
  std::string_view summary;   // one line
  std::string_view examples;  // shown at the end of `cowatch NAME --help`
  // Adds options to the subcommand and its callback, which does the work and throws Error.
  void (*configure)(CommandLine);
};

// Options that several verbs share. Kept alive by the callback (std::shared_ptr).
struct WorkspaceOptions {
  Path folder;
  bool as_json = false;  // --json: the result on standard output as JSON, for programs

  // Adds the positional WS, --json, --set NAME=VALUE, and a flag for every setting of the sections named
  // ("graph" gives --min-people for graph.min_people).
  void add(CommandLine app, std::vector<std::string_view> sections = {});
  // The workspace's settings with the flags on top.
  Settings settings(const Workspace& workspace) const;

 private:
  std::vector<std::pair<std::string, std::string>> flags_;
};

// Every verb, in the order of the help. Add a line here for a new one.
const std::vector<Verb>& verbs();

}  // namespace cowatch
