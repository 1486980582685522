#include "serve/vectors/recall_sampler.h"

#include <chrono>
#include <optional>

#include "base/background.h"
#include "base/error.h"
#include "base/log.h"

namespace cowatch::serve {
namespace {

constexpr size_t most_waiting = 32, most_minutes = 24 * 60;
constexpr int rest = 19;  // times as long as it measured

int64_t this_minute() {
  using namespace std::chrono;
  return duration_cast<minutes>(system_clock::now().time_since_epoch()).count() * 60'000;
}

}  // namespace

bool RecallSampler::takes(const std::string& name) {
  if (every_ == 0) return false;
  const std::lock_guard lock(mutex_);
  return searches_[name]++ % every_ == 0 && waiting_.size() < most_waiting;
}

void RecallSampler::offer(const std::string& name, std::function<Count()> measure) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() < most_waiting) waiting_.push_back({name, std::move(measure)});
  changed_.notify_all();
}

void RecallSampler::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  searches_.erase(name);
  history_.erase(name);
  totals_.erase(name);
  std::erase_if(waiting_, [&](const Sample& each) { return each.name == name; });
  changed_.notify_all();
}

void RecallSampler::work(const std::stop_token& stop) {
  const BackgroundThread background;
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    const Sample sample = std::move(waiting_.front());
    waiting_.pop_front();
    measuring_ = true;
    lock.unlock();
    const auto start = std::chrono::steady_clock::now();
    std::optional<Count> count;
    try {
      count = sample.measure();
    } catch (const std::exception& error) {
      log(LogLevel::warning, std::string("a search's recall could not be measured: ") + error.what());
    }
    const auto taken = std::chrono::steady_clock::now() - start;
    lock.lock();
    if (count && searches_.contains(sample.name)) add(sample.name, *count);  // not forgotten meanwhile
    measuring_ = false;
    changed_.notify_all();
    changed_.wait_for(lock, stop, rest * taken, [] { return false; });
  }
}

void RecallSampler::add(const std::string& name, Count count) {
  Count& total = totals_[name];
  total.found += count.found, total.wanted += count.wanted;
  auto& minutes = history_[name];
  const int64_t now = this_minute();
  if (minutes.empty() || minutes.back().time_ms != now) minutes.push_back({now, {}});
  if (minutes.size() > most_minutes) minutes.pop_front();
  minutes.back().count.found += count.found, minutes.back().count.wanted += count.wanted;
}

std::map<std::string, std::vector<RecallSampler::Minute>> RecallSampler::history() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::vector<Minute>> history;
  for (const auto& [name, minutes] : history_) history[name].assign(minutes.begin(), minutes.end());
  return history;
}

std::map<std::string, RecallSampler::Count> RecallSampler::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

void RecallSampler::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.empty() && !measuring_; });
}

}  // namespace cowatch::serve
