// `cowatch bench NAME`: see bench/benchmark.h.
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/version.h"
#include "bench/benchmark.h"
#include "cli/verbs.h"

namespace cowatch {
namespace {

// `failure`: what ended the run before all rows were made, or "".
void write_report(const Path& path, std::string_view name, const bench::Report& report,
                  const std::string& failure = "") {
  Json json = {{"name", name},
               {"commit", commit()},
               {"machine", bench::machine()},
               {"settings", report.settings},
               {"rows", report.rows()}};
  if (!failure.empty()) json["error"] = failure;
  write_atomically(path, json.dump(1) + "\n");
}

void configure_bench(CommandLine app) {
  app.require_command();
  for (const bench::Benchmark& benchmark : bench::benchmarks()) {
    CommandLine sub = app.add_command(std::string(benchmark.name), std::string(benchmark.summary));
    const auto output = std::make_shared<Path>();
    sub.add_option("--json", *output, "also write the report to this file");
    sub.shares_options();  // --threads and --quiet may stand behind the name
    const std::string name(benchmark.name);
    sub.examples("Example:\n  cowatch bench " + name + (benchmark.arguments.empty() ? "" : " " + std::string(benchmark.arguments)) + " --json " + name + ".json");
    const auto run = benchmark.configure(sub);
    sub.callback([run, output, name = benchmark.name] {
      bench::Report report;
      report.set_output(*output);
      try {
        run(report);
      } catch (const std::exception& caught) {
        // Hours of rows are worth keeping. A run that was stopped writes none: it goes on from its pieces.
        const Error error = error_of(caught);
        if (error.code() != ErrorCode::interrupted && !output->empty() && !report.rows().empty())
          write_report(*output, name, report, error.what());
        throw;
      }
      if (output->empty()) return;
      write_report(*output, name, report);
      report.forget_pieces();
    });
  }
}

}  // namespace

Verb bench_verb() {
  return {"bench", "Workspace", "measure this machine: limit, reached, and the peer, in one run",
          "  cowatch bench import --json import.json\n  cowatch bench exact\n  cowatch bench tree --edges "
          "10000000",
          configure_bench};
}

}  // namespace cowatch
