#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"
#include "base/log.h"
#include "state/claims.h"
#include "state/random_token.h"

namespace certferry {
namespace {

class LockedInstances final : public Instances {
 public:
  LockedInstances(Outside& outside, std::function<bool()> try_lock, std::function<std::string()> holder, Duration wait)
      : outside_(outside),
        try_lock_(std::move(try_lock)),
        holder_(std::move(holder)),
        wait_(wait),
        self_(random_token(outside.entropy)) {}

  const std::string& self() const override { return self_; }

  Task<> begin() override {
    const SteadyTime until = outside_.clock.steady() + wait_;
    for (bool first = true; !held_; first = false) {
      held_ = try_lock_();
      if (held_) break;
      if (first && wait_ > Duration::zero())
        outside_.log.info(fmt::format("{} is at work: waiting up to {} until it has ended", whoever(), humane(wait_)));
      if (outside_.clock.steady() >= until)
        throw Failure(Failure::Kind::refused, "the store is locked: " + whoever() + " is at work",
                      "Wait until it has ended, or run again with a longer --wait");
      co_await outside_.clock.sleep(limits::store::lock_poll);
    }
  }

  // Whoever holds the lock is alone: nobody else lives. Before that, anybody may.
  Task<bool> alive(std::string instance) override { co_return !held_ || instance == self_; }
  Task<> end() override { co_return; }  // the lock goes with the process
  bool lease_outlasts(Duration) const override { return held_ && try_lock_(); }
  std::optional<Failure> lease_lost() const override {
    if (!held_ || try_lock_()) return {};
    return Failure(Failure::Kind::fenced,
                   "the state's directory was moved or emptied while this run is at work, and another one may have "
                   "begun with what is there now",
                   "Put the directory back and run certferry again; else remove by hand what this run left outside, "
                   "and move it only while none is at work");
  }
  std::string describe(std::string instance) const override {
    return instance == self_ ? "this process" : held_ ? "a process that has ended" : whoever();
  }

 private:
  // Who has just taken it has not written its name yet.
  std::string whoever() const {
    std::string name = holder_();
    return name.empty() ? "another process" : name;
  }

  Outside& outside_;
  std::function<bool()> try_lock_;
  std::function<std::string()> holder_;
  Duration wait_;
  std::string self_;
  bool held_ = false;
};

}  // namespace

std::unique_ptr<Instances> locked_instances(Outside& outside, std::function<bool()> try_lock,
                                            std::function<std::string()> holder, Duration wait) {
  return std::make_unique<LockedInstances>(outside, std::move(try_lock), std::move(holder), wait);
}

}  // namespace certferry
