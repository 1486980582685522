#include "graph/pair_runs.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "graph/pair_counters.h"

namespace cowatch {
namespace {

// In a run: for each row u that has pairs, u and their number n, then n partners, n counts, and n decays
// where they are kept. Little-endian, as everything the program writes.
constexpr size_t write_bytes = size_t{1} << 20;
constexpr size_t most_open = 256;  // files; a process may often have no more than 1,024

class RunWriter {
 public:
  explicit RunWriter(OutputFile& file) : file_(file) {}

  void append(const PairBlock& block) {
    for (size_t begin = 0; begin != block.pairs.size();) {
      size_t end = begin;
      while (end != block.pairs.size() && block.pairs[end].u == block.pairs[begin].u) ++end;
      put(block.pairs[begin].u);
      put(static_cast<uint32_t>(end - begin));
      for (size_t i = begin; i != end; ++i) put(block.pairs[i].v);
      for (size_t i = begin; i != end; ++i) put(block.pairs[i].people);
      for (size_t i = begin; i != end && !block.decay.empty(); ++i) put(block.decay[i]);
      begin = end;
    }
  }
  uint64_t flush() {
    file_.write(std::as_bytes(std::span(buffer_)));
    written_ += buffer_.size();
    buffer_.clear();
    return written_;
  }

 private:
  template <typename T>
  void put(T value) {
    const size_t at = buffer_.size();
    buffer_.resize(at + sizeof value);
    std::memcpy(buffer_.data() + at, &value, sizeof value);
    if (buffer_.size() >= write_bytes) flush();
  }
  OutputFile& file_;
  std::vector<char> buffer_;
  uint64_t written_ = 0;
};

class RunReader {
 public:
  RunReader(const Path& path, size_t buffer_bytes, bool with_decay) : path_(path), with_decay_(with_decay) {
    file_.reset(std::fopen(path.c_str(), "rb"));
    if (!file_) throw_system_error("read", path.string());
    buffer_.resize(buffer_bytes);
    std::setvbuf(file_.get(), buffer_.data(), _IOFBF, buffer_.size());
    next();
  }

  bool at_end() const { return at_end_; }
  uint32_t row() const { return header_[0]; }
  // Calls body(partner, people, decay) for the current row, in order of partners, and moves to the next one.
  template <typename Body>
  void read_row(const Body& body) {
    const size_t count = header_[1];
    partners_.resize(count);
    people_.resize(count);
    decay_.resize(with_decay_ ? count : 0);
    read(partners_.data(), count);
    read(people_.data(), count);
    if (with_decay_) read(decay_.data(), count);
    for (size_t i = 0; i != count; ++i) body(partners_[i], people_[i], with_decay_ ? decay_[i] : 0);
    next();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void next() {
    const size_t read_words = std::fread(header_, sizeof(uint32_t), 2, file_.get());
    at_end_ = read_words == 0 && std::feof(file_.get());
    if (!at_end_ && read_words != 2) fail();
  }
  template <typename T>
  void read(T* to, size_t count) {
    if (std::fread(to, sizeof(T), count, file_.get()) != count) fail();
  }
  [[noreturn]] void fail() const {
    if (std::ferror(file_.get())) throw_system_error("read", path_.string());
    throw Error(ErrorCode::damaged, "a file of spilled counts ends too early",
                {.where = path_.string(),
                 .expected = "the bytes written before",
                 .found = "fewer",
                 .remedy = "Run the command again; keep other programs out of the folder."});
  }

  Path path_;
  bool with_decay_;
  std::vector<char> buffer_;
  std::unique_ptr<std::FILE, Close> file_;  // after its buffer, so that it closes first
  uint32_t header_[2] = {0, 0};
  bool at_end_ = false;
  std::vector<uint32_t> partners_, people_;
  std::vector<uint64_t> decay_;
};

}  // namespace

PairRuns::PairRuns(size_t items, Path folder, bool with_decay)
    : items_(items), folder_(std::move(folder)), with_decay_(with_decay) {
  if (folder_.empty()) folder_ = std::filesystem::temp_directory_path();
}

PairRuns::~PairRuns() {
  for (const Path& path : paths_) {
    try {
      file_system().remove(path);
    } catch (const Error& error) {
      log(LogLevel::warning, error.what());
    }
  }
}

void PairRuns::add(const std::function<void(const std::function<void(PairBlock&&)>&)>& fill) {
  const Path path =
      folder_ / ("pairs-" + std::to_string(getpid()) + "-" +
                 std::to_string(reinterpret_cast<uintptr_t>(this)) + "-" + std::to_string(made_++));
  const auto file = file_system().create(path);
  paths_.push_back(path);
  RunWriter writer(*file);
  fill([&](PairBlock&& block) { writer.append(block); });
  bytes_ += writer.flush();
}

void PairRuns::merge(uint32_t min_people, size_t buffer_bytes, const std::function<void(PairBlock&&)>& take) {
  while (paths_.size() > most_open) {
    add([&](const auto& append) { merge(std::span(paths_).first(most_open), 1, buffer_bytes, append); });
    for (size_t k = 0; k != most_open; ++k) file_system().remove(paths_[k]);
    paths_.erase(paths_.begin(), paths_.begin() + most_open);
  }
  merge(paths_, min_people, buffer_bytes, take);
}

void PairRuns::merge(std::span<const Path> paths, uint32_t min_people, size_t buffer_bytes,
                     const std::function<void(PairBlock&&)>& take) const {
  std::vector<std::unique_ptr<RunReader>> readers;
  for (const Path& path : paths) {
    readers.push_back(std::make_unique<RunReader>(
        path, std::max<size_t>(buffer_bytes / 2 / paths.size(), 4096), with_decay_));
  }
  const size_t block_pairs = std::max<size_t>(pairs_within(buffer_bytes / 2, with_decay_), 1);
  PairCounters<uint32_t> counters(items_, with_decay_);
  PairBlock block;
  for (;;) {
    uint32_t row = ~uint32_t{0};
    for (const auto& reader : readers) row = reader->at_end() ? row : std::min(row, reader->row());
    if (row == ~uint32_t{0}) break;
    for (const auto& reader : readers) {
      if (reader->at_end() || reader->row() != row) continue;
      reader->read_row(
          [&](uint32_t partner, uint32_t people, uint64_t decay) { counters.raise(partner, people, decay); });
    }
    counters.harvest(row, min_people, block);
    if (block.pairs.size() < block_pairs) continue;
    throw_if_interrupted();
    take(std::exchange(block, {}));
  }
  if (!block.pairs.empty()) take(std::move(block));
}

}  // namespace cowatch
