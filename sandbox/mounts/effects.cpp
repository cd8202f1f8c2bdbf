#include "sandbox/mounts/effects.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "crypto/digest.h"
#include "wire/base64.h"

namespace certferry::sandbox {
namespace {

constexpr Duration written_back_after = seconds(30);  // Linux: vm.dirty_expire_centisecs, 3000 by default
constexpr int even = 50;                              // percent

void happen(EffectLog& log, const Effect& effect, bool late) {
  log.late = late;
  effect.happens();
  log.late = false;
}

}  // namespace

std::string_view name(Moment moment) {
  switch (moment) {
    case Moment::before:
      return "before";
    case Moment::sent:
      return "with it on its way at";
    case Moment::stopped:
      return "for a while before";
    case Moment::after_effect_before_reply:
      return "after the effect, before its reply";
    case Moment::after_reply:
      return "after the reply";
  }
  return "";
}

void Trace::line(std::string text) {
  auto passed = (time_.now() - began_).count();
  lines_.push_back(fmt::format("+{}.{:03} {}", passed / 1000, passed % 1000, text));
}

std::string Trace::text() const { return fmt::format("{}\n", fmt::join(lines_, "\n")); }

std::string Trace::hash() const { return hex(sha256(text())); }

Duration Dice::between(Duration least, Duration most) {
  if (most <= least) return least;
  auto width = static_cast<std::uint64_t>((most - least).count()) + 1;
  return least + Duration{static_cast<Duration::rep>(numbers_.next() % width)};
}

bool Dice::percent(int chance) { return chance > 0 && numbers_.next() % 100 < static_cast<std::uint64_t>(chance); }

std::optional<CrashPoint> EffectLog::crash_at(long number) const {
  for (const auto& point : crash_points)
    if (point.effect == number) return point;
  return {};
}

void Effects::disk_may_fail(const std::string& place) {
  const bool full = log_.strikes(&Faults::disk_full);
  if (!full && !log_.strikes(&Faults::disk_broken)) return;
  const std::string_view why = full ? "No space left on device" : "Input/output error";
  log_.trace.line(fmt::format("{} cannot write {}: {}", process_name_, place, why));
  throw Failure(Failure::Kind::refused, fmt::format("Writing {}: {}", place, why),
                fmt::format("Look at {} and its file system.", place));
}

void Effects::power_may_go(const CrashPoint& point) {
  if (!point.power_lost && !log_.strikes(&Faults::power_lost)) return;
  log_.trace.line(fmt::format("{}: the power goes", process_name_));
  power_goes([&] { return point.power_lost || log_.dice->percent(even); });
}

Task<> Effects::perform(Effect effect) {
  std::optional<CrashPoint> crash;
  if (effect.numbered) {
    long number = log_.count++;
    crash = log_.crash_at(number);
    log_.names.push_back(effect.name);
    log_.trace.line(fmt::format("#{} {}: {}", number, process_name_, effect.name));
  }
  auto arrived = std::make_shared<Signal>();
  if (crash && (crash->moment == Moment::before || crash->moment == Moment::sent)) {
    const bool on_its_way = crash->moment == Moment::sent && effect.outlives_sender;
    log_.trace.line(fmt::format("{} is killed {}", process_name_, on_its_way ? "with it on its way" : "before it"));
    if (on_its_way) time_.after(crash->lands_after, [effect, &log = log_] { happen(log, effect, true); });
    process_.kill(crash->in_flight_lands);
    power_may_go(*crash);
    co_await arrived->wait();  // never
  }
  if (crash && crash->moment == Moment::stopped) {
    log_.trace.line(fmt::format("{} stands still", process_name_));
    const auto still = process_.still();
    *still = true;
    time_.after(crash->lands_after, [still, &log = log_, name = process_name_] {
      *still = false;
      log.trace.line(fmt::format("{} goes on", name));
      log.went_on();
    });
    co_await time_.sleep(crash->lands_after);
  }
  // Both must not touch `this` once the process is dead.
  auto reply = [this, arrived, crash, synced = effect.synced, &time = time_, fate = process_.fate()] {
    if (fate->killed) return time.after(written_back_after, synced);
    synced();
    arrived->notify();
    if (!crash || crash->moment != Moment::after_reply) return;
    log_.trace.line(fmt::format("{} is killed after its reply", process_name_));
    process_.kill_after_poll(crash->in_flight_lands);
    power_may_go(*crash);
  };
  auto happens = [this, effect, crash, reply, &log = log_, &time = time_, fate = process_.fate()] {
    if (fate->killed && !(effect.outlives_sender && fate->in_flight_lands)) return;
    happen(log, effect, fate->killed || (crash && crash->moment == Moment::stopped));
    if (fate->killed) return;
    if (crash && crash->moment == Moment::after_effect_before_reply) {
      log_.trace.line(fmt::format("{} is killed before the reply", process_name_));
      process_.kill(crash->in_flight_lands);
      time.after(written_back_after, effect.synced);
      power_may_go(*crash);
      return;
    }
    if (!effect.reply_lost) time.after(effect.back, reply);
  };
  time_.after(effect.there, happens);
  co_await arrived->wait();
}

}  // namespace certferry::sandbox
