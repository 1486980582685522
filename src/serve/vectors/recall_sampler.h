// The recall of what was answered: a share of the searches is asked again exactly, in the background at low
// priority, and the two answers are compared. Measuring takes at most a twentieth of one core: what comes while it is behind is left out.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cowatch::serve {

class RecallSampler {
 public:
  struct Count {
    uint64_t found = 0, wanted = 0;  // of the true neighbours, and how many there are
  };
  // One search in `every` is measured; 0: none.
  explicit RecallSampler(uint64_t every) : every_(every), worker_([this](const std::stop_token& stop) { work(stop); }) {}

  // Whether this search of `name` is one to be measured; then offer() it.
  bool takes(const std::string& name);
  // `measure` is called later from another thread: it owns what it looks at.
  void offer(const std::string& name, std::function<Count()> measure);

  // What was measured of `name`: there is no such collection any longer.
  void forget(const std::string& name);

  struct Minute {
    int64_t time_ms = 0;  // its beginning, since 1970
    Count count;
  };
  std::map<std::string, std::vector<Minute>> history() const;  // the last day, oldest first
  std::map<std::string, Count> totals() const;                 // since the start
  void wait() const;                                           // until what was offered is measured

 private:
  struct Sample {
    std::string name;
    std::function<Count()> measure;
  };
  void work(const std::stop_token& stop);
  void add(const std::string& name, Count count);  // mutex held

  const uint64_t every_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::deque<Sample> waiting_;
  bool measuring_ = false;
  std::map<std::string, uint64_t> searches_;
  std::map<std::string, std::deque<Minute>> history_;
  std::map<std::string, Count> totals_;
  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace cowatch::serve
