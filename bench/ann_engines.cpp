#include "bench/ann_engines.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/threads.h"
#include "bench/benchmark.h"

namespace cowatch::bench {
namespace {

size_t held() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

class CowatchEngine final : public AnnEngine {
 public:
  CowatchEngine(const AnnData& data, const AnnTask& task, const IndexOptions& options, bool full_vectors)
      : data_(data), task_(task), full_vectors_(full_vectors), source_(data.rows()), found_(data.asked()) {
    engine = "cowatch";
    index = std::string(index_kind_name(options.kind)) + " " + std::string(code_kind_name(options.codes));
    params = "degree " + std::to_string(options.degree) + " build_effort " +
             std::to_string(options.build_effort) + (full_vectors ? " full" : "");
    const size_t before = held();
    const double start = seconds_now();
    index_ = build_index(options, source_);
    if (options.kind == IndexKind::ivf) {
      params = "lists " + std::to_string(options.lists) + " code_bytes " + std::to_string(options.code_bytes);
      full_vectors_ = true;
    }
    build_s = seconds_now() - start;
    bytes_per_vector = static_cast<double>(held() - before) / static_cast<double>(data.count()) +
                       (full_vectors_ ? 4.0 * static_cast<double>(data.dimension) : 0);
  }

  double pass(size_t effort, size_t threads, bool batch) override {
    // Of inverted lists the effort is how many are scanned.
    const bool lists = index_->kind() == IndexKind::ivf;
    const SearchOptions options = {
        .effort = lists ? 0 : effort, .probes = lists ? effort : 0, .full_vectors = full_vectors_};
    const ConstMatrix queries = data_.questions();
    const double start = seconds_now();
    if (batch) {
      set_threads(threads);
      found_ = index_->search_batch(queries, task_.k, options);
      const double seconds = seconds_now() - start;
      set_threads(0);
      return seconds;
    }
    std::vector<std::thread> workers;
    for (size_t t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (size_t q = queries.rows * t / threads; q < queries.rows * (t + 1) / threads; ++q)
          found_[q] = index_->search(queries.row(q), task_.k, options);
      });
    }
    for (auto& worker : workers) worker.join();
    return seconds_now() - start;
  }

  std::vector<std::vector<uint32_t>> answers() override {
    std::vector<std::vector<uint32_t>> slots(found_.size());
    for (size_t q = 0; q < found_.size(); ++q) {
      for (const Scored& scored : found_[q]) slots[q].push_back(scored.index);
    }
    return slots;
  }

 private:
  const AnnData& data_;
  const AnnTask& task_;
  bool full_vectors_;
  VectorRows source_;
  std::unique_ptr<VectorIndex> index_;
  std::vector<std::vector<Scored>> found_;
};

// The peer's process, with huge pages for its memory as ours has them.
class PeerEngine final : public AnnEngine {
 public:
  PeerEngine(const AnnData& data, const AnnTask& task, const std::vector<std::string>& arguments)
      : data_(data), task_(task) {
    int input[2], output[2];
    // Closed in other peers: one that held this one's input open would keep it from ending.
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) throw_system_error("open", "a pipe");
    child_ = fork();
    if (child_ < 0) throw_system_error("start", arguments[0]);
    if (child_ == 0) {
      dup2(input[0], 0), dup2(output[1], 1);
      close(input[1]), close(output[0]);
      setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
      std::vector<char*> words;
      for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
      words.push_back(nullptr);
      execv(words[0], words.data());
      _exit(127);
    }
    close(input[0]), close(output[1]);
    to_ = fdopen(input[1], "w");
    from_ = fdopen(output[0], "r");
  }
  ~PeerEngine() override {
    if (to_) fclose(to_);
    if (from_) fclose(from_);
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }

  // False when the peer ended without a word: it is not built in.
  bool start() {
    const Json built = read();
    if (!built.is_object()) return false;
    build_s = built["build_s"];
    bytes_per_vector = built["bytes_per_vector"];
    return true;
  }
  double pass(size_t effort, size_t threads, bool batch) override {
    std::fprintf(to_, "%zu %zu %s\n", effort, threads, batch ? "batch" : "single");
    std::fflush(to_);
    const Json answer = read();
    if (!answer.is_object())
      throw Error(ErrorCode::system, "a peer ended while it was measured", {.where = engine});
    return answer["seconds"];
  }
  std::vector<std::vector<uint32_t>> answers() override {
    std::vector<uint32_t> all(data_.asked() * task_.k);
    std::ifstream file(task_.folder / "answers.u32", std::ios::binary);
    file.read(reinterpret_cast<char*>(all.data()),
              static_cast<std::streamsize>(all.size() * sizeof(uint32_t)));
    std::vector<std::vector<uint32_t>> slots(data_.asked());
    for (size_t q = 0; q < slots.size(); ++q)
      slots[q].assign(all.begin() + static_cast<ptrdiff_t>(q * task_.k),
                      all.begin() + static_cast<ptrdiff_t>((q + 1) * task_.k));
    return slots;
  }

 private:
  Json read() {
    char line[256];
    if (!std::fgets(line, sizeof line, from_)) return nullptr;
    return Json::parse(line, nullptr, false);
  }

  const AnnData& data_;
  const AnnTask& task_;
  pid_t child_ = -1;
  FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace

std::unique_ptr<AnnEngine> cowatch_engine(const AnnData& data, const AnnTask& task,
                                          const IndexOptions& options, bool full_vectors) {
  return std::make_unique<CowatchEngine>(data, task, options, full_vectors);
}

std::unique_ptr<AnnEngine> peer_engine(const AnnData& data, const AnnTask& task, const std::string& engine,
                                       const std::string& kind, size_t effort) {
  const Path program = program_folder() / "cowatch-ann-peer";
  if (!std::filesystem::exists(program)) return nullptr;
  auto peer = std::make_unique<PeerEngine>(
      data, task,
      std::vector<std::string>{program.string(), engine, task.folder.string(), std::to_string(data.count()),
                               std::to_string(data.asked()), std::to_string(data.dimension),
                               std::to_string(task.k), task.metric == Metric::l2 ? "l2" : "inner_product",
                               kind, std::to_string(effort), std::to_string(task.threads)});
  peer->engine = engine;
  peer->index = engine == "hnswlib" ? "hnsw" : kind;
  peer->params =
      engine == "hnswlib" ? "M " + kind + " ef_construction " + std::to_string(effort) : "generic build";
  if (!peer->start()) return nullptr;
  return peer;
}

}  // namespace cowatch::bench
