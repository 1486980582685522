// Work that may take as long as it takes, beside work that somebody waits for.
#pragma once

namespace cowatch {

// The calling thread's niceness, 0 to 19: higher yields to others. A thread may only raise its own.
void be_nice(int niceness);

// While it lives, the calling thread has low priority for the processor, for good where the system lets a
// thread only lower its own; parallel_for() called from it gets helpers of as low a priority, and none from
// those who wait.
class BackgroundThread {
 public:
  BackgroundThread();
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  static bool here();  // whether the calling thread is one
};

}  // namespace cowatch
