#include "exhaustive.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <vector>

#include "../lives.h"
#include "workers.h"

namespace certferry::soak {
namespace {

using simulation::Ended;
using simulation::Kills;
using simulation::StandardLife;

constexpr double milliseconds_of_a_year = 365.25 * 24 * 3600 * 1000;
constexpr std::size_t told_most = 20;  // violations, by one worker

struct Count {
  const char* name;
  std::uint64_t Killed::* amount;
};
constexpr Count counts_of_a_life[] = {
    {"crash_points", &Killed::crash_points}, {"killed_once", &Killed::once},
    {"killed_twice", &Killed::twice},        {"violations", &Killed::violations},
    {"certificates", &Killed::issued},       {"orders_answered", &Killed::answered},
    {"orders_made", &Killed::orders},        {"kills_in_new_order", &Killed::in_new_order},
    {"left_over", &Killed::left_over}};

// Whether an order was made just before, and nothing was written to a journal since then.
bool in_new_order(const sandbox::CrashPoint& kill, const Ended& ended) {
  const auto made = [](const std::string& effect) { return effect.contains(" POST /order-plz"); };
  const auto written = [](const std::string& effect) { return effect.contains("/generation/"); };
  auto at = static_cast<std::size_t>(kill.effect);
  if (at >= ended.effects.size()) return false;
  const bool next_was_sent = kill.moment == sandbox::Moment::after_reply;  // it had gone on to where it waited next
  if (next_was_sent && at + 1 < ended.effects.size() && made(ended.effects[at + 1])) return true;
  if (made(ended.effects[at])) return kill.moment != sandbox::Moment::before;
  if (kill.moment != sandbox::Moment::before && written(ended.effects[at])) return false;
  while (at-- > 0) {
    if (written(ended.effects[at])) return false;
    if (made(ended.effects[at])) return true;
  }
  return false;
}

// One life of one worker's share: its own undisturbed self to compare with, and what its killed selves came to.
class Killing {
 public:
  Killing(const StandardLife& life, const Exhaustion& wish)
      : life_(life), wish_(wish), undisturbed_(simulation::lived(life.story, {})) {}

  Killed come_to(unsigned worker) {
    const Kills all = simulation::crash_points_after(life_.story, undisturbed_, undisturbed_.first);
    if (worker == 0 && wish_.part == 1) all_.crash_points = all.size();
    all_.one_order = life_.one_order;
    const std::uint64_t from = wish_.part - 1 + std::uint64_t{worker} * wish_.of_parts;
    for (std::uint64_t i = from; i < all.size(); i += wish_.of_parts * wish_.workers) kill_at(all[i]);
    return all_;
  }

 private:
  void kill_at(const sandbox::CrashPoint& first) {
    const Ended once = judged({first});
    ++all_.once;
    if (!wish_.pairs) return;
    for (const sandbox::CrashPoint& second : simulation::crash_points_after(life_.story, once, first.effect + 1)) {
      judged({first, second});
      ++all_.twice;
    }
  }

  Ended judged(const Kills& kills) {
    end_after(world_takes_most);
    Ended ended = simulation::lived(life_.story, kills);
    std::uint64_t in_window = 0, excused = 0;
    for (const sandbox::CrashPoint& kill : kills) {
      if (!in_new_order(kill, ended)) continue;
      ++in_window;
      excused += life_.order_is_lost || kill.moment == sandbox::Moment::sent ? 1 : 0;
    }
    if (ended.orders > undisturbed_.orders + excused && life_.one_order)
      ended.complaints.push_back(fmt::format("{} orders were made", ended.orders));
    all_.issued += ended.issued;
    all_.answered += ended.answered;
    all_.orders += ended.orders;
    all_.in_new_order += in_window;
    all_.left_over += ended.left_over - std::min(ended.left_over, undisturbed_.left_over);
    all_.simulated_years += static_cast<double>(ended.lasted.count()) / milliseconds_of_a_year;
    if (!ended.complaints.empty()) tell(kills, ended);
    return ended;
  }

  void tell(const Kills& kills, const Ended& ended) {
    if (++all_.violations > told_most) return;
    std::string replay = "./dev simulate --life " + life_.name;
    for (const sandbox::CrashPoint& kill : kills)
      replay += fmt::format(" --crash {},{}", kill.effect, static_cast<int>(kill.moment));
    fmt::print("{}\n    {}\n    {}\n", replay, simulation::in_words(kills, ended),
               fmt::join(ended.complaints, "\n    "));
    std::fflush(stdout);
  }

  const StandardLife& life_;
  const Exhaustion& wish_;
  Ended undisturbed_;
  Killed all_;
};

std::string row(const std::string& life, const Killed& one) {
  const auto by_certificate = [&](std::uint64_t of) {
    return one.issued > 0 ? static_cast<double>(of) / static_cast<double>(one.issued) : 0;
  };
  return fmt::format("{:<52}{:>7}{:>7}{:>9}{:>7}{:>10.3f}{:>8.3f}{:>7}\n", life, one.crash_points, one.once, one.twice,
                     one.violations, by_certificate(one.answered), by_certificate(one.orders), one.left_over);
}

}  // namespace

void Killed::add(const Killed& other) {
  for (const Count& count : counts_of_a_life) this->*count.amount += other.*count.amount;
  one_order = other.one_order;
  simulated_years += other.simulated_years;
}

simulation::Ended killed_there(const std::string& name, Kills kills) {
  const std::vector<StandardLife> lives = simulation::standard_lives();
  const auto life = std::ranges::find(lives, name, &StandardLife::name);
  if (life == lives.end())
    throw std::invalid_argument(
        fmt::format("There is no life {}; they are {}", name,
                    fmt::join(lives | std::views::transform([](const StandardLife& one) { return one.name; }), ", ")));
  for (sandbox::CrashPoint& kill : kills) kill.lands_after = life->story.lands_after;
  return simulation::lived(life->story, kills);
}

KilledByLife exhaust(const Exhaustion& wish) {
  std::vector<StandardLife> lives = simulation::standard_lives();
  std::erase_if(lives, [&](const StandardLife& life) { return !wish.life.empty() && life.name != wish.life; });
  const auto share = [&](std::size_t worker) {
    KilledByLife all;
    for (const StandardLife& life : lives) all[life.name] = Killing{life, wish}.come_to(static_cast<unsigned>(worker));
    return as_json(all);
  };
  KilledByLife all;
  for (const auto& said : in_processes(wish.workers, wish.workers, share)) {
    if (!said) all["a process that died"].violations += 1;
    if (!said) continue;
    for (const auto& [life, killed] : killed_of(*said)) all[life].add(killed);
  }
  return all;
}

std::string as_table(const KilledByLife& all) {
  std::string text =
      fmt::format("{:<52}{:>7}{:>7}{:>9}{:>7}{:>10}{:>8}{:>7}\n", "orders: answered, and made, a certificate", "points",
                  "once", "twice", "wrong", "answered", "made", "left");
  Killed sum, with_one_order;
  for (const auto& [life, killed] : all) {
    text += row(life, killed);
    sum.add(killed);
    if (killed.one_order) with_one_order.add(killed);
  }
  text += row("all that need one order a certificate", with_one_order) + row("all", sum);
  return text + fmt::format("{} kills between an order's making and its being written down\n", sum.in_new_order) +
         fmt::format("{:.1f} simulated years\n", sum.simulated_years);
}

Json as_json(const KilledByLife& all) {
  Json body = Json::object({});
  for (const auto& [life, killed] : all) {
    Json one = Json::object({{"simulated_years", killed.simulated_years}, {"one_order", killed.one_order}});
    for (const Count& count : counts_of_a_life) one[count.name] = static_cast<std::int64_t>(killed.*count.amount);
    body[life] = std::move(one);
  }
  return body;
}

KilledByLife killed_of(const Json& body) {
  KilledByLife all;
  for (const auto& [life, one] : body.as_object()) {
    Killed& killed = all[life];
    killed.simulated_years = one.at("simulated_years").as_number();
    killed.one_order = one.at("one_order").as_bool();
    for (const Count& count : counts_of_a_life)
      killed.*count.amount = static_cast<std::uint64_t>(one.at(count.name).as_integer());
  }
  return all;
}

}  // namespace certferry::soak
