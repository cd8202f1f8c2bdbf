#include "workers.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <string>
#include <sys/time.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace certferry::soak {
namespace {

struct Worker {
  std::size_t number = 0;
  pid_t process = -1;
  int pipe = -1;  // the end to read from
  std::string said;
};

[[noreturn]] void cannot(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void write_all(int descriptor, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto written = write(descriptor, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot("write what a worker says");
    at += static_cast<std::size_t>(written);
  }
}

// In the child: nothing of the parent's is run as it ends.
[[noreturn]] void do_work(int descriptor, const std::function<Json()>& act) {
  int code = 0;
  try {
    write_all(descriptor, act().dump());
  } catch (const std::exception& thrown) {
    std::fputs(thrown.what(), stderr);
    code = 1;
  }
  std::fflush(nullptr);
  _exit(code);
}

Worker begun(std::size_t number, const std::function<Json()>& act) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) cannot("open a pipe to a worker");
  std::fflush(nullptr);  // else what is not written yet is written by both
  const pid_t process = fork();
  if (process < 0) cannot("begin a worker");
  if (process == 0) {
    close(ends[0]);
    do_work(ends[1], act);
  }
  close(ends[1]);
  return {number, process, ends[0], ""};
}

// Reads what there is to read; whether the worker has said all.
bool has_said_all(Worker& worker) {
  std::array<char, 4096> part{};
  const auto length = read(worker.pipe, part.data(), part.size());
  if (length < 0 && errno == EINTR) return false;
  if (length < 0) cannot("read what a worker says");
  worker.said.append(part.data(), static_cast<std::size_t>(length));
  return length == 0;
}

std::optional<Json> ended(const Worker& worker) {
  close(worker.pipe);
  int status = 0;
  while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {};
  return Json::parse(worker.said, "what a worker said", worker.said.size() + 1);
}

// Until one of them says something.
void wait_for(const std::vector<Worker>& workers, std::vector<pollfd>& heard) {
  heard.clear();
  for (const Worker& worker : workers) heard.push_back({worker.pipe, POLLIN, 0});
  while (poll(heard.data(), heard.size(), -1) < 0)
    if (errno != EINTR) cannot("wait for a worker");
}

}  // namespace

void end_after(int seconds) {
  const itimerval once{.it_interval = {}, .it_value = {.tv_sec = seconds, .tv_usec = 0}};
  setitimer(ITIMER_PROF, &once, nullptr);
  constexpr unsigned waiting_takes = 20;
  alarm(waiting_takes * static_cast<unsigned>(seconds));
}

std::vector<std::optional<Json>> in_processes(std::size_t many, unsigned at_once,
                                              const std::function<Json(std::size_t)>& work) {
  std::vector<std::optional<Json>> all(many);
  std::vector<Worker> workers;
  std::vector<pollfd> heard;
  for (std::size_t next = 0; next < many || !workers.empty();) {
    for (; next < many && workers.size() < std::max(at_once, 1U); ++next)
      workers.push_back(begun(next, [&] { return work(next); }));
    wait_for(workers, heard);
    for (std::size_t i = workers.size(); i-- > 0;) {
      if (heard[i].revents == 0 || !has_said_all(workers[i])) continue;
      all[workers[i].number] = ended(workers[i]);
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return all;
}

Figures on_workers(unsigned workers, const std::function<Figures(unsigned worker)>& share) {
  if (workers <= 1) return share(0);
  Figures all, lost;
  lost.violations = 1;
  for (const auto& said : in_processes(
           workers, workers, [&](std::size_t worker) { return as_json(share(static_cast<unsigned>(worker))); }))
    all.add(said ? figures_of(*said) : lost);
  return all;
}

}  // namespace certferry::soak
