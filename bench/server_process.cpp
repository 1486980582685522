#include "bench/server_process.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "bench/benchmark.h"

namespace cowatch::bench {

ServerProcess::ServerProcess(const Path& workspace, const std::vector<std::string>& more) {
  int ends[2];
  if (pipe(ends) != 0) throw_system_error("make", "a pipe");
  std::vector<std::string> words = {(program_folder() / "cowatch").string(), "serve", workspace.string(),
                                    "--port", "0"};
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  start_ = seconds_now();
  child_ = fork();
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // a benchmark that dies leaves no server
    setpriority(PRIO_PROCESS, 0, 0);   // whatever a load generator's is
    dup2(ends[1], STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ::close(ends[1]);
  std::string line;
  for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
  ::close(ends[0]);
  ready_ = seconds_now();
  const size_t at = line.find("127.0.0.1:");
  if (at == line.npos)
    throw Error(ErrorCode::system, "the server did not start", {.where = workspace.string(), .found = line});
  port_ = static_cast<uint16_t>(std::stoi(line.substr(at + 10)));
}

ServerProcess::~ServerProcess() {
  kill(child_, SIGTERM);
  waitpid(child_, nullptr, 0);
}

double ServerProcess::mib(const std::string& field) const {
  std::ifstream file("/proc/" + std::to_string(child_) + "/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  return 0;
}

int connect_to(uint16_t port) {
  const int connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(connected, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw_system_error("connect to", "the server");
  return connected;
}

}  // namespace cowatch::bench
