#include "serve/tasks.h"

#include <chrono>

#include "base/error.h"
#include "serve/message.h"

namespace cowatch::serve {
namespace {

constexpr size_t most_waiting = 32, most_kept = 200;

std::string now() {
  return iso_time(std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count());
}

std::string id_of(uint64_t number) {
  std::string digits = std::to_string(number);
  return "task-" + std::string(8 - std::min<size_t>(8, digits.size()), '0') + digits;  // sorts by age
}

}  // namespace

Tasks::Tasks() : thread_([this] { loop(); }) {}

Tasks::~Tasks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::string Tasks::start(const std::string& kind, Work work) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= most_waiting) {
    throw Error(ErrorCode::overloaded, "too many uploads are waiting",
                {.expected = "at most " + std::to_string(most_waiting), .remedy = "Try again in a minute."});
  }
  const std::string id = id_of(next_++);
  tasks_[id] = {
      {"TaskId", id},    {"Kind", kind},     {"State", "waiting"}, {"Step", "waiting"},
      {"Progress", 0.0}, {"Created", now()}, {"Updated", now()},   {"Next", "ask again in a moment"}};
  if (tasks_.size() > most_kept) tasks_.erase(tasks_.begin());
  waiting_.emplace_back(id, std::move(work));
  wake_.notify_one();
  return id;
}

Json Tasks::task(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(id);
  if (found == tasks_.end())
    throw Error(ErrorCode::not_found, "there is no such task",
                {.found = "'" + id + "'",
                 .remedy = "Tasks are forgotten when the server stops, and after 200 newer ones."});
  return found->second;
}

Json Tasks::list() const {
  const std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (auto entry = tasks_.rbegin(); entry != tasks_.rend(); ++entry) list.push_back(entry->second);
  return list;
}

void Tasks::loop() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    auto [id, work] = std::move(waiting_.front());
    waiting_.pop_front();
    const auto update = [&, id = id](std::initializer_list<std::pair<const char*, Json>> fields) {
      const auto found = tasks_.find(id);
      if (found == tasks_.end()) return;
      for (const auto& [name, value] : fields) found->second[name] = value;
      found->second["Updated"] = now();
    };
    update({{"State", "running"}, {"Step", "starting"}});
    lock.unlock();
    Json result, error;
    try {
      result = work([&](const std::string& step, double progress) {
        const std::lock_guard inner(mutex_);
        update({{"Step", step}, {"Progress", progress}});
      });
    } catch (const Error& thrown) {
      error = Json::parse(problem(thrown).body);
    } catch (const std::exception& thrown) {
      error = Json::parse(problem(Error(ErrorCode::internal, thrown.what())).body);
    }
    lock.lock();
    if (error.is_null()) {
      update({{"State", "done"},
              {"Step", "done"},
              {"Progress", 1.0},
              {"Next", "read Result"},
              {"Result", result}});
    } else {
      update({{"State", "failed"},
              {"Step", "failed"},
              {"Next", error.value("remedy", std::string("read Error"))},
              {"Error", error}});
    }
  }
}

}  // namespace cowatch::serve
