// Long work that goes on after its answer: waiting, running, done or failed, one at a time in its own thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/json.h"

namespace cowatch::serve {

class Tasks {
 public:
  Tasks();
  ~Tasks();  // waits for the running one

  // Work reports its step and progress and returns the result; what it throws becomes the task's error.
  using Report = std::function<void(const std::string& step, double progress)>;
  using Work = std::function<Json(const Report&)>;
  // Id of the new task; overloaded when 32 are waiting.
  std::string start(const std::string& kind, Work work);
  Json task(const std::string& id) const;  // as the schema Task; not_found
  Json list() const;                       // newest first

 private:
  void loop();
  Json& state(const std::string& id) { return tasks_.at(id); }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Json> tasks_;
  std::deque<std::pair<std::string, Work>> waiting_;
  uint64_t next_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cowatch::serve
