// Admission, order of priority, shedding, batches and cancellation of the scheduler.
#include "search/schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <thread>

namespace cowatch {
namespace {

struct Log {
  std::mutex mutex;
  std::vector<std::string> lines;
  void add(const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  }
};

class NamedJob : public Job {
 public:
  NamedJob(Log& log, std::string name, std::function<void()> to_do = {})
      : work(std::move(to_do)), log_(log), name_(std::move(name)) {}
  void run() override {
    if (work) work();
    log_.add(name_);
  }
  void refuse() override { log_.add("refused " + name_); }
  bool cancelled() const override { return is_cancelled; }
  void run_with(const std::vector<std::unique_ptr<Job>>& others) override {
    if (!others.empty()) log_.add("together " + std::to_string(others.size() + 1));
    Job::run_with(others);
  }
  bool is_cancelled = false;
  std::function<void()> work;

 private:
  Log& log_;
  std::string name_;
};

// A worker that is busy until it is let go.
struct Gate {
  std::promise<void> open, begun;
  std::function<void()> work() {
    return [this] {
      begun.set_value();
      open.get_future().wait();
    };
  }
};

std::unique_ptr<NamedJob> job(Log& log, const std::string& name, Priority priority = Priority::normal) {
  auto made = std::make_unique<NamedJob>(log, name);
  made->priority = priority;
  return made;
}

bool submit(Scheduler& scheduler, std::unique_ptr<NamedJob> each) {
  std::unique_ptr<Job> base = std::move(each);
  return scheduler.submit(base);
}

// Turns are given when the executor likes.
struct Turns {
  std::deque<std::function<void()>> waiting;
  Scheduler::Executor executor() {
    return [this](std::function<void()> turn, bool) { waiting.push_back(std::move(turn)); };
  }
  void give() {
    const auto turn = std::move(waiting.front());
    waiting.pop_front();
    turn();
  }
  void give_all() {
    while (!waiting.empty()) give();
  }
};

TEST(Scheduler, runs_by_priority_and_then_by_arrival) {
  Log log;
  Gate gate;
  {
    Scheduler scheduler(1, 100, 1);
    submit(scheduler, std::make_unique<NamedJob>(log, "first", gate.work()));
    gate.begun.get_future().wait();
    submit(scheduler, job(log, "low", Priority::low));
    submit(scheduler, job(log, "normal 1"));
    submit(scheduler, job(log, "normal 2"));
    submit(scheduler, job(log, "high", Priority::high));
    gate.open.set_value();
    while (scheduler.status().done < 5) std::this_thread::yield();
  }
  EXPECT_THAT(log.lines, testing::ElementsAre("first", "high", "normal 1", "normal 2", "low"));
}

TEST(Scheduler, refuses_what_would_be_late_and_what_is_too_much) {
  Log log;
  Gate gate;
  Scheduler scheduler(1, 2, 1);
  submit(scheduler, std::make_unique<NamedJob>(log, "first", gate.work()));
  gate.begun.get_future().wait();
  auto late = job(log, "late");
  late->deadline = Job::Clock::now();
  EXPECT_FALSE(submit(scheduler, std::move(late)));
  EXPECT_TRUE(submit(scheduler, job(log, "a")));
  EXPECT_TRUE(submit(scheduler, job(log, "b")));
  EXPECT_FALSE(submit(scheduler, job(log, "c")));
  EXPECT_EQ(scheduler.status().refused, 2u);
  gate.open.set_value();
}

// A queue that a burst filled may be as long as half of what a job can wait; one that has stood for as long as
// that is kept short: what comes then is refused, not delayed.
TEST(Scheduler, keeps_a_queue_short_that_does_not_empty) {
  using std::chrono::milliseconds;
  Log log;
  Turns turns;
  Scheduler scheduler(1, 10'000, 1);
  scheduler.run_in(turns.executor());
  const auto refuses = [&] {
    return scheduler.refuses(Priority::normal, Job::Clock::now() + milliseconds(400));
  };
  EXPECT_FALSE(scheduler.busy());
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(submit(scheduler, job(log, "x")));  // 150 ms by the first guess
  EXPECT_TRUE(scheduler.busy());
  EXPECT_FALSE(refuses());
  std::this_thread::sleep_for(milliseconds(450));
  EXPECT_TRUE(refuses());
  EXPECT_FALSE(scheduler.refuses(Priority::normal, Job::Clock::now() + std::chrono::hours(1)));
  EXPECT_FALSE(scheduler.refuses(Priority::high, Job::Clock::now() + milliseconds(400)));
  EXPECT_EQ(scheduler.status().refused, 0u) << "who refuses counts";
  scheduler.count_refusal();
  EXPECT_EQ(scheduler.status().refused, 1u);
  turns.give_all();
  EXPECT_FALSE(scheduler.busy());
  EXPECT_FALSE(refuses());
  scheduler.run_in({});
}

TEST(Scheduler, begins_what_takes_long_when_nothing_else_is_to_do) {
  Log log;
  Gate gate;
  Scheduler scheduler(1, 100, 1);
  for (int i = 0; i < 50; ++i) {
    auto slow = std::make_unique<NamedJob>(log, "slow",
                                           [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); });
    slow->deadline = Job::Clock::now() + std::chrono::milliseconds(2);
    ASSERT_TRUE(submit(scheduler, std::move(slow))) << i;
    while (scheduler.status().done + scheduler.status().shed <= static_cast<uint64_t>(i))
      std::this_thread::yield();
  }
  auto behind = job(log, "behind");
  EXPECT_TRUE(submit(scheduler, std::make_unique<NamedJob>(log, "first", gate.work())));
  gate.begun.get_future().wait();
  behind->deadline = Job::Clock::now() + std::chrono::milliseconds(2);
  EXPECT_FALSE(submit(scheduler, std::move(behind)));
  gate.open.set_value();
}

TEST(Scheduler, sheds_what_became_late_and_drops_what_nobody_waits_for) {
  Log log;
  Gate gate;
  {
    Scheduler scheduler(1, 100, 1);
    submit(scheduler, std::make_unique<NamedJob>(log, "first", gate.work()));
    gate.begun.get_future().wait();
    auto soon = job(log, "soon");
    soon->deadline = Job::Clock::now() + std::chrono::milliseconds(30);
    const auto deadline = soon->deadline;
    EXPECT_TRUE(submit(scheduler, std::move(soon)));
    auto gone = job(log, "gone");
    gone->is_cancelled = true;
    EXPECT_TRUE(submit(scheduler, std::move(gone)));
    std::this_thread::sleep_until(deadline + std::chrono::milliseconds(1));
    gate.open.set_value();
    while (scheduler.status().shed + scheduler.status().cancelled < 2) std::this_thread::yield();
  }
  EXPECT_THAT(log.lines, testing::ElementsAre("first", "refused soon"));
}

TEST(Scheduler, gives_a_batch_to_one_worker) {
  Log log;
  Gate gate;
  {
    Scheduler scheduler(1, 100, 3);
    submit(scheduler, std::make_unique<NamedJob>(log, "first", gate.work()));
    gate.begun.get_future().wait();
    for (const int batch : {1, 2, 1, 1, 1}) {
      auto each = job(log, std::to_string(batch));
      each->batch = static_cast<uint64_t>(batch);
      submit(scheduler, std::move(each));
    }
    gate.open.set_value();
    while (scheduler.status().done < 6) std::this_thread::yield();
  }
  EXPECT_THAT(log.lines, testing::ElementsAre("first", "together 3", "1", "1", "1", "2", "1"));
}

TEST(JobTimes, learn_what_a_job_takes_alone_and_in_a_batch) {
  JobTimes times;
  for (size_t i = 0; i < 1000; ++i) {
    const size_t jobs = 1 + i % 5;
    times.add(jobs, 0.040 + 0.002 * static_cast<double>(jobs - 1));
  }
  EXPECT_NEAR(times.each(), 0.044 / 3, 0.001);
  EXPECT_EQ(times.fitting(0), 1u);
  EXPECT_EQ(times.fitting(0.0411), 1u);
  EXPECT_EQ(times.fitting(0.0511), 6u);
}

TEST(Scheduler, a_batch_is_no_larger_than_the_deadline_of_its_first_allows) {
  Log log;
  Turns turns;
  Scheduler scheduler(1, 100, 100);
  scheduler.run_in(turns.executor());
  const auto submit_some = [&](int count, std::chrono::milliseconds patience) {
    for (int i = 0; i < count; ++i) {
      auto each = std::make_unique<NamedJob>(
          log, "x", [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
      each->batch = 7;
      each->deadline = Job::Clock::now() + patience;
      EXPECT_TRUE(submit(scheduler, std::move(each)));
    }
  };
  for (int i = 0; i < 100; ++i) {  // it learns
    submit_some(1 + i % 3, std::chrono::hours(1));
    turns.give_all();
  }
  log.lines.clear();
  submit_some(1, std::chrono::milliseconds(30));
  submit_some(40, std::chrono::hours(1));
  turns.waiting.front()();
  ASSERT_FALSE(log.lines.empty());
  ASSERT_TRUE(log.lines[0].starts_with("together ")) << log.lines[0];
  const int taken = std::stoi(log.lines[0].substr(9));
  EXPECT_GT(taken, 2);
  EXPECT_LT(taken, 30) << "30 ms at 2 ms each";
  turns.waiting.clear();
  scheduler.run_in({});
}

// A turn runs one job and asks for the next, so that the executor may do other work in between. Turns that an
// executor took and never gives are asked of the next one.
TEST(Scheduler, asks_the_executor_for_one_turn_after_the_other) {
  Log log;
  Turns first, second;
  Scheduler scheduler(2, 100, 1);
  scheduler.run_in(first.executor());
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_TRUE(submit(scheduler, job(log, name)));
  EXPECT_EQ(first.waiting.size(), 2u) << "one for each place";
  first.waiting[0]();
  EXPECT_THAT(log.lines, testing::ElementsAre("a"));
  EXPECT_EQ(first.waiting.size(), 3u);
  EXPECT_EQ(scheduler.status().running, 0u);
  scheduler.run_in(second.executor());
  EXPECT_EQ(second.waiting.size(), 2u);
  second.give_all();
  EXPECT_THAT(log.lines, testing::ElementsAre("a", "b", "c", "d"));
  first.give_all();  // late: nothing is left to run
  EXPECT_EQ(scheduler.status().done, 4u);
  for (const char* name : {"e", "f"}) EXPECT_TRUE(submit(scheduler, job(log, name)));
  EXPECT_EQ(second.waiting.size(), 2u) << "all places are free again";
  second.give_all();
  scheduler.run_in({});
}

// Places that are free take pieces of a job's work, one a turn; none is asked for where a job has its place.
TEST(Scheduler, free_places_share_the_work_of_a_job) {
  Log log;
  Turns turns;
  Scheduler scheduler(3, 100, 1);
  scheduler.run_in(turns.executor());
  auto shares = std::make_unique<NamedJob>(log, "shares");
  Job& sharing = *shares;
  shares->work = [&] {
    scheduler.share(sharing, 5, [&](size_t piece) {
      log.add("piece " + std::to_string(piece));
      if (piece == 0) {
        ASSERT_EQ(turns.waiting.size(), 2u) << "one for each free place";
        turns.give();  // as another thread would: it takes a piece and asks for the next
        EXPECT_EQ(turns.waiting.size(), 2u);
        submit(scheduler, job(log, "other"));
        turns.give();
        turns.give();
      }
    });
    EXPECT_GT(sharing.helped, 0);
  };
  submit(scheduler, std::move(shares));
  turns.give();
  EXPECT_THAT(log.lines,
              testing::ElementsAre("piece 0", "piece 1", "other", "piece 2", "piece 3", "piece 4", "shares"));
  EXPECT_EQ(scheduler.status().pieces_helped, 2u);
  turns.give_all();  // too late: nothing is left of it
  EXPECT_EQ(log.lines.size(), 7u);
  scheduler.drain();
  scheduler.run_in({});
}

TEST(Scheduler, a_failure_of_a_shared_piece_is_that_of_the_job) {
  Log log;
  Scheduler scheduler(3, 1000, 1);
  std::atomic<size_t> done{0};
  for (int round = 0; round < 200; ++round) {
    auto shares = std::make_unique<NamedJob>(log, "x");
    Job& sharing = *shares;
    shares->work = [&, round] {
      std::vector<std::atomic<int>> times(20);
      const auto body = [&](size_t piece) {
        ++times[piece];
        if (round % 2 == 1 && piece == 7) throw std::runtime_error("piece 7");
      };
      if (round % 2 == 1) {
        EXPECT_THROW(scheduler.share(sharing, times.size(), body), std::runtime_error);
        for (const auto& each : times) EXPECT_LE(each, 1);
      } else {
        scheduler.share(sharing, times.size(), body);
        for (const auto& each : times) EXPECT_EQ(each, 1);
      }
      ++done;
    };
    submit(scheduler, std::move(shares));
  }
  while (done < 200) std::this_thread::yield();
}

TEST(Scheduler, every_job_is_run_or_refused) {
  std::atomic<int> ended{0};
  Log log;
  constexpr int count = 2000;
  {
    Scheduler scheduler(3, 1u << 20, 4);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < count / 4; ++i) {
          auto each = std::make_unique<NamedJob>(log, "x");
          each->batch = static_cast<uint64_t>(i % 3);
          each->deadline = Job::Clock::now() + std::chrono::microseconds(i % 700);
          std::unique_ptr<Job> base = std::move(each);
          if (!scheduler.submit(base)) base->refuse();
        }
      });
    }
  }
  EXPECT_EQ(std::count_if(log.lines.begin(), log.lines.end(),
                          [](const std::string& line) { return line.ends_with("x"); }),
            count);
}

}  // namespace
}  // namespace cowatch
