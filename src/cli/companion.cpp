#include "cli/companion.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

#include "base/failure.h"
#include "cli/furnish.h"
#include "cli/rehearsal.h"

namespace certferry {
namespace {

constexpr Duration kDescribedWithin = seconds(10);
constexpr Duration kBetweenLooks = milliseconds(20);
constexpr Duration kLongestCompanion = minutes(10);  // whatever happens, it ends then

// Something that happens once; whoever waits later goes on at once.
class Mark {
 public:
  void set() {
    is_set_ = true;
    signal_.notify();
  }
  Task<> wait() {
    while (!is_set_) co_await signal_.wait();
  }

 private:
  bool is_set_ = false;
  Signal signal_;
};

struct SetAtTheEnd {
  Mark& mark;
  ~SetAtTheEnd() { mark.set(); }
};

class Companion {
 public:
  Companion(Stage& stage, const SandboxCommand& furnished, std::string directory)
      : stage_(stage), furnished_(furnished), directory_(std::move(directory)) {}

  Task<> run(const WorkInSandbox& work) {
    std::vector<Work> works;
    works.push_back([this]() -> Task<> { co_await live(); });
    works.push_back([this, &work]() -> Task<> { co_await beside(work); });
    const auto outcomes = co_await all_settled(std::move(works));
    for (const std::exception_ptr& outcome : {outcomes.at(0), outcomes.at(1)})
      if (outcome) std::rethrow_exception(outcome);
  }

 private:
  // The process, from its start to its end, which is when the work has ended.
  Task<> live() {
    co_await shield_from_cancellation();
    const SetAtTheEnd at_the_end{gone_};
    const auto process = [this]() -> Task<> {
      const auto us = co_await stage_.host.link_target("/proc/self");
      Command command{{"/proc/self/exe", "sandbox", "--quiet", "--directory", stage_.disk_root + directory_,
                       "--companion-of", us.value_or("")},
                      kLongestCompanion};
      std::ranges::move(words_of(furnished_), std::back_inserter(command.argv));
      const Exit exit = co_await stage_.host.run(std::move(command));
      last_words_ = fmt::format("exit code {}; it said: {}", exit.status, quoted(exit.output));
    };
    const auto ended = [this]() -> Task<> { co_await work_over_.wait(); };
    co_await race(process, ended);
  }

  Task<> beside(const WorkInSandbox& work) {
    const SetAtTheEnd at_the_end{work_over_};
    const auto working = [this, &work]() -> Task<> {
      const sandbox::SocketPlaces places = co_await described();
      const std::string root = directory_ + "/machine";
      co_await stage_.host.make_directory(root, FileMode{0700});
      co_await work(places, stage_.disk_root + root);
    };
    const auto gone = [this]() -> Task<> { co_await gone_.wait(); };
    if (co_await race(working, gone) == 0) co_return;
    throw Failure(Failure::Kind::transient, fmt::format("The sandbox's process ended too early: {}", last_words_),
                  "Run certferry sandbox by itself and see what it says");
  }

  Task<sandbox::SocketPlaces> described() {
    const SteadyTime since = stage_.clock.steady();
    const std::string file = description_file(directory_);
    for (;;) {
      if (const auto text = co_await stage_.host.read(file))
        co_return from_json<sandbox::SocketPlaces>(Json::parse(*text, "the sandbox's description"));
      if (stage_.clock.steady() - since > kDescribedWithin) break;
      co_await stage_.clock.sleep(kBetweenLooks);
    }
    throw Failure(Failure::Kind::transient, fmt::format("The sandbox wrote no {}", file),
                  "Run it again when this machine has less to do");
  }

  Stage& stage_;
  const SandboxCommand& furnished_;
  std::string directory_;
  std::string last_words_ = "it could not be started";
  Mark gone_, work_over_;
};

}  // namespace

Task<> beside_a_sandbox(Stage& stage, const SandboxCommand& furnished, const WorkInSandbox& work) {
  const std::string directory = co_await make_scratch_directory(stage, "companion");
  const Work beside_it = [&]() -> Task<> {
    Companion companion{stage, furnished, directory};
    co_await companion.run(work);
  };
  co_await finally(beside_it, [&] { return stage.host.remove(directory); });
}

}  // namespace certferry
