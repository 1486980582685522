// One running `cowatch-media extract --serve`: a process that has loaded FFmpeg and OpenCV once and forks a
// limited child for every file. Not thread-safe; media/extractor.h keeps several.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/file.h"
#include "media/worker_protocol.h"

namespace cowatch {

class WorkerProcess {
 public:
  // Starts the program at `program` and reads its greeting. Throws ErrorCode::system when it does not start.
  explicit WorkerProcess(const Path& program);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();  // ends it

  struct Answer {
    WorkerVerdict verdict;
    std::string bytes;  // what the child wrote, at most max_result_bytes
  };
  // Hands over `input` (borrowed) and waits for the end, at most wall_seconds and a grace. Throws
  // ErrorCode::system when the process is gone or does not answer; it is useless then.
  Answer run(const WorkerJob& job, int input);

  bool namespaces() const { return greeting_.namespaces != 0; }

 private:
  void send(const WorkerJob& job, int input, int output);
  void end();

  pid_t pid_ = -1;
  int socket_ = -1;
  WorkerGreeting greeting_;
};

}  // namespace cowatch
