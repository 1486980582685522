// Raw audio-visual features, a poster and a preview of one file, made by a separate, limited process
// (`cowatch-media`): this side never touches FFmpeg, and whatever a file does, it costs that file only.
//
//   const MediaFeatures found = extract_file("clip.mp4", MediaLimits{});
//   if (found.refused) std::cerr << found.reason;
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "media/limits.h"
#include "media/media_features.h"

namespace cowatch {

class WorkerProcess;
struct WorkerJob;

// Runs any number of files at a time, one worker process for each that is under way; workers are kept for the
// next file. Thread-safe.
class Extractor {
 public:
  explicit Extractor(MediaLimits limits, Path program = {});  // empty: cowatch-media beside this program
  ~Extractor();

  enum class Links { follow, refuse };
  // Never throws for what is wrong with the file: a missing, unreadable, hostile or crashing file comes back
  // refused with a reason. Throws ErrorCode::system when the worker program itself does not start, and
  // unsupported when the system lacks what the limits need.
  // `links`: whether PATH may be a symbolic link (a user's library) or not (an upload folder).
  MediaFeatures extract(const Path& path, Links links = Links::follow);
  // The same of an open regular file (borrowed), which nobody else writes to.
  MediaFeatures extract_open(int descriptor);

  // Lets a worker try what a file that has taken it over would try (open a file, a socket, start a program …)
  // and returns one line for each attempt, "NAME: refused (reason)" or "NAME: DONE". For tests and doctor.
  std::vector<std::string> try_to_escape();
  // Lets a worker compute for ever; returns the refusal of a file that would make it do so.
  MediaFeatures try_to_overrun();
  bool namespaces();  // whether workers run in namespaces of their own on this system

  const MediaLimits& limits() const { return limits_; }

 private:
  MediaFeatures run(const WorkerJob& job, int descriptor);
  std::unique_ptr<WorkerProcess> take();
  void give_back(std::unique_ptr<WorkerProcess> worker);

  MediaLimits limits_;
  Path program_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<WorkerProcess>> idle_;
};

// One file by a worker of its own (50 ms more than with an Extractor that is kept).
MediaFeatures extract_file(const Path& path, const MediaLimits& limits);

}  // namespace cowatch
