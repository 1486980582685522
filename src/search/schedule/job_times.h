// How long jobs take, alone and together, learned from those that ran; newer ones weigh more.
//
// A batch of n jobs is taken to last alone + (n - 1) · more, the line through what was seen (least squares).
// Before a batch was seen, more is guessed low: the first batches are small all the same, and then it is
// known.
#pragma once

#include <algorithm>
#include <cstddef>

namespace cowatch {

class JobTimes {
 public:
  void add(size_t jobs, double seconds) {
    const double more_jobs = static_cast<double>(jobs) - jobs_, more_seconds = seconds - seconds_;
    jobs_ += weight * more_jobs;
    seconds_ += weight * more_seconds;
    spread_ += weight * (more_jobs * more_jobs - spread_);
    together_ += weight * (more_jobs * more_seconds - together_);
  }
  // Of one job, those of batches by their share.
  double each() const { return seconds_ / jobs_; }
  bool in_batches() const { return jobs_ > 1.5; }  // as a rule: a longer queue makes larger ones
  // How many jobs of a batch end within `seconds`, at least one.
  size_t fitting(double seconds) const {
    const double more =
        spread_ > least_spread ? std::clamp(together_ / spread_, each() / 1000, each()) : each() / 8;
    const double alone = seconds_ - more * (jobs_ - 1);
    return 1 + static_cast<size_t>(std::clamp((seconds - alone) / more, 0.0, 1e6));
  }

 private:
  static constexpr double weight = 0.02;  // of the newest: some 50 are remembered
  static constexpr double least_spread = 1e-3;
  double jobs_ = 1, seconds_ = 0.0005;  // averages; the seconds are a guess before any was seen
  double spread_ = 0, together_ = 0;    // variance of the number of jobs, and its covariance with the seconds
};

}  // namespace cowatch
