// Answers queries in order of priority, so many at a time, each before its deadline or not at all.
//
// A server that lets its queue grow answers everyone too late. Here a query is refused at once, while
// refusing is cheap, when the work before it would take it past its deadline (admission), and again when its
// turn comes too late (shedding): what is answered is answered in time, at any load.
//
// A job runs in a turn, which an executor is asked for: a thread of the scheduler's own, or one that reads
// requests and first reads all there are. Then a request is refused within the time of one job, however many
// come, and needs no processor that a job has.
//
// The time to wait is estimated as the jobs queued at the same or a higher priority, over the places; the
// time of a job as the moving average of those before it, from the moment at which its turn was asked for:
// what the executor does first counts. Jobs of one `batch` that wait at the same time are run in one turn, so
// that one pass over the vectors serves them all: as many as are done before the deadline of the first. None
// waits for others.
//
// A job may share its work: what it cuts into pieces is done by its own thread and by places that are free, a
// piece a turn, so that between two pieces requests are read and jobs begin as ever. Where jobs wait, each
// keeps to its one thread, which is the way to answer most of them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "search/schedule/job_times.h"
#include "search/schedule/workers.h"

namespace cowatch {

enum class Priority { high, normal, low };

class Job {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~Job() = default;
  virtual void run() = 0;                           // never throws
  virtual void refuse() = 0;                        // its deadline passed while it waited
  virtual bool cancelled() const { return false; }  // nobody waits for it any longer: dropped
  // Runs itself and others of the same batch; by default one after the other.
  virtual void run_with(const std::vector<std::unique_ptr<Job>>& others) {
    run();
    for (const auto& other : others) other->run();
  }

  Priority priority = Priority::normal;
  Clock::time_point deadline = Clock::time_point::max();
  uint64_t batch = 0;  // 0: alone
  double helped = 0;   // seconds that other places worked for it (Scheduler::share)
};

class Scheduler {
 public:
  // Calls the turn once, later, in any thread; `elsewhere`: the thread that asks has work to do itself.
  using Executor = std::function<void(std::function<void()> turn, bool elsewhere)>;

  Scheduler(size_t places, size_t longest_queue, size_t largest_batch);
  ~Scheduler() { drain(); }

  // Turns are asked of `executor` from now on, of threads of its own when it is empty. Turns that were not
  // given yet are asked for again: the former executor may be gone, and gives none any more.
  void run_in(Executor executor);
  // Refuses what waits and returns when nothing runs any longer: those who wait for an answer can go.
  void drain();

  // Whether any job waits. Costs next to nothing.
  bool busy() const { return waiting_.load(std::memory_order_relaxed) > 0; }
  // Whether a job of this kind would be refused now. Cheap: asked before a query is even read. Who refuses it
  // then counts it.
  bool refuses(Priority priority, Job::Clock::time_point deadline) const;
  void count_refusal();
  // False when it was refused: the job is untouched then.
  bool submit(std::unique_ptr<Job>& job);

  // For a job that runs, in its own thread: a loop over pieces of its work (base/threads.h) that free places
  // take part in while no job waits.
  void share(Job& job, size_t pieces, const std::function<void(size_t)>& body);

  struct Status {
    size_t waiting = 0, running = 0;
    uint64_t done = 0, refused = 0, shed = 0, cancelled = 0, batches = 0;
    uint64_t pieces_helped = 0;  // done by another place than the job's
    double job_seconds = 0;      // of one job, on average
  };
  Status status() const;

 private:
  using Jobs = std::vector<std::unique_ptr<Job>>;
  struct Shared;
  using Lock = std::unique_lock<std::mutex>;
  void ask_for_turn(bool elsewhere);  // mutex held, a place taken
  void turn(Job::Clock::time_point asked);
  void run(Jobs jobs, Job::Clock::time_point asked);  // which count as running
  Shared* open_work() const;                          // mutex held; null: no piece is left to be taken
  void help(Shared& work, Lock& lock);                // one piece
  void run_piece(Shared& work, Lock& lock);
  void leave();                                 // mutex held: gives a place up or on
  double wait_before(Priority priority) const;  // mutex held
  bool would_be_late(Priority priority, Job::Clock::time_point deadline) const;  // mutex held
  void set_waiting(size_t jobs);                                                 // mutex held
  Jobs next();                                  // mutex held

  const size_t places_, longest_queue_, largest_batch_;
  mutable std::mutex mutex_;
  std::condition_variable idle_, piece_done_;
  std::array<std::deque<std::unique_ptr<Job>>, 3> queues_;
  Status status_;
  std::atomic<size_t> waiting_{0};           // status_.waiting, to be read without the mutex
  Job::Clock::time_point none_waited_ = {};  // when the queues were empty last
  JobTimes times_;
  std::vector<Shared*> shared_;  // under way, the oldest first
  size_t busy_ = 0;              // places taken: a job or a piece runs there, or a turn was asked for
  size_t serving_ = 0;           // those where jobs run
  size_t asked_ = 0;             // turns that were not given yet
  Executor executor_;
  Workers workers_;  // last: they use all of the above
};

}  // namespace cowatch
