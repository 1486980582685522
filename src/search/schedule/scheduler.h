// Workers that answer queries in order of priority, each before its deadline or not at all.
//
// A server that lets its queue grow answers everyone too late. Here a query is refused at once, while refusing
// is cheap, when the work before it would take it past its deadline (admission), and again when its turn comes
// too late (shedding): what is answered is answered in time, at any load.
//
// The time to wait is estimated as the work queued at the same or a higher priority, over the workers; the work
// of a job as the moving average of the jobs before it. Jobs of one `batch` that wait at the same time are
// given to a worker together, so that one pass over the vectors serves them all.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace cowatch {

enum class Priority { high, normal, low };

class Job {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~Job() = default;
  virtual void run() = 0;      // never throws
  virtual void refuse() = 0;   // its deadline passed while it waited
  virtual bool cancelled() const { return false; }  // nobody waits for it any longer: dropped
  // Runs itself and others of the same batch; by default one after the other.
  virtual void run_with(const std::vector<std::unique_ptr<Job>>& others) {
    run();
    for (const auto& other : others) other->run();
  }

  Priority priority = Priority::normal;
  Clock::time_point deadline = Clock::time_point::max();
  uint64_t batch = 0;  // 0: alone
};

class Scheduler {
 public:
  Scheduler(size_t workers, size_t longest_queue, size_t largest_batch);
  ~Scheduler();  // refuses what waits, finishes what runs

  // Seconds after which to try again when a job of this kind would be refused now, 0 when it would be taken.
  // Cheap: asked before a query is even read.
  double refused_for(Priority priority, Job::Clock::time_point deadline) const;
  // False when it was refused: the job is untouched then.
  bool submit(std::unique_ptr<Job>& job);
  // Runs the job in the calling thread when nothing waits and a worker's place is free: a thread that has just read a
  // request saves handing it over, which costs more than a short search. False: the job is untouched.
  bool run_here(std::unique_ptr<Job>& job);

  struct Status {
    size_t waiting = 0, running = 0;
    uint64_t done = 0, refused = 0, shed = 0, cancelled = 0, batches = 0;
    double job_seconds = 0;  // the moving average
  };
  Status status() const;

 private:
  void work(const std::stop_token& stop);
  void run(std::vector<std::unique_ptr<Job>> jobs);  // which count as running; frees a place
  double wait_before(Priority priority) const;  // mutex held
  std::unique_ptr<Job> next(std::vector<std::unique_ptr<Job>>& others);

  const size_t workers_, longest_queue_, largest_batch_;
  mutable std::mutex mutex_;
  std::condition_variable_any ready_;
  std::array<std::deque<std::unique_ptr<Job>>, 3> queues_;
  mutable Status status_;
  size_t busy_ = 0;  // places of workers in use
  std::vector<std::jthread> threads_;
};

}  // namespace cowatch
