// A benchmark: `cowatch bench NAME … --json OUT`. Prints its limit (bytes over bandwidth, operations over the
// measured rate), what was reached and the peer measured in the same run, interleaved. OUT gets
//   {"name", "commit", "machine", "settings", "rows": [{flat object}, …]}
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/command_line.h"
#include "base/file.h"
#include "base/json.h"

namespace cowatch::bench {

class Report {
 public:
  Json settings = Json::object();  // what was asked for: flags and sizes
  void add_row(Json row);          // a flat object; also printed as a table row at once
  const std::vector<Json>& rows() const { return rows_; }

  // Rows of a piece of long work, named by `piece`. With an output they are also appended to a file beside it
  // as soon as they are made, so that a run that was killed goes on after its last piece: rows of the same
  // piece, settings and commit are taken from there and `make` is not called. Returns whether it was called.
  bool add_rows(const Json& piece, const std::function<std::vector<Json>()>& make);
  void set_output(Path path) { output_ = std::move(path); }
  void forget_pieces() const;  // the report is written: the file beside it has done its work

 private:
  void read_pieces();
  Path pieces_path() const { return output_.string() + ".pieces"; }

  std::vector<Json> rows_;
  Path output_;
  std::optional<std::vector<Json>> pieces_;  // [piece, rows] each; nothing until the first is asked for
};

// Adds a benchmark's options; the help shows their defaults.
class Flags {
 public:
  explicit Flags(CommandLine app) : app_(app) {}
  template <typename T>
  CommandOption operator()(const char* name, T& value, const char* meaning) const {
    return app_.add_option(name, value, meaning).with_default();
  }
  template <typename T>
  CommandOption positive(const char* name, T& value, const char* meaning) const {
    return (*this)(name, value, meaning).positive();
  }

 private:
  CommandLine app_;
};

struct Benchmark {
  std::string_view name;
  std::string_view summary;
  std::string_view arguments;  // of an example
  // Adds the benchmark's own options and returns what runs it.
  std::function<void(Report&)> (*configure)(CommandLine);
};

const std::vector<Benchmark>& benchmarks();  // add a line in bench/benchmarks.cpp for a new one

Json machine();  // processor, cores, memory, system
struct Spread {
  double best, median;
};
Spread spread(std::vector<double> values, bool smaller_is_better);
// Runs a Python peer (bench/peers/NAME.py, Debian's python3) and returns the JSON object it prints last.
// Throws missing dependency errors that name the package.
Json run_peer(std::string_view name, const std::vector<std::string>& arguments);
// A measurement in a process of its own, so that its peak memory is its own: runs this program with
// `arguments` and returns the JSON object it prints last, by print_measurement(), which adds `peak_mib`.
Json run_self(const std::vector<std::string>& arguments);
void print_measurement(Json row);

}  // namespace cowatch::bench
