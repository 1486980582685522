// A peer of `cowatch bench ann`: hnswlib or faiss, in a process of its own, so that its memory is its own.
//
//   cowatch-ann-peer hnswlib DIR VECTORS QUERIES DIMENSION K inner_product|l2 M EF_CONSTRUCTION THREADS
//   cowatch-ann-peer faiss   DIR VECTORS QUERIES DIMENSION K inner_product|l2 FACTORY_STRING   - THREADS
//
// FACTORY_STRING may end in @N: lists to probe; otherwise the effort is that number. Of an index that refines
// (…,RFlat) the effort is the number of candidates.
// Reads DIR/vectors.f32 and DIR/queries.f32, builds, prints {"build_s", "bytes_per_vector"}. Then each line
// "EFFORT THREADS MODE" of its input is a pass over all queries, one at a time (single) or all in one call
// (batch): it writes DIR/answers.u32 and prints {"seconds"}. Compiled with -march=native.
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#ifdef COWATCH_HNSWLIB
#include <hnswlib/hnswlib.h>
#endif
#ifdef COWATCH_FAISS
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <faiss/index_factory.h>
#include <omp.h>
#endif

namespace {

struct Task {
  std::string engine, folder, metric, kind;
  size_t vectors, queries, dimension, k, effort, threads;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

size_t held() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::vector<float> read(const std::string& path, size_t count) {
  std::vector<float> values(count);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float)));
  if (!file) {
    std::cerr << path << " is too short\n";
    std::exit(1);
  }
  return values;
}

// body(i) for each i, `threads` threads taking equal parts.
void in_threads(size_t count, size_t threads, const std::function<void(size_t)>& body) {
  std::vector<std::thread> workers;
  for (size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      for (size_t i = count * t / threads; i < count * (t + 1) / threads; ++i) body(i);
    });
  }
  for (auto& worker : workers) worker.join();
}

struct Engine {
  virtual ~Engine() = default;
  virtual void search(const float* queries, size_t effort, size_t threads, bool batch, uint32_t* answers) = 0;
};

#ifdef COWATCH_HNSWLIB
class Hnswlib : public Engine {
 public:
  Hnswlib(const Task& task, const float* vectors) : task_(task) {
    if (task.metric == "l2") {
      space_ = std::make_unique<hnswlib::L2Space>(task.dimension);
    } else {
      space_ = std::make_unique<hnswlib::InnerProductSpace>(task.dimension);
    }
    index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), task.vectors,
                                                               std::stoul(task.kind), task.effort, 1);
    index_->addPoint(vectors, 0);
    in_threads(task.vectors - 1, task.threads,
               [&](size_t i) { index_->addPoint(vectors + (i + 1) * task.dimension, i + 1); });
  }
  // It has no call for a batch: what its Python binding does with one is this loop.
  void search(const float* queries, size_t effort, size_t threads, bool, uint32_t* answers) override {
    index_->setEf(effort);
    in_threads(task_.queries, threads, [&](size_t q) {
      auto found = index_->searchKnn(queries + q * task_.dimension, task_.k);
      for (size_t i = found.size(); i-- > 0; found.pop())
        answers[q * task_.k + i] = static_cast<uint32_t>(found.top().second);
    });
  }

 private:
  const Task& task_;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};
#endif

#ifdef COWATCH_FAISS
class Faiss : public Engine {
 public:
  Faiss(const Task& task, const float* vectors) : task_(task) {
    omp_set_num_threads(static_cast<int>(task.threads));
    const auto metric = task.metric == "l2" ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
    const size_t at = task.kind.find('@');
    if (at != std::string::npos) probes_ = std::stoul(task.kind.substr(at + 1));
    index_.reset(
        faiss::index_factory(static_cast<int>(task.dimension), task.kind.substr(0, at).c_str(), metric));
    index_->train(static_cast<faiss::Index::idx_t>(task.vectors), vectors);
    index_->add(static_cast<faiss::Index::idx_t>(task.vectors), vectors);
  }
  void search(const float* queries, size_t effort, size_t threads, bool batch, uint32_t* answers) override {
    faiss::Index* inner = index_.get();
    if (auto* refined = dynamic_cast<faiss::IndexRefine*>(inner)) {
      refined->k_factor = static_cast<float>(effort) / static_cast<float>(task_.k);
      inner = refined->base_index;
    }
    if (auto* turned = dynamic_cast<faiss::IndexPreTransform*>(inner)) inner = turned->index;
    if (auto* lists = dynamic_cast<faiss::IndexIVF*>(inner)) lists->nprobe = probes_ > 0 ? probes_ : effort;
    if (auto* graph = dynamic_cast<faiss::IndexHNSW*>(index_.get()))
      graph->hnsw.efSearch = static_cast<int>(effort);
    std::vector<float> scores(task_.queries * task_.k);
    std::vector<faiss::Index::idx_t> found(task_.queries * task_.k);
    const auto k = static_cast<faiss::Index::idx_t>(task_.k);
    if (batch) {
      omp_set_num_threads(static_cast<int>(threads));
      index_->search(static_cast<faiss::Index::idx_t>(task_.queries), queries, k, scores.data(),
                     found.data());
    } else {
      in_threads(task_.queries, threads, [&](size_t q) {
        omp_set_num_threads(1);
        index_->search(1, queries + q * task_.dimension, k, scores.data() + q * task_.k,
                       found.data() + q * task_.k);
      });
    }
    for (size_t i = 0; i < found.size(); ++i) answers[i] = static_cast<uint32_t>(found[i]);
  }

 private:
  const Task& task_;
  size_t probes_ = 0;
  std::unique_ptr<faiss::Index> index_;
};
#endif

std::unique_ptr<Engine> build(const Task& task, const float* vectors) {
#ifdef COWATCH_HNSWLIB
  if (task.engine == "hnswlib") return std::make_unique<Hnswlib>(task, vectors);
#endif
#ifdef COWATCH_FAISS
  if (task.engine == "faiss") return std::make_unique<Faiss>(task, vectors);
#endif
  (void)vectors;
  std::cerr << task.engine << " is not built in\n";
  std::exit(3);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 11) return 2;
  const auto number = [&](int i) { return static_cast<size_t>(std::strtoull(arguments[i], nullptr, 10)); };
  const Task task = {arguments[1], arguments[2], arguments[7], arguments[8], number(3),
                     number(4),    number(5),    number(6),    number(9),    number(10)};
  std::unique_ptr<Engine> engine;
  double build_s;
  size_t bytes;
  {
    const auto vectors = read(task.folder + "/vectors.f32", task.vectors * task.dimension);
    const size_t before = held();
    const double start = now();
    engine = build(task, vectors.data());
    build_s = now() - start;
    bytes = held() - before;
  }
  std::printf("{\"build_s\": %.6f, \"bytes_per_vector\": %.2f}\n", build_s,
              static_cast<double>(bytes) / static_cast<double>(task.vectors));
  std::fflush(stdout);
  const auto queries = read(task.folder + "/queries.f32", task.queries * task.dimension);
  std::vector<uint32_t> answers(task.queries * task.k, UINT32_MAX);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    size_t effort = 0, threads = 1;
    std::string mode;
    words >> effort >> threads >> mode;
    const double start = now();
    engine->search(queries.data(), effort, threads, mode == "batch", answers.data());
    const double seconds = now() - start;
    std::ofstream file(task.folder + "/answers.u32", std::ios::binary);
    file.write(reinterpret_cast<const char*>(answers.data()),
               static_cast<std::streamsize>(answers.size() * 4));
    file.close();
    std::printf("{\"seconds\": %.9f}\n", seconds);
    std::fflush(stdout);
  }
  return 0;
}
