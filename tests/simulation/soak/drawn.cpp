#include "drawn.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

#include "lots.h"

namespace certferry::soak {
namespace {

using sandbox::CrashPoint;
using sandbox::FailedChallenge;
using sandbox::Faults;
using sandbox::Moment;
using sandbox::RepeatedAnswer;

// Of the table of faults; those below, which came later, are drawn last, so that each seed is the world that it was.
constexpr std::size_t faults_drawn_first = 41;

void draw_outside(Lots& lots, sandbox::Settings& settings) {
  settings.insync_after = lots.one_of({Duration{0}, seconds(5), seconds(35), minutes(2)});
  settings.certificate_visible_after = lots.one_of({Duration{0}, seconds(4), seconds(20)});
  settings.release_lag = lots.one_of({Duration{0}, minutes(1), hours(5), days(3)});
  settings.shown_after = lots.one_of({Duration{0}, seconds(2), seconds(40)});
  settings.orders_reused = lots.one_in(2);
  settings.orders_listed = lots.one_in(2);
  settings.authorizations_reused = lots.one_in(2);
  settings.validation_takes = lots.one_of({Duration{0}, milliseconds(500), seconds(8)});
  settings.issuance_takes = lots.one_of({Duration{0}, milliseconds(500), seconds(8)});
  settings.retry_after_seconds = lots.from_to(0, 3);
  settings.certificate_lifetime = lots.one_of({days(90), days(47), days(7)});
}

DrawnTarget draw_target(Lots& lots, const std::string& name) {
  const auto kind = lots.one_of({DrawnTarget::Kind::elb, DrawnTarget::Kind::listener, DrawnTarget::Kind::files});
  return {kind, name, kind != DrawnTarget::Kind::files && lots.one_in(4)};
}

void draw_certificates(Lots& lots, Drawn& drawn) {
  const auto zones = lots.below(4) == 0 ? 2 : 1;
  for (int zone = 0; zone < zones; ++zone) drawn.zones.push_back(zone == 0 ? "shop.example" : "blog.example");
  const auto certificates = lots.one_of({1, 1, 1, 2, 3});
  for (int i = 0; i < certificates; ++i) {
    DrawnCertificate one{.id = fmt::format("c{}", i), .domains = {}, .key = KeyType::p256, .targets = {}};
    const std::string zone = drawn.zones[lots.below(drawn.zones.size())];
    const std::string name = i == 0 ? zone : fmt::format("w{}.{}", i, zone);
    one.domains.push_back(name);
    if (lots.one_in(3)) one.domains.push_back("*." + name);
    if (lots.one_in(4)) one.domains.push_back("api." + drawn.zones.back());
    if (lots.one_in(32)) one.key = KeyType::p384;  // which costs as much as fifty on P-256
    std::ranges::sort(one.domains);
    one.domains.erase(std::ranges::unique(one.domains).begin(), one.domains.end());
    // "api.x" beside "*.x" is redundant, which a CA refuses.
    if (std::ranges::find(one.domains, "*." + drawn.zones.back()) != one.domains.end())
      std::erase(one.domains, "api." + drawn.zones.back());
    const auto targets = lots.one_of({0, 1, 1, 2, 2});
    for (int target = 0; target < targets; ++target)
      one.targets.push_back(draw_target(lots, fmt::format("t{}{}", i, target)));
    drawn.certificates.push_back(std::move(one));
  }
}

void draw_faults(Lots& lots, Faults& faults, std::span<const sandbox::FaultRow> rows) {
  for (const sandbox::FaultRow& row : rows)
    if (lots.one_in(4)) faults.*row.amount = lots.from_to(1, row.most);
}

void draw_crashes(Lots& lots, std::vector<CrashPoint>& crashes) {
  const auto many = lots.below(4);
  for (std::uint64_t i = 0; i < many; ++i)
    crashes.push_back(draw_crash(lots, lots.one_of({20U, 60U, 140U})));  // a life has some 30 effects, or hundreds
  std::ranges::sort(crashes, {}, &CrashPoint::effect);
}

// Load balancers in another region than the configuration's, and old clients that need RSA.
void draw_places(Lots& lots, Drawn& drawn) {
  for (DrawnCertificate& one : drawn.certificates) {
    if (lots.one_in(24)) one.key = KeyType::rsa2048;
    for (DrawnTarget& target : one.targets)
      if (target.kind == DrawnTarget::Kind::elb && lots.one_in(8)) {
        target.region = "us-east-1";
        drawn.settings.other_regions = {target.region};
      }
  }
}

void draw_lists(Lots& lots, Drawn& drawn) {
  for (DrawnCertificate& one : drawn.certificates)
    for (DrawnTarget& target : one.targets)
      target.listed = target.kind == DrawnTarget::Kind::listener && lots.one_in(4);
}

// One for all directories, or each its own: beside the one, which has every server read, nobody would miss another.
void draw_commands(Lots& lots, Drawn& drawn) {
  if (lots.one_in(2)) return;
  for (DrawnCertificate& one : drawn.certificates)
    for (DrawnTarget& target : one.targets) target.alone = target.kind == DrawnTarget::Kind::files;
}

bool taken(const Drawn& drawn, Turn turn) { return std::ranges::count(drawn.turns, turn) > 0; }

}  // namespace

// What is listed is somebody else's at first, or the certificate's that was there first, and stays so where another one
// is bound that has not all of its names, or that others bind: it hides what follows, by their own will, for some
// names.
bool lists_stay_theirs(const Drawn& drawn) {
  const bool moved = taken(drawn, Turn::install_moved), put_back = drawn.faults.target_put_back > 0;
  const bool another = drawn.faults.target_edited > 0 || put_back || taken(drawn, Turn::bought) || moved;
  return drawn.begins_well ? moved && put_back : another;
}

// Somebody else's certificate may cover nothing of what is wanted there in the end, and gives way by that: what a
// listener may be given is judged by the names of the certificate that is there already, a dropped one among them.
void leave_none_foreign_where_names_change(Drawn& drawn) {
  if (!taken(drawn, Turn::install_moved) || !taken(drawn, Turn::name_dropped)) return;
  for (DrawnCertificate& one : drawn.certificates)
    for (DrawnTarget& target : one.targets) target.foreign = false;
}

std::string_view name(Turn turn) {
  switch (turn) {
    case Turn::nothing:
      return "nothing";
    case Turn::name_added:
      return "a name is added to the last certificate";
    case Turn::name_dropped:
      return "a name is dropped from the last certificate";
    case Turn::unwanted:
      return "the last certificate is not wanted for a while";
    case Turn::forgotten:
      return "the last certificate is not wanted for a while, and forgotten";
    case Turn::key_changed:
      return "the last certificate is wanted with another type of key";
    case Turn::revoked:
      return "the CA revokes all certificates";
    case Turn::window_moved:
      return "the CA wants all certificates renewed at once";
    case Turn::zone_removed:
      return "the last certificate's zone is removed for a while";
    case Turn::account_deactivated:
      return "the account is deactivated for a while";
    case Turn::newer_version:
      return "a newer version has written the state, which is then put back";
    case Turn::older_version:
      return "an older version has written the state";
    case Turn::kms_denied:
      return "KMS denies everything for a while";
    case Turn::disk_full:
      return "all disks are full for a while";
    case Turn::clock_jumps:
      return "the clock jumps in the middle of the next run";
    case Turn::told_to_renew:
      return "somebody tells it to renew the last certificate";
    case Turn::told_to_retry:
      return "somebody tells it to retry";
    case Turn::only_the_first:
      return "somebody wants the first certificate alone looked after";
    case Turn::interrupted:
      return "SIGTERM in the middle of the next run";
    case Turn::profile_changed:
      return "the last certificate is wanted of another profile";
    case Turn::lifetimes_shrink:
      return "the CA's certificates live half as long from now on";
    case Turn::file_lost:
      return "somebody deletes a file that is served";
    case Turn::certificate_lost:
      return "somebody deletes a certificate of ours from IAM";
    case Turn::ca_slow:
      return "the CA takes its time for a while";
    case Turn::delegation_lapsed:
      return "nobody delegates to the last certificate's zone for a while";
    case Turn::bought:
      return "somebody puts a certificate of another CA to use";
    case Turn::install_moved:
      return "an install is moved to another certificate";
    case Turn::accounts_lost:
      return "the CA loses all accounts and their orders";
    case Turn::bound_elsewhere:
      return "somebody binds a certificate of ours to a load balancer of their own";
    case Turn::forgotten_beside:
      return "somebody has the last certificate forgotten in the middle of the next run";
  }
  return "";
}

CrashPoint draw_crash(Lots& lots, std::uint64_t effects) {
  CrashPoint point;
  point.effect = static_cast<long>(lots.below(effects));
  point.moment = lots.one_of(
      {Moment::before, Moment::sent, Moment::after_effect_before_reply, Moment::stopped, Moment::after_reply});
  point.in_flight_lands = lots.one_in(2);
  point.lands_after = lots.one_of({seconds(1), seconds(50), minutes(2), minutes(14)});
  // A machine that was suspended. What is on its way lands sooner.
  if (point.moment == Moment::stopped && lots.one_in(4)) point.lands_after = hours(3);
  return point;
}

Drawn draw(std::uint64_t seed) {
  Lots lots{seed, Lots::Stream::drawing};
  Drawn drawn;
  drawn.seed = seed;
  draw_outside(lots, drawn.settings);
  draw_certificates(lots, drawn);
  drawn.delegated = lots.one_in(6);
  drawn.in_s3 = lots.one_in(4);
  if (drawn.in_s3 && lots.one_in(2)) drawn.instances = lots.one_of<std::size_t>({2, 2, 3, 5});
  drawn.headstart = lots.one_of({Duration{0}, milliseconds(300), seconds(5), seconds(50)});
  drawn.begins_well = lots.one_in(2);
  const auto runs = lots.one_of({1, 2, 2, 3});
  for (int run = 0; run < runs; ++run)
    drawn.gaps.push_back(lots.up_to(lots.one_of({seconds(1), minutes(10), hours(2), days(4)})));
  for (int run = 0; run < runs; ++run)
    drawn.turns.push_back(lots.one_in(3) ? all_turns[lots.below(drawn_anywhere)] : Turn::nothing);
  if (!drawn.in_s3) std::ranges::replace(drawn.turns, Turn::kms_denied, Turn::disk_full);  // KMS has no part in it
  drawn.clock_jump_hours = lots.from_to(-30, 30);
  draw_faults(lots, drawn.faults, sandbox::all_faults().first(faults_drawn_first));
  draw_crashes(lots, drawn.crashes);
  if (drawn.instances > 1 && lots.one_in(3)) drawn.others_clock_hours = lots.from_to(-30, 30);
  drawn.iam_notices_use = !lots.one_in(4);
  drawn.zone_by_role = lots.one_in(8);
  drawn.ends_ill = lots.one_in(3) && drawn.faults.record_edited == 0;  // what somebody put there would go with it
  if (drawn.certificates.size() > 1 && lots.one_in(3))
    drawn.turns[lots.below(drawn.turns.size())] = Turn::install_moved;
  drawn.settings.load_balancer_addresses = lots.one_of<std::size_t>({1, 1, 2, 3});
  draw_places(lots, drawn);
  drawn.interrupted_after = lots.up_to(lots.one_of({seconds(3), minutes(1), minutes(10)}));
  drawn.settings.repeated_answer =
      lots.one_of({RepeatedAnswer::taken, RepeatedAnswer::malformed, RepeatedAnswer::conflict});
  if (lots.one_in(8)) drawn.turns[lots.below(drawn.turns.size())] = Turn::bought;
  Turn& some_turn = drawn.turns[lots.below(drawn.turns.size())];
  if (lots.one_in(6) && some_turn == Turn::nothing) some_turn = Turn::accounts_lost;
  // Of a state on this machine one process holds the lock, and another waits for it.
  if (drawn.in_s3 && lots.one_in(4)) drawn.turns[lots.below(drawn.turns.size())] = Turn::forgotten_beside;
  if (lots.one_in(12)) drawn.turns[lots.below(drawn.turns.size())] = Turn::bound_elsewhere;
  draw_faults(lots, drawn.faults, sandbox::all_faults().subspan(faults_drawn_first));
  drawn.containers = lots.one_in(6);
  drawn.settings.failed_challenge =
      lots.one_of({FailedChallenge::ends_authorization, FailedChallenge::stays_pending, FailedChallenge::ends_alone});
  drawn.settings.expired_orders_found = lots.one_in(2);
  if (lots.one_in(6)) drawn.settings.order_life = hours(1);
  if (!lists_stay_theirs(drawn)) draw_lists(lots, drawn);
  leave_none_foreign_where_names_change(drawn);
  draw_commands(lots, drawn);
  drawn.settings.described_after = lots.one_of({Duration{0}, Duration{0}, Duration{0}, seconds(3), seconds(20)});
  return drawn;
}

Drawn first_issue(std::uint64_t i) {
  constexpr std::array moments{Moment::before, Moment::sent, Moment::after_effect_before_reply, Moment::after_reply};
  constexpr std::uint64_t effects = 40;
  Drawn drawn;
  drawn.seed = 1;
  drawn.zones = {"shop.example"};
  drawn.certificates = {{.id = "shop",
                         .domains = {"*.shop.example", "shop.example"},
                         .targets = {{DrawnTarget::Kind::elb, "old-web"}, {DrawnTarget::Kind::listener, "web"}}}};
  drawn.gaps = {Duration{0}};
  CrashPoint point;
  point.effect = static_cast<long>(i / moments.size() % effects);
  point.moment = moments[i % moments.size()];
  drawn.crashes = {point};
  return drawn;
}

std::string in_words(const Drawn& drawn) {
  std::string text = fmt::format("seed {}: state {}, {} at once, {}{}\n", drawn.seed, drawn.in_s3 ? "in S3" : "here",
                                 drawn.instances, drawn.begins_well ? "a renewal" : "a first certificate",
                                 drawn.delegated ? ", challenges delegated" : "");
  if (drawn.containers) text += "  it runs in containers\n";
  if (drawn.zone_by_role) text += "  the first zone is written by a role\n";
  if (drawn.ends_ill && drawn.zones.size() > 1) text += "  the last zone goes for good in the end\n";
  if (!drawn.iam_notices_use) text += "  IAM deletes what load balancers use\n";
  if (drawn.settings.repeated_answer == RepeatedAnswer::malformed)
    text += "  the CA refuses a second answer of a challenge\n";
  if (drawn.settings.repeated_answer == RepeatedAnswer::conflict)
    text += "  the CA refuses a second answer of a challenge, and shows it as pending\n";
  if (drawn.settings.failed_challenge == FailedChallenge::stays_pending)
    text += "  a challenge that failed may be answered again\n";
  if (drawn.settings.failed_challenge == FailedChallenge::ends_alone)
    text += "  a challenge that failed leaves its authorization pending\n";
  if (drawn.settings.order_life < days(1)) text += "  the CA's orders live for an hour\n";
  if (drawn.settings.described_after > Duration{0})
    text +=
        fmt::format("  what describes a listener tells of a change {} later\n", humane(drawn.settings.described_after));
  if (!drawn.settings.expired_orders_found) text += "  the CA does not find orders that have expired\n";
  if (drawn.others_clock_hours != 0)
    text += fmt::format("  the other machines' clocks are {} h off\n", drawn.others_clock_hours);
  for (const Turn turn : drawn.turns)
    if (turn != Turn::nothing) text += fmt::format("  later: {}\n", name(turn));
  for (const DrawnCertificate& one : drawn.certificates) {
    text += fmt::format("  {} for {}", one.id, fmt::join(one.domains, ", "));
    for (const DrawnTarget& target : one.targets)
      text += fmt::format(" on {}{}{}{}", target.name, target.region.empty() ? "" : " in " + target.region,
                          target.foreign ? " (foreign)" : "",
                          target.listed  ? " (on its list too)"
                          : target.alone ? " (by a command of its own)"
                                         : "");
    text += "\n";
  }
  for (const sandbox::FaultRow& row : sandbox::all_faults())
    if (drawn.faults.*row.amount != 0) text += fmt::format("  {} {}{}\n", row.name, drawn.faults.*row.amount, row.unit);
  for (const CrashPoint& point : drawn.crashes)
    text += fmt::format("  killed {} effect {}\n", sandbox::name(point.moment), point.effect);
  return text;
}

}  // namespace certferry::soak
