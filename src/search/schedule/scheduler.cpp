#include "search/schedule/scheduler.h"

#include <algorithm>
#include <utility>

namespace cowatch {
namespace {

// Threads of its own go behind those that read requests, and search in them.
constexpr int worker_niceness = 5;
// An estimate must fit into the time left so often: what is answered is to be answered in time, also when the
// processors do other work meanwhile.
constexpr double caution = 2;
// A queue in which something waited for as long as a job can wait was not filled by a burst, which it would
// outlast: more comes than can be answered, and its length is nothing but delay. So much of it is left as
// keeps the places at work between two arrivals.
constexpr double caution_of_standing = 8;

double seconds_between(Job::Clock::time_point begin, Job::Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

Scheduler::Scheduler(size_t places, size_t longest_queue, size_t largest_batch)
    : places_(places),
      longest_queue_(longest_queue),
      largest_batch_(largest_batch),
      workers_(places, worker_niceness) {
  run_in({});
}

void Scheduler::drain() {
  std::array<std::deque<std::unique_ptr<Job>>, 3> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(queues_);
    set_waiting(0);
  }
  for (auto& queue : left)
    for (auto& job : queue) job->refuse();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return busy_ == 0; });
}

void Scheduler::run_in(Executor executor) {
  const std::lock_guard lock(mutex_);
  executor_ = executor ? std::move(executor)
                       : [this](std::function<void()> work, bool) { workers_.run(std::move(work)); };
  for (size_t again = std::exchange(asked_, 0); again > 0; --again) ask_for_turn(true);
}

void Scheduler::ask_for_turn(bool elsewhere) {
  ++asked_;
  executor_([this, asked = Job::Clock::now()] { turn(asked); }, elsewhere);
}

double Scheduler::wait_before(Priority priority) const {
  size_t jobs = status_.running;
  for (size_t p = 0; p <= static_cast<size_t>(priority); ++p) jobs += queues_[p].size();
  return static_cast<double>(jobs) * times_.each() / static_cast<double>(places_);
}

void Scheduler::set_waiting(size_t jobs) {
  if (jobs == 0 || status_.waiting == 0) none_waited_ = Job::Clock::now();
  status_.waiting = jobs;
  waiting_.store(jobs, std::memory_order_relaxed);
}

bool Scheduler::would_be_late(Priority priority, Job::Clock::time_point deadline) const {
  if (status_.waiting >= longest_queue_) return true;
  const auto now = Job::Clock::now();
  const double left = seconds_between(now, deadline);
  // Begun at once, a job may take what it takes: whoever asks too much of an idle server is answered, too.
  if (serving_ < places_ && status_.waiting == 0) return left <= 0;
  const bool stands = seconds_between(none_waited_, now) > left && !times_.in_batches();
  return wait_before(priority) * (stands ? caution_of_standing : caution) + times_.each() > left;
}

bool Scheduler::refuses(Priority priority, Job::Clock::time_point deadline) const {
  const std::lock_guard lock(mutex_);
  return would_be_late(priority, deadline);
}

void Scheduler::count_refusal() {
  const std::lock_guard lock(mutex_);
  ++status_.refused;
}

bool Scheduler::submit(std::unique_ptr<Job>& job) {
  const std::lock_guard lock(mutex_);
  if (would_be_late(job->priority, job->deadline)) {
    ++status_.refused;
    return false;
  }
  set_waiting(status_.waiting + 1);
  queues_[static_cast<size_t>(job->priority)].push_back(std::move(job));
  if (busy_ == places_) return true;
  ++busy_;
  ask_for_turn(false);
  return true;
}

Scheduler::Jobs Scheduler::next() {
  Jobs jobs;
  for (auto& queue : queues_) {
    if (queue.empty()) continue;
    const uint64_t batch = queue.front()->batch;
    const double left = seconds_between(Job::Clock::now(), queue.front()->deadline);
    const size_t most = batch == 0 ? 1 : std::min(largest_batch_, times_.fitting(left));
    for (auto at = queue.begin(); at != queue.end() && jobs.size() < most;) {
      if ((*at)->batch != batch) {
        ++at;
        continue;
      }
      jobs.push_back(std::move(*at));
      at = queue.erase(at);
    }
    break;
  }
  set_waiting(status_.waiting - jobs.size());
  return jobs;
}

void Scheduler::turn(Job::Clock::time_point asked) {
  Lock lock(mutex_);
  if (asked_ == 0) return;  // asked of another executor again
  --asked_;
  if (Jobs jobs = next(); !jobs.empty()) {
    status_.running += jobs.size();
    ++serving_;
    lock.unlock();
    run(std::move(jobs), asked);
    lock.lock();
  } else if (Shared* work = open_work()) {
    help(*work, lock);
  }
  leave();
}

void Scheduler::leave() {
  if (status_.waiting > asked_ || open_work()) return ask_for_turn(false);
  if (--busy_ == 0) idle_.notify_all();
}

void Scheduler::run(Jobs jobs, Job::Clock::time_point asked) {
  const size_t taken = jobs.size();
  const auto start = Job::Clock::now();
  size_t shed = 0, cancelled = 0;
  std::erase_if(jobs, [&](const std::unique_ptr<Job>& each) {
    if (each->cancelled()) return ++cancelled > 0;
    if (each->deadline >= start) return false;
    each->refuse();
    return ++shed > 0;
  });
  const size_t count = jobs.size();
  double seconds = 0;
  if (count > 0) {
    const auto first = std::move(jobs.front());
    jobs.erase(jobs.begin());
    first->run_with(jobs);
    seconds = first->helped;
    for (const auto& other : jobs) seconds += other->helped;
  }
  seconds += seconds_between(asked, Job::Clock::now());
  const std::lock_guard lock(mutex_);
  --serving_;  // together with what is counted: whoever sees a job done finds its place free
  status_.running -= taken;
  status_.shed += shed;
  status_.cancelled += cancelled;
  status_.done += count;
  status_.batches += count > 0;
  if (count > 0) times_.add(count, seconds);
}

// The work of one job, in pieces; all but the body with the scheduler's mutex held.
struct Scheduler::Shared {
  const std::function<void(size_t)>& body;
  size_t pieces, next = 0, under_way = 0;
  double helped = 0;  // seconds
  std::exception_ptr failure = nullptr;
};

void Scheduler::share(Job& job, size_t pieces, const std::function<void(size_t)>& body) {
  Shared work{body, pieces};
  Lock lock(mutex_);
  shared_.push_back(&work);
  for (size_t helpers = 1; helpers < pieces && busy_ < places_; ++helpers) {
    ++busy_;
    ask_for_turn(true);
  }
  while (work.next < work.pieces) run_piece(work, lock);
  std::erase(shared_, &work);
  piece_done_.wait(lock, [&] { return work.under_way == 0; });
  job.helped += work.helped;
  if (work.failure) std::rethrow_exception(work.failure);
}

Scheduler::Shared* Scheduler::open_work() const {
  const auto found =
      std::ranges::find_if(shared_, [](const Shared* work) { return work->next < work->pieces; });
  return found == shared_.end() ? nullptr : *found;
}

void Scheduler::help(Shared& work, Lock& lock) {
  const auto start = Job::Clock::now();
  run_piece(work, lock);
  work.helped += seconds_between(start, Job::Clock::now());  // the mutex is held: its job has not gone on
  ++status_.pieces_helped;
}

void Scheduler::run_piece(Shared& work, Lock& lock) {
  const size_t piece = work.next++;
  ++work.under_way;
  lock.unlock();
  std::exception_ptr failure;
  try {
    work.body(piece);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (failure) {
    work.failure = failure;
    work.next = work.pieces;  // the rest is in vain
  }
  if (--work.under_way == 0) piece_done_.notify_all();
}

Scheduler::Status Scheduler::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.job_seconds = times_.each();
  return status;
}

}  // namespace cowatch
