#include "workers.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "wire/json.h"

namespace certferry::soak {
namespace {

struct Worker {
  pid_t process = -1;
  int said = -1;  // the end of a pipe to read its figures from
};

[[noreturn]] void cannot(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void write_all(int descriptor, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto written = write(descriptor, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot("write a worker's figures");
    at += static_cast<std::size_t>(written);
  }
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const auto length = read(descriptor, part.data(), part.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) cannot("read a worker's figures");
    if (length == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(length));
  }
}

// In the child: nothing of the parent's is run as it ends.
[[noreturn]] void work(int descriptor, const std::function<Figures()>& share) {
  int code = 0;
  try {
    write_all(descriptor, as_json(share()).dump());
  } catch (const std::exception& thrown) {
    std::fputs(thrown.what(), stderr);
    code = 1;
  }
  std::fflush(nullptr);
  _exit(code);
}

Worker begin(const std::function<Figures()>& share) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) cannot("open a pipe to a worker");
  std::fflush(nullptr);  // else what is not written yet is written by both
  const pid_t process = fork();
  if (process < 0) cannot("begin a worker");
  if (process == 0) {
    close(ends[0]);
    work(ends[1], share);
  }
  close(ends[1]);
  return {process, ends[0]};
}

Figures end(const Worker& worker) {
  const std::string said = read_all(worker.said);
  close(worker.said);
  int status = 0;
  while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return figures_of(Json::parse(said, "a worker's figures"));
  Figures lost;
  lost.violations = 1;
  return lost;
}

}  // namespace

Figures on_workers(unsigned workers, const std::function<Figures(unsigned worker)>& share) {
  if (workers <= 1) return share(0);
  std::vector<Worker> begun;
  for (unsigned worker = 0; worker < workers; ++worker) begun.push_back(begin([&] { return share(worker); }));
  Figures all;
  for (const Worker& worker : begun) all.add(end(worker));
  return all;
}

}  // namespace certferry::soak
