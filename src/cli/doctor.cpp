// `cowatch doctor [WS]`: what this machine and a workspace have, what is missing, and what mends it.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"
#include "pipeline/doctor.h"

namespace cowatch {
namespace {

struct DoctorArguments {
  Path folder;
  bool as_json = false;
};

void print_json(const std::vector<Finding>& findings, bool sound) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"name", finding.name},
                    {"state", state_name(finding.state)},
                    {"found", finding.found},
                    {"remedy", finding.remedy}});
  }
  std::cout << Json{{"sound", sound}, {"findings", list}}.dump(1) << std::endl;
}

void print_text(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::printf("%-8s %-30s %s\n", std::string(state_name(finding.state)).c_str(), finding.name.c_str(),
                finding.found.c_str());
    if (!finding.remedy.empty()) std::printf("%-39s to do: %s\n", "", finding.remedy.c_str());
  }
  std::fflush(stdout);
}

void run_doctor(const DoctorArguments& options) {
  const bool there = std::filesystem::exists(options.folder);
  std::vector<Finding> findings =
      examine_machine(there ? options.folder : std::filesystem::temp_directory_path());
  if (!options.folder.empty()) {
    for (Finding& finding : examine_workspace(options.folder)) findings.push_back(std::move(finding));
  }
  const bool sound = std::all_of(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.state == FindingState::ok; });
  options.as_json ? print_json(findings, sound) : print_text(findings);
  if (!sound) throw ExitStatus{2};
}

void configure_doctor(CommandLine app) {
  auto options = std::make_shared<DoctorArguments>();
  app.add_option("WS", options->folder, "a workspace to look at as well");
  app.add_flag("--json", options->as_json, "print the findings as JSON");
  app.callback([options] { run_doctor(*options); });
}

}  // namespace

Verb doctor_verb() {
  return {"doctor", "Workspace", "look at the machine and a workspace, and say what mends them",
          "  cowatch doctor\n  cowatch doctor ws --json", configure_doctor};
}

}  // namespace cowatch
