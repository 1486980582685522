// `cowatch bench import`: events a second from a CSV file into the store, beside what reading alone and what
// the store alone reach in the same run.
#include <memory>

#include "base/file.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "bench/benchmarks.h"
#include "store/catalogue.h"
#include "store/import/importer.h"

namespace cowatch::bench {
namespace {

struct ImportArguments {
  uint64_t events = 1000000, people = 50000, videos = 20000;
  int repeats = 3;
};

// A log as platforms write them: in order of time, people mixed, popular videos often.
std::vector<Event> make_events(const ImportArguments& options) {
  const Random random(1, 0xbe7c);
  std::vector<Event> events(options.events);
  for (uint32_t i = 0; i < events.size(); ++i) {
    const double skewed = random.uniform(1, i);
    events[i].user = "user" + std::to_string(random.below(options.people, 0, i));
    events[i].item =
        "video" +
        std::to_string(static_cast<uint64_t>(skewed * skewed * static_cast<double>(options.videos)));
    events[i].time_ms = 1700000000000 + static_cast<int64_t>(i) * 137;
    events[i].watched_ms = static_cast<int64_t>(random.below(60000, 2, i));
    events[i].length_ms = 60000;
  }
  return events;
}

void write_csv(const Path& path, std::span<const Event> events) {
  std::string text = "user,item,time_ms,watched_ms,length_ms\n";
  for (const Event& event : events) {
    text += event.user + ',' + event.item + ',' + std::to_string(event.time_ms) + ',' +
            std::to_string(event.watched_ms) + ',' + std::to_string(event.length_ms) + '\n';
  }
  write_atomically(path, text);
}

// Imports the file; without a catalogue it is only read and validated.
double import_seconds(const Path& file, const Path& store) {
  std::unique_ptr<Catalogue> catalogue;
  if (!store.empty()) {
    std::filesystem::remove(store);
    catalogue = std::make_unique<Catalogue>(store, Catalogue::Mode::write);
  }
  const double start = seconds_now();
  ImportSink sink(catalogue.get(), {});
  import_events(file, {}, sink);
  sink.finish();
  catalogue.reset();  // closing checkpoints the write-ahead log: part of the work
  return seconds_now() - start;
}

double store_seconds(std::span<const Event> events, const Path& store) {
  std::filesystem::remove(store);
  const double start = seconds_now();
  {
    Catalogue catalogue(store, Catalogue::Mode::write);
    constexpr size_t chunk = 200000;
    for (size_t at = 0; at < events.size(); at += chunk)
      catalogue.add_events(events.subspan(at, std::min(chunk, events.size() - at)));
    catalogue.index_events();
  }
  return seconds_now() - start;
}

void run_import(const ImportArguments& options, Report& report) {
  report.settings = {{"events", options.events},
                     {"people", options.people},
                     {"videos", options.videos},
                     {"repeats", options.repeats}};
  const TemporaryFolder temporary;
  const Path& folder = temporary.path();
  const std::vector<Event> events = make_events(options);
  write_csv(folder / "events.csv", events);
  std::vector<double> whole, reading, storing;
  for (int i = 0; i < options.repeats; ++i) {
    reading.push_back(import_seconds(folder / "events.csv", {}));
    storing.push_back(store_seconds(events, folder / "store.sqlite"));
    whole.push_back(import_seconds(folder / "events.csv", folder / "store.sqlite"));
  }
  const auto rate = [&](const std::vector<double>& seconds) {
    return static_cast<double>(options.events) / spread(seconds, true).median;
  };
  report.add_row({{"store", "sqlite"},
                  {"events", options.events},
                  {"events_per_s", rate(whole)},
                  {"best_events_per_s", static_cast<double>(options.events) / spread(whole, true).best},
                  {"read_only_events_per_s", rate(reading)},
                  {"store_only_events_per_s", rate(storing)}});
}

std::function<void(Report&)> configure_import(CommandLine app) {
  const auto options = std::make_shared<ImportArguments>();
  const Flags add(app);
  add("--events", options->events, "events to import");
  add("--people", options->people, "who watch");
  add("--videos", options->videos, "that are watched");
  add("--repeats", options->repeats, "imports; the best counts");
  return [options](Report& report) { run_import(*options, report); };
}

}  // namespace

Benchmark import_benchmark() {
  return {"import", "events a second from CSV into the store", "", configure_import};
}

}  // namespace cowatch::bench
