#include "engine/agreed_time.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/guards.h"
#include "base/limits/aws.h"

namespace certferry {
namespace {

bool differs(Duration skew) { return std::chrono::abs(skew) > limits::aws::clock_skew; }

}  // namespace

Failure AgreedTime::nobody_agrees(const std::vector<Word>& words, WallTime ours) {
  std::string text = "our clock says " + iso8601(ours);
  for (const Word& word : words) text += fmt::format(", {} says {}", word.host, iso8601(ours + word.skew));
  return Failure(Failure::Kind::refused, std::move(text),
                 "Set the clock of this machine (chronyd or systemd-timesyncd keep it right)");
}

void AgreedTime::listen_to(std::string host, HostTime time, Work ask) {
  hosts_.push_back(Host{std::move(host), std::move(time), std::move(ask)});
}

// None where ours stands: nobody was heard, or somebody confirms it, and who says otherwise is the one who is wrong.
std::vector<AgreedTime::Word> AgreedTime::words() const {
  std::vector<Word> heard;
  if (!on(Guard::agreed_time)) return heard;
  const WallTime ours = this->ours();
  for (const Host& host : hosts_)
    if (const auto time = host.time()) heard.push_back({*time - ours, host.name});
  if (!std::ranges::all_of(heard, [](const Word& word) { return differs(word.skew); })) return {};
  const Duration set = clock_.now() - ours;
  if (heard.size() == 1 && differs(set)) heard.push_back({set, "our clock, set since"});
  std::ranges::sort(heard);
  return heard;
}

// By how much ours is off; empty where those who say so do not agree, or one alone does.
std::optional<Duration> AgreedTime::agreed(const std::vector<Word>& words) {
  if (words.empty()) return Duration::zero();
  if (words.size() < 2 || differs(words.back().skew - words.front().skew)) return std::nullopt;
  return words[words.size() / 2].skew;
}

Task<> AgreedTime::hear_others() {
  if (agreed(words())) co_return;
  const Turn::Held mine = co_await asking_.take();
  for (Host& host : hosts_) {
    if (agreed(words())) co_return;
    if (host.time() || std::exchange(host.asked, true)) continue;
    try {
      co_await host.ask();
    } catch (const Failure& failure) {
      log_.debug(fmt::format("{} was asked what time it is: {}", host.name, failure.what()));
    }
  }
}

WallTime AgreedTime::now() {
  const WallTime ours = this->ours();
  const std::vector<Word> all = words();
  const auto off = agreed(all);
  if (!off) throw nobody_agrees(all, ours);
  if (*off != Duration::zero() && !std::exchange(warned_, true))
    log_.warn(fmt::format("our clock is {} {}; going by what the services say", humane(std::chrono::abs(*off)),
                          *off > Duration::zero() ? "slow" : "fast"));
  return ours + *off;
}

WallTime AgreedTime::stamp() {
  try {
    return now();
  } catch (const Failure&) {
    return ours();
  }
}

}  // namespace certferry
