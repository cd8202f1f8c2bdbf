#include "life.h"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <set>
#include <string_view>
#include <utility>

#include "../estate.h"
#include "../liveness.h"
#include "company.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "turns.h"

namespace certferry::soak {
namespace {

using sandbox::CrashPoint;
using simulation::Estate;

constexpr int restarts_most = 10;
constexpr std::size_t writes_a_cut = 8;

constexpr int days_to_quiet = 8, rounds_to_rest = 10;
constexpr Duration past_any_pause = days(1) + minutes(20);  // after failures; and past any request under way

sandbox::Seat seat_of(std::size_t instance) {
  if (instance == 0) return {};
  return {fmt::format("certferry{}", instance), fmt::format("machine{}", instance), "main"};
}

std::string directory_of(const DrawnTarget& target) { return "/etc/ssl/" + target.name; }

std::vector<std::string> reload_of(const DrawnTarget& target) {
  return target.alone ? std::vector<std::string>{"reload", directory_of(target)} : std::vector<std::string>{"reload"};
}

// Objects of one kind are named by numbers and ids; where a life can be killed is not.
bool names_one_of_many(std::string_view part) {
  constexpr std::size_t shortest_id = 8;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return std::ranges::any_of(part, digit) || (part.size() >= shortest_id && std::ranges::all_of(part, capital));
}

// "ca.sandbox.test POST /authz/000005-KIXCZDBD" is at "ca.sandbox.test POST /authz/#".
std::string place_of(std::string_view effect) {
  std::string place;
  while (!effect.empty()) {
    const std::string_view part = effect.substr(0, effect.find_first_of("/ ", 1));  // with what stands before it
    const bool an_id = part.starts_with('/') && names_one_of_many(part.substr(1));
    place += an_id ? "/#" : part;
    effect.remove_prefix(part.size());
  }
  return place;
}

// Without what a second later is another: until when something is kept.
std::string in_words(const Plan& plan) {
  std::string words;
  for (const Action& action : plan.all())
    words += fmt::format(" {} {} {},", name(action.kind), action.certificate, action.shown_target());
  return words + fmt::format(" {} in all", plan.all().size());
}

class Life {
 public:
  explicit Life(Drawn drawn)
      : drawn_(std::move(drawn)),
        estate_(drawn_.seed, drawn_.settings),
        turns_(estate_, drawn_, [this](std::string sentence) { complain(std::move(sentence)); }) {
    build();
    estate_.watch->bytes().cut_one_in(writes_a_cut);
  }

  Lived lived(Tracing tracing) {
    if (drawn_.numbered_as_traced) kill_as_drawn();
    begin_well();
    if (!drawn_.numbered_as_traced) kill_as_drawn();
    estate_.simulated->faults() = drawn_.faults;
    set_others_clocks(hours(drawn_.others_clock_hours));
    for (std::size_t run = 0; run < drawn_.gaps.size(); ++run) {
      run_at_once();
      turns_.undo();
      restore_what_is_damaged();
      estate_.pass(drawn_.gaps[run]);
      if (std::exchange(left_dead_, false)) estate_.pass(hours(drawn_.faults.left_dead));
      if (run < drawn_.turns.size()) turns_.take(drawn_.turns[run]);
    }
    if (!drawn_.turns.empty() && drawn_.turns.back() != Turn::nothing) run_at_once();
    turns_.undo();
    restore_what_is_damaged();
    estate_.simulated->faults() = sandbox::Faults::calm();
    set_others_clocks(Duration{0});
    estate_.world().settings().release_lag = std::min<Duration>(drawn_.settings.release_lag, hours(5));
    auto& settings = estate_.world().settings();  // else there is always one of several that is due
    settings.certificate_lifetime = settings.profiles["shortlived"] = days(90);
    settings.server_certificate_quota *= 2;  // what no run could retire takes room until the end of the next
    estate_.pass(past_any_pause);
    const std::set<std::string> ailing = break_the_last_zone();
    if (ailing.empty()) put_right_at_once();
    if (ailing.empty())
      become_quiet();
    else
      go_on_for_days(ailing);
    std::vector<std::string> machines;
    for (std::size_t i = 0; i < drawn_.instances; ++i) machines.push_back(seat_of(i).machine);
    for (std::string& sentence : simulation::not_well(estate_, ailing, machines)) complain(std::move(sentence));
    return summary(tracing);
  }

  // By an exception of the harness itself.
  Lived broken_off(Tracing tracing, std::string_view why) {
    complain(fmt::format("the world broke off: {}", why));
    return summary(tracing);
  }

 private:
  void build() {
    for (const std::string& zone : drawn_.zones) estate_.zone(zone);
    if (drawn_.delegated) delegate_challenges();
    if (drawn_.zone_by_role) write_the_first_zone_by_a_role();
    for (const DrawnCertificate& one : drawn_.certificates) {
      Estate::Wanted& wanted = estate_.certificate(one.id, one.domains);
      wanted.config.key_type = one.key;
      for (const DrawnTarget& target : one.targets) add(target, one, wanted);
    }
    if (drawn_.in_s3) estate_.state_in_s3();
    for (std::size_t i = 0; i < drawn_.instances; ++i)
      estate_.simulated->machine(seat_of(i).machine).id_lasts = !drawn_.containers;
    estate_.world().server_certificates().notices_use = drawn_.iam_notices_use;
    list_defaults();
  }

  void list_defaults() {
    for (const DrawnCertificate& one : drawn_.certificates)
      for (const DrawnTarget& target : one.targets)
        if (target.listed)
          estate_.world().load_balancers().by_name.at(target.name).listeners.front().sni = {
              estate_.bound_on(target.name)};
  }

  void write_the_first_zone_by_a_role() {
    const std::string role = "arn:aws:iam::210987654321:role/dns", word = "shared-word";
    estate_.world().sts().add_role(role, word);
    estate_.config.zones.push_back({.name = DomainName::parse(drawn_.zones.front()),
                                    .id = {},
                                    .role = RoleConfig{.arn = role, .external_id = word},
                                    .place = {}});
  }

  void set_others_clocks(Duration off) {
    for (std::size_t i = 1; i < drawn_.instances; ++i) estate_.simulated->machine(seat_of(i).machine).clock_error = off;
  }

  void delegate_challenges() {
    const std::string proofs = "proofs.example";
    estate_.zone(proofs);
    estate_.config.delegated = {DomainName::parse(proofs)};
    for (const std::string& zone : drawn_.zones)
      estate_.world().zones().put(zone, {.name = "_acme-challenge." + zone,
                                         .type = "CNAME",
                                         .set_identifier = "",
                                         .ttl = 60,
                                         .values = {zone + "." + proofs + "."},
                                         .routing = {}});
  }

  void add(const DrawnTarget& target, const DrawnCertificate& one, Estate::Wanted& wanted) {
    switch (target.kind) {
      case DrawnTarget::Kind::elb:
        estate_.classic_elb(target.name, target.region);
        wanted.on_elb(target.name, target.region);
        break;
      case DrawnTarget::Kind::listener:
        wanted.on_listener(estate_.listener(target.name));
        break;
      case DrawnTarget::Kind::files:
        wanted.in_files(directory_of(target), reload_of(target));
        break;
    }
    if (target.foreign) estate_.serve_foreign(target.name, one.domains, days(300));
  }

  void begin_well() {
    if (!drawn_.begins_well) return;
    estate_.apply_with_restarts();
    if (!estate_.failures().empty()) complain(fmt::format("a calm run failed: {}", estate_.failures().front()));
    list_defaults();
    estate_.pass(drawn_.settings.certificate_lifetime * 2 / 3 + days(1));
  }

  // By one run on each machine that nobody kills, a day apart: what the CA fails, and what it issued wrongly, is tried
  // again by then.
  void put_right_at_once() {
    for (std::size_t i = 0; i < drawn_.instances; ++i) {
      if (i > 0) estate_.pass(past_any_pause);
      std::size_t first_event = 0;
      for (bool disturbed = true; disturbed;) {
        const auto planned = plan(seat_of(i));
        const long before = estate_.simulated->effects();
        first_event = estate_.world().events().size();
        estate_.apply_with_restarts({}, seat_of(i));
        disturbed = estate_.simulated->crash_points_since(before) > 0;
        if (disturbed)
          estate_.pass(past_any_pause);
        else
          compare(planned);
      }
      estate_.pass(drawn_.settings.shown_after);  // what was proven by the word of the API
      for (std::string& sentence : simulation::not_repaired(estate_, first_event, seat_of(i).machine))
        complain(fmt::format("{}: one undisturbed run has not put it right: {}", seat_of(i).machine, sentence));
    }
  }

  // In one world of four. It changes nothing, and tells what the run that follows goes by.
  std::optional<std::string> plan(const sandbox::Seat& seat) {
    constexpr std::uint64_t one_of = 4;
    if (drawn_.seed % one_of != 0) return {};
    const long before = estate_.simulated->effects();
    const auto plan = estate_.plan(seat);
    if (estate_.simulated->effects() != before)
      complain(fmt::format("plan asked for {}", estate_.simulated->effect_names().back()));
    return plan ? in_words(*plan) : " nothing, for it failed";
  }

  void compare(const std::optional<std::string>& planned) {
    if (!planned || !estate_.reported()) return;
    if (const std::string done = in_words(estate_.report().plan); done != *planned)
      complain(fmt::format("planned was{}, and done by the plan{}", *planned, done));
  }

  // On each machine, and then on the first one again: what the others did there is nothing that it would undo. Once
  // more for all where one of them had something to do: that may be what the others, on their machines, have to follow,
  // and what held them may have ended by then.
  void become_quiet() {
    const auto each = [this] {
      for (std::size_t i = drawn_.instances; i-- > 0;)
        for (std::string& sentence : simulation::becomes_quiet(estate_, days_to_quiet, seat_of(i)))
          complain(fmt::format("{}: {}", seat_of(i).machine, sentence));
    };
    for (int round = 0; !estate_.asked_to_change(each).empty() && drawn_.instances > 1; ++round)
      if (round == rounds_to_rest) return complain("the machines do not come to rest");
    for (std::string& sentence : simulation::writes_though_quiet(estate_, seats())) complain(std::move(sentence));
  }

  // The first machine's at last.
  std::vector<sandbox::Seat> seats() const {
    std::vector<sandbox::Seat> all;
    for (std::size_t i = drawn_.instances; i-- > 0;) all.push_back(seat_of(i));
    return all;
  }

  // For good: whoever has a name in it cannot be helped any more, and must harm no other.
  std::set<std::string> break_the_last_zone() {
    std::set<std::string> ailing;
    if (!drawn_.ends_ill || drawn_.zones.size() < 2) return ailing;
    const DomainName broken = DomainName::parse(drawn_.zones.back());
    for (const CertificateConfig& one : estate_.all_wanted())
      if (std::ranges::any_of(one.domains, [&](const DomainName& name) { return name.within(broken); }))
        ailing.insert(one.id.text());
    auto& zones = estate_.world().zones();
    std::erase_if(zones.all, [&](const sandbox::SimulatedZone& zone) { return zone.name == broken.text(); });
    return ailing;
  }

  void go_on_for_days(const std::set<std::string>& ailing) {
    for (int day = 0; day < days_to_quiet; ++day)
      for (std::size_t i = drawn_.instances; i-- > 0;) {
        estate_.apply_with_restarts({}, seat_of(i));
        estate_.pass(hours(25));
      }
    const auto each = [&] {
      for (std::size_t i = drawn_.instances; i-- > 0;)
        for (std::string& sentence : simulation::leaves_others_alone(estate_, ailing, days_to_quiet, seat_of(i)))
          complain(fmt::format("{}: {}", seat_of(i).machine, sentence));
    };
    const auto& issued = estate_.world().ca().certificates;
    std::size_t before = 0;
    for (int round = 0; round < rounds_to_rest && issued.size() != before; ++round) {  // the others follow a renewal
      before = issued.size();
      each();
    }
    for (std::string& sentence : simulation::writes_though_quiet(estate_, seats(), ailing))
      complain(std::move(sentence));
  }

  void kill_as_drawn() {
    for (const CrashPoint& point : drawn_.crashes) kill(point);
  }

  void kill(CrashPoint point) {
    if (!drawn_.numbered_as_traced) point.effect += estate_.simulated->effects();
    estate_.simulated->kill_at(point);
    killed_at_.push_back(point);
  }

  // By whoever reads what a run says of it.
  void restore_what_is_damaged() {
    auto& world = *estate_.simulated;
    for (const std::string& key : std::exchange(world.state().damaged, {}))
      world.trace().line(fmt::format("  somebody restores {}", key));
  }

  // All instances; the killed ones are started again, or left dead until the next run.
  void run_at_once() {
    auto& world = *estate_.simulated;
    const int left_dead = drawn_.faults.left_dead;
    Company company{estate_, turns_.request(), left_dead > 0 ? 0 : restarts_most};
    for (std::size_t i = 0; i < drawn_.instances; ++i) {
      if (i > 0) world.run_for(drawn_.headstart);
      company.start(seat_of(i));
    }
    if (const auto& forgotten = turns_.forgotten_beside()) {
      world.run_for(drawn_.interrupted_after);
      company.start_forgetting({"forgetting", seat_of(0).machine, "main"}, *forgotten);
    }
    if (const auto after = turns_.interrupted_after()) company.interrupt_after(*after);
    const Company::End end = company.await_end(days(2));
    if (company.interrupted()) turns_.interrupted();
    runs_ += company.runs();
    unreported_ += company.unreported();
    if (end == Company::End::endless) complain("a run has not ended after two days");
    left_dead_ = end == Company::End::left_dead && left_dead > 0;
    if (!left_dead_) return;
    estate_.world().struck().count(&sandbox::Faults::left_dead);
    world.trace().line(fmt::format("  for {} h nobody starts it again", left_dead));
  }

  void complain(std::string sentence) { complaints_.push_back(std::move(sentence)); }

  Lived summary(Tracing tracing) {
    Lived lived;
    lived.complaints = complaints_;
    for (std::string& sentence : estate_.verdict()) lived.complaints.push_back(std::move(sentence));
    auto& world = *estate_.simulated;
    lived.lasted = world.time().now() - sandbox::SimulatedWorld::usual_start();
    lived.requests = estate_.world().events().size();
    lived.effects = world.effects();
    lived.orders = estate_.world().ca().orders.size();
    lived.answered = estate_.orders_answered();
    lived.issued = estate_.world().ca().certificates.size();
    lived.runs = runs_;
    lived.unreported = unreported_;
    const auto& struck = estate_.world().struck().times;
    for (std::size_t i = 0; i < struck.size(); ++i)
      if (struck[i] > 0) lived.faults.insert(std::string{sandbox::fault_rows[i].name});
    for (const Turn turn : turns_.acted()) lived.turns.insert(std::string{name(turn)});
    for (const CrashPoint& point : killed_at_)
      if (point.effect < world.effects())
        lived.crashes.insert(fmt::format("{}, {}",
                                         place_of(world.effect_names()[static_cast<std::size_t>(point.effect)]),
                                         sandbox::name(point.moment)));
    if (tracing != Tracing::off) lived.trace_hash = world.trace().hash();
    if (tracing != Tracing::kept) return lived;
    lived.trace = world.trace().text();
    if (estate_.reported()) lived.report = to_text(estate_.report());
    return lived;
  }

  Drawn drawn_;
  Estate estate_;
  Turns turns_;
  std::vector<CrashPoint> killed_at_;
  bool left_dead_ = false;  // some instance of the last run
  std::size_t runs_ = 0, unreported_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace

Lived live(const Drawn& drawn, Tracing tracing) {
  Life life{drawn};
  try {
    return life.lived(tracing);
  } catch (const std::exception& thrown) {
    return life.broken_off(tracing, thrown.what());
  }
}

}  // namespace certferry::soak
