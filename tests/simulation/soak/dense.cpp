#include "dense.h"

#include <algorithm>
#include <array>
#include <utility>

namespace certferry::soak {
namespace {

using sandbox::CrashPoint;

// Of some only one is possible, or none in this world.
bool may_be_taken(const Drawn& drawn, Turn turn) {
  if (turn == Turn::install_moved)
    return drawn.certificates.size() > 1 && std::ranges::find(drawn.turns, turn) == drawn.turns.end();
  const bool of_s3 = turn == Turn::kms_denied || turn == Turn::forgotten_beside;
  return drawn.in_s3 || !of_s3;
}

void thicken_turns(Lots& lots, Drawn& drawn) {
  const auto runs = static_cast<std::size_t>(lots.from_to(3, 6));
  while (drawn.gaps.size() < runs)
    drawn.gaps.push_back(lots.up_to(lots.one_of({minutes(10), hours(2), days(2), days(6)})));
  drawn.turns.resize(drawn.gaps.size(), Turn::nothing);
  for (Turn& turn : drawn.turns) {
    const Turn another = all_turns[lots.below(all_turns.size())];
    if (turn == Turn::nothing && !lots.one_in(5) && may_be_taken(drawn, another)) turn = another;
  }
}

void thicken_crashes(Lots& lots, std::vector<CrashPoint>& crashes) {
  for (auto more = lots.below(4); more > 0; --more) crashes.push_back(draw_crash(lots, lots.one_of({60U, 140U, 400U})));
  std::ranges::sort(crashes, {}, &CrashPoint::effect);
}

// Whether less of it was found. `leave_out` takes away the thing of this number, and says whether there is one.
template <class LeaveOut>
bool left_out(Drawn& drawn, const std::function<bool(const Drawn&)>& holds, const LeaveOut& leave_out) {
  bool any = false;
  for (std::size_t which = 0;; ++which) {
    Drawn less = drawn;
    if (!leave_out(less, which)) return any;
    if (!holds(less)) continue;
    drawn = std::move(less);
    any = true;
    --which;  // what came next has its number now
  }
}

bool without_a_run(Drawn& drawn, std::size_t which) {
  if (drawn.gaps.size() == 1 || which >= drawn.gaps.size()) return false;
  drawn.gaps.erase(drawn.gaps.begin() + static_cast<std::ptrdiff_t>(which));
  drawn.turns.erase(drawn.turns.begin() + static_cast<std::ptrdiff_t>(which));
  return true;
}

bool without_a_crash(Drawn& drawn, std::size_t which) {
  if (which >= drawn.crashes.size()) return false;
  drawn.crashes.erase(drawn.crashes.begin() + static_cast<std::ptrdiff_t>(which));
  return true;
}

bool without_a_turn(Drawn& drawn, std::size_t which) {
  for (Turn& turn : drawn.turns)
    if (turn != Turn::nothing && which-- == 0) return turn = Turn::nothing, true;
  return false;
}

bool without_a_fault(Drawn& drawn, std::size_t which) {
  for (const sandbox::FaultRow& row : sandbox::all_faults())
    if (drawn.faults.*row.amount != 0 && which-- == 0) return drawn.faults.*row.amount = 0, true;
  return false;
}

// The last is whom turns are about.
bool without_a_certificate(Drawn& drawn, std::size_t which) {
  if (which + 1 >= drawn.certificates.size() ||
      std::ranges::find(drawn.turns, Turn::install_moved) != drawn.turns.end())
    return false;
  drawn.certificates.erase(drawn.certificates.begin() + static_cast<std::ptrdiff_t>(which));
  return true;
}

bool without_a_target(Drawn& drawn, std::size_t which) {
  for (DrawnCertificate& one : drawn.certificates) {
    if (which < one.targets.size())
      return one.targets.erase(one.targets.begin() + static_cast<std::ptrdiff_t>(which)), true;
    which -= one.targets.size();
  }
  return false;
}

template <bool DrawnTarget::* member>
bool no_target_has(Drawn& drawn) {
  bool any = false;
  for (DrawnCertificate& one : drawn.certificates)
    for (DrawnTarget& target : one.targets) any = std::exchange(target.*member, false) || any;
  return any;
}

template <class Member>
bool usual_again(Member& member, const Member& to) {
  return std::exchange(member, to) != to;
}

// What else is unusual of it; each says whether it was.
constexpr std::array usual_manners{
    no_target_has<&DrawnTarget::listed>,
    no_target_has<&DrawnTarget::alone>,
    +[](Drawn& drawn) { return usual_again(drawn.settings.described_after, Duration{0}); },
    +[](Drawn& drawn) { return usual_again(drawn.containers, false); },
    +[](Drawn& drawn) { return usual_again(drawn.delegated, false); },
    +[](Drawn& drawn) { return usual_again(drawn.zone_by_role, false); },
    +[](Drawn& drawn) { return usual_again(drawn.ends_ill, false); },
    +[](Drawn& drawn) { return usual_again(drawn.begins_well, false); },
    +[](Drawn& drawn) { return usual_again(drawn.iam_notices_use, true); },
    +[](Drawn& drawn) { return usual_again(drawn.others_clock_hours, 0); },
    +[](Drawn& drawn) { return usual_again(drawn.instances, std::min<std::size_t>(drawn.instances, 2)); },
    +[](Drawn& drawn) { return usual_again(drawn.instances, std::size_t{1}); },
    +[](Drawn& drawn) { return usual_again(drawn.settings.order_life, sandbox::Settings{}.order_life); },
    +[](Drawn& drawn) { return usual_again(drawn.settings.release_lag, sandbox::Settings{}.release_lag); },
    +[](Drawn& drawn) { return usual_again(drawn.settings.repeated_answer, sandbox::Settings{}.repeated_answer); },
    +[](Drawn& drawn) { return usual_again(drawn.settings.failed_challenge, sandbox::Settings{}.failed_challenge); },
};

}  // namespace

Drawn thickened(Drawn drawn) {
  Lots lots{drawn.seed, Lots::Stream::thickening};
  thicken_turns(lots, drawn);
  thicken_crashes(lots, drawn.crashes);
  for (const sandbox::FaultRow& row : sandbox::all_faults())
    if (drawn.faults.*row.amount == 0 && lots.one_in(12)) drawn.faults.*row.amount = lots.from_to(1, row.most);
  if (drawn.faults.record_edited > 0) drawn.ends_ill = false;                // as where it is drawn
  leave_none_foreign_where_names_change(drawn);                              // likewise
  if (lists_stay_theirs(drawn)) no_target_has<&DrawnTarget::listed>(drawn);  // likewise
  return drawn;
}

Drawn shrunk(Drawn drawn, const std::function<bool(const Drawn&)>& holds) {
  for (bool any = true; any;) {
    any = false;
    for (auto* const leave_out :
         {without_a_run, without_a_turn, without_a_crash, without_a_fault, without_a_certificate, without_a_target})
      any = left_out(drawn, holds, leave_out) || any;
    for (auto* const make_usual : usual_manners)
      if (Drawn less = drawn; make_usual(less) && holds(less)) {
        drawn = std::move(less);
        any = true;
      }
  }
  return drawn;
}

}  // namespace certferry::soak
