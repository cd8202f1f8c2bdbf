#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "liveness.h"
#include "sandbox/certificate_authority.h"

// Of liveness.h: runs with nothing left to do, and what they ask for all the same.
namespace certferry::simulation {
namespace {

// A change in the state of somebody's own, or one that everybody's runs make: with a heartbeat, a token or a data key.
bool changes_the_world(const std::string& effect, const std::set<std::string>&) {
  const bool of_the_state = effect.starts_with("put ") || effect.starts_with("s3 ") ||
                            (effect.starts_with("remove ") && !effect.starts_with("remove /"));
  return !of_the_state && !effect.starts_with("kms ") && !effect.starts_with("sts ");
}

// Whether an effect is on what the state holds of one of these alone.
bool is_kept_of(const std::set<std::string>& ids, const std::string& effect) {
  return std::ranges::any_of(ids, [&](const std::string& id) {
    return effect.contains("certificate/" + id + "/") || effect.contains("secret/" + id + "/");
  });
}

bool changes_anything(const std::string& effect, const std::set<std::string>& ailing) {
  const bool of_the_run = effect.contains("instance/") || effect.starts_with("kms ") || effect.starts_with("sts ");
  return !of_the_run && !is_kept_of(ailing, effect);
}

bool is_of_an_order(const std::string& effect) {
  return effect.starts_with("ca.") || effect.starts_with("route53 ") || effect.contains("zone/");
}

// What one run asks to change that is not about these, and in what it fails others. No request to the CA or to a zone
// is among it: whoever orders for another certificate writes that down in its journal.
std::vector<std::string> touched_by_a_run(Estate& estate, const std::set<std::string>& ailing,
                                          const sandbox::Seat& seat,
                                          bool (*counts)(const std::string&, const std::set<std::string>&)) {
  const long before = estate.simulated->effects();
  estate.apply_with_restarts({}, seat);
  std::vector<std::string> touched = failures_of_others(estate, ailing);
  const auto& all = estate.simulated->effect_names();
  for (auto effect = all.begin() + before; effect != all.end(); ++effect)
    if (!is_of_an_order(*effect) && counts(*effect, ailing)) touched.push_back(*effect);
  return touched;
}

}  // namespace

std::vector<std::string> becomes_quiet(Estate& estate, int days_most, const sandbox::Seat& seat) {
  auto& world = *estate.simulated;
  std::vector<std::string> asked;
  for (int day = 0; day < days_most; ++day) {
    const long effects = world.effects();
    asked = estate.asked_to_change([&] { estate.apply_with_restarts({}, seat); });
    const bool disturbed = world.crash_points_since(effects) > 0;
    if (asked.empty() && !disturbed && day > 0) return {};
    estate.pass(hours(25));  // longer than what was replaced is kept
  }
  return {fmt::format("it was not quiet after {} days: {}", days_most, fmt::join(asked, ", "))};
}

std::vector<std::string> writes_though_quiet(Estate& estate, const std::vector<sandbox::Seat>& seats,
                                             const std::set<std::string>& ailing) {
  constexpr int rounds_most = 6;
  const auto& world = *estate.simulated;
  const auto round = [&] {
    for (const sandbox::Seat& seat : seats) estate.apply_with_restarts({}, seat);
  };
  // Of what the last runs learned the CA may have to be asked once more. So may it of what comes due meanwhile.
  const auto& issued = estate.world().ca().certificates;
  long before = 0;
  for (int rounds = 0, calm = 0; rounds < rounds_most && calm < 2; ++rounds) {
    const std::size_t issued_before = issued.size();
    before = world.effects();
    round();
    calm = issued.size() == issued_before ? calm + 1 : 0;
  }
  if (world.crash_points_since(before) > 0) return {};
  std::vector<std::string> wrong;
  for (auto name = world.effect_names().begin() + before; name != world.effect_names().end(); ++name)
    if (changes_anything(*name, ailing) && !(is_of_an_order(*name) && !ailing.empty()))
      wrong.push_back("a run with nothing to do asked for " + *name);
  return wrong;
}

std::vector<std::string> leaves_others_alone(Estate& estate, const std::set<std::string>& ailing, int days_most,
                                             const sandbox::Seat& seat) {
  const auto& world = *estate.simulated;
  std::vector<std::string> touched;
  for (int day = 0; day < days_most; ++day) {
    const long effects = world.effects();
    touched = touched_by_a_run(estate, ailing, seat, changes_the_world);
    // Once a day the CA is asked when it wants them renewed, which is written down: a second run has nothing to write.
    estate.pass(minutes(2));
    const auto again = touched_by_a_run(estate, ailing, seat, changes_anything);
    touched.insert(touched.end(), again.begin(), again.end());
    if (touched.empty() && world.crash_points_since(effects) == 0) return {};
    estate.pass(hours(25));
  }
  return {fmt::format("a run still did for others than {} after {} days: {}", fmt::join(ailing, ", "), days_most,
                      fmt::join(touched, ", "))};
}

}  // namespace certferry::simulation
