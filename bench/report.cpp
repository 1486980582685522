#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "base/version.h"
#include "bench/benchmark.h"
#include "math/matrix_library.h"

namespace cowatch::bench {
namespace {

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump();
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value.get<double>());
  return text;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// Peers multiply with the widest OpenBLAS kernel of the processor, as this program would: whatever the
// environment says, and where OpenBLAS itself does not know the processor.
std::string peer_environment() {
  const std::string kernel(openblas_kernel_to_force(""));
  return kernel.empty() ? "" : "OPENBLAS_CORETYPE=" + shell_quoted(kernel) + " ";
}

struct Output {
  int status;
  Json last_object;
};

// Runs a command and parses the last line it prints.
Output output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw_system_error("start", command);
  std::string text;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
  const int status = pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return {status, Json::parse(text.substr(text.rfind('\n') + 1), nullptr, false)};
}

}  // namespace

void Report::add_row(Json row) {
  std::string line;
  for (const auto& [key, value] : row.items())
    line += (line.empty() ? "" : "  ") + key + " " + value_text(value);
  std::cout << line << std::endl;
  rows_.push_back(std::move(row));
}

// The file of pieces: a line with what they were made by, then a line [piece, rows] for each. A last line cut
// short by the end of its run is left out.
void Report::read_pieces() {
  pieces_.emplace();
  if (output_.empty()) return;
  const Json made_by = {{"settings", settings}, {"commit", commit()}};
  std::ifstream file(pieces_path());
  std::string line;
  if (std::getline(file, line) && Json::parse(line, nullptr, false) == made_by) {
    while (std::getline(file, line)) {
      Json piece = Json::parse(line, nullptr, false);
      if (piece.is_array() && piece.size() == 2 && !file.eof()) pieces_->push_back(std::move(piece));
    }
    log(LogLevel::info,
        std::to_string(pieces_->size()) + " finished piece(s) kept from a run that was stopped");
  }
  file.close();
  std::string text = made_by.dump() + "\n";
  for (const Json& piece : *pieces_) text += piece.dump() + "\n";
  write_atomically(pieces_path(), text);
}

bool Report::add_rows(const Json& piece, const std::function<std::vector<Json>()>& make) {
  if (!pieces_) read_pieces();
  for (const Json& kept : *pieces_) {
    if (kept[0] != piece) continue;
    for (const Json& row : kept[1]) add_row(row);
    return false;
  }
  const std::vector<Json> made = make();
  if (!output_.empty()) {
    const std::string line = Json::array({piece, made}).dump() + "\n";
    const auto file = file_system().append(pieces_path());
    file->write(std::as_bytes(std::span(line)));
    file->sync();
  }
  for (const Json& row : made) add_row(row);
  return true;
}

void Report::forget_pieces() const {
  if (!output_.empty()) std::filesystem::remove(pieces_path());
}

Json machine() {
  utsname system = {};
  uname(&system);
  const auto pages =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return {{"processor", processor_name()},
          {"cores", threads()},
          {"memory_gib", static_cast<int>(pages / (1u << 30) + 0.5)},
          {"system", std::string(system.sysname) + " " + system.release}};
}

Spread spread(std::vector<double> values, bool smaller_is_better) {
  std::sort(values.begin(), values.end());
  if (values.empty()) return {0, 0};
  const size_t half = values.size() / 2;
  const double median = values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {smaller_is_better ? values.front() : values.back(), median};
}

Json run_peer(std::string_view name, const std::vector<std::string>& arguments) {
  const Path script = shared_file("peers") / (std::string(name) + ".py");
  std::string command = peer_environment() + "/usr/bin/python3 " + shell_quoted(script.string());
  for (const std::string& argument : arguments) command += " " + shell_quoted(argument);
  const Output output = output_of(command);
  if (output.status != 0 || !output.last_object.is_object()) {
    throw Error(ErrorCode::not_found, "the peer " + std::string(name) + " did not run",
                {.where = script.string(),
                 .expected = "a JSON object on its last line",
                 .found = "exit status " + std::to_string(output.status),
                 .remedy = "Install the peers: apt-get install python3-scipy python3-torch"});
  }
  return output.last_object;
}

Json run_self(const std::vector<std::string>& arguments) {
  std::string command = shell_quoted((program_folder() / "cowatch").string());
  for (const std::string& argument : arguments) command += " " + shell_quoted(argument);
  const Output output = output_of(command);
  if (output.status != 0 || !output.last_object.is_object()) {
    throw Error(ErrorCode::internal, "a measurement in a process of its own failed",
                {.where = command,
                 .expected = "a JSON object on its last line",
                 .found = "exit status " + std::to_string(output.status),
                 .remedy = "See the message above."});
  }
  return output.last_object;
}

void print_measurement(Json row) {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  row["peak_mib"] = usage.ru_maxrss / 1024;
  std::cout << row.dump() << std::endl;
}

}  // namespace cowatch::bench
