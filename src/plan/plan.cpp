#include "plan/plan.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "plan/schedule.h"

namespace certferry {
namespace {

using Kind = Action::Kind;

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::find(list, word) != list.end();
}

std::string listed(const std::vector<DomainName>& names) {
  std::vector<std::string> texts;
  for (const DomainName& name : names) texts.push_back(name.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<DomainName> missing_from(const std::vector<DomainName>& these, const std::vector<DomainName>& those) {
  std::vector<DomainName> missing;
  std::ranges::set_difference(these, those, std::back_inserter(missing));
  return missing;
}

std::string difference(const CertificateSpec& had, const CertificateSpec& wanted) {
  std::vector<std::string> changes;
  if (auto added = missing_from(wanted.names, had.names); !added.empty()) changes.push_back("adds " + listed(added));
  if (auto gone = missing_from(had.names, wanted.names); !gone.empty()) changes.push_back("drops " + listed(gone));
  if (had.key_type != wanted.key_type)
    changes.push_back(fmt::format("key {} becomes {}", name(had.key_type), name(wanted.key_type)));
  if (had.profile != wanted.profile) changes.push_back(fmt::format("profile becomes \"{}\"", wanted.profile));
  if (had.directory != wanted.directory) changes.push_back("the CA changed");
  return fmt::format("{}", fmt::join(changes, "; "));
}

// Ours, by path or directory, though the state knows nothing of it: it was lost.
const Chain* served_without_record(const ObservedCertificate& seen) {
  for (const ObservedTarget& target : seen.targets) {
    if (!target.serving || !target.serving->ours || !target.given_for.empty()) continue;
    const Chain* chain = target.serving->certificate();
    if (chain && std::ranges::all_of(seen.wanted.names, [&](const DomainName& n) { return chain->leaf.covers(n); }))
      return chain;
  }
  return nullptr;
}

std::string why_due(const Record::Newest& newest, WallTime now) {
  const WallTime end = newest.issued.chain.leaf.not_after();
  std::string expiry = fmt::format("it expires on {}, in {}", iso8601(end), humane(end - now));
  if (!newest.renewal_info || !newest.renewal_info->window) return expiry;
  const RenewalInfo& info = *newest.renewal_info;
  const std::string window = fmt::format("between {} and {}", iso8601(info.window->start), iso8601(info.window->end));
  if (now < info.window->start)
    return fmt::format("{}; the CA suggests to renew it {}, which leaves too little time for what may fail", expiry,
                       window);
  std::string reason = fmt::format("the CA suggests to renew it {}; {}", window, expiry);
  if (!info.explanation_url.empty()) reason += fmt::format("; see {}", quoted(info.explanation_url));
  return reason;
}

Action not_due(const std::string& id, WallTime not_after, WallTime due) {
  return Action{Kind::keep, id, "", fmt::format("valid until {}, due on {}", iso8601(not_after), humane(due)), "", due};
}

Action serves_it(const std::string& id, const std::string& target) {
  return Action{Kind::keep, id, target, "serves it", "", {}};
}

// Of one that shows it.
Action proves_it(const std::string& id, const ObservedTarget& target, const TargetRecord& known, const Issued& issued) {
  const bool for_the_reload =
      known.proven == issued.fingerprint() && !target.reloaded_by.empty() && known.reloaded_by != target.reloaded_by;
  return Action{
      Kind::install,
      id,
      target.id,
      for_the_reload ? "refers to it; `reload` is not the command that was run for it" : "refers to it, not yet proven",
      "",
      {}};
}

Action hides_it(const std::string& id, const std::string& target) {
  return Action{Kind::keep,
                id,
                target,
                "refers to it, says AWS; a handshake shows another, as when it was bound",
                "Take the other one off the listener's certificate list, where nobody needs it",
                {}};
}

// One that goes back and forth is not ordered each time, while there is another that is good.
std::optional<Action> waits_to_change_back(const ObservedCertificate& seen, WallTime now) {
  const Record::Newest& newest = *seen.record->newest;
  const auto until = change_back_waits_until(*seen.record, seen.wanted, now);
  if (!until || now >= emergency_at(newest.issued.chain.leaf)) return {};
  const std::string id = seen.id.text();
  return Action{Kind::wait,
                id,
                "",
                fmt::format("its specification changed back and forth ({}): two configurations seem to be at work on "
                            "this state; again on {}",
                            difference(newest.specification, seen.wanted), humane(*until)),
                fmt::format("see that all who use this state have the same configuration, or give one of them another "
                            "[state] store; --renew {} orders it at once",
                            id),
                until};
}

// One that took the place of another which the CA wanted replaced early, as it wants it itself: not so in each run.
std::optional<Action> waits_as_early(const ObservedCertificate& seen, WallTime now) {
  const auto until = replaced_early_from(*seen.record);
  if (!until || now >= *until || now >= due_at(seen.record->newest->issued.chain.leaf)) return {};
  const std::string id = seen.id.text();
  return Action{Kind::wait,
                id,
                "",
                fmt::format("{}; so it was with the one before it; again on {}", why_due(*seen.record->newest, now),
                            humane(*until)),
                fmt::format("ask the CA why, where that goes on; --renew {} orders it at once", id),
                until};
}

// A generation was begun for what is wanted still.
bool goes_on(const ObservedCertificate& seen) {
  return seen.record && seen.record->open_generation && seen.record->specification == seen.wanted;
}

// Whether a certificate is wanted now, before anything holds it back.
Action decide_issue(const ObservedCertificate& seen, const Request& request, WallTime now) {
  const std::string id = seen.id.text();
  auto issue = [&](std::string reason) { return Action{Kind::issue, id, "", std::move(reason), "", {}}; };
  if (contains(request.renew, id)) return issue("--renew asks for it");
  if (goes_on(seen))
    return issue(fmt::format("generation {} was begun and has not ended yet", *seen.record->open_generation));
  if (!seen.record || !seen.record->newest) {
    if (auto kept = lost_state(seen, now)) return std::move(*kept);
    return issue("there is none yet");
  }
  const Record::Newest& newest = *seen.record->newest;
  if (newest.specification != seen.wanted) {
    if (auto waits = waits_to_change_back(seen, now)) return std::move(*waits);
    return issue("its specification changed: " + difference(newest.specification, seen.wanted));
  }
  const Certificate& leaf = newest.issued.chain.leaf;
  if (now >= leaf.not_after()) return issue("it expired on " + iso8601(leaf.not_after()));
  const WallTime due = due_at(leaf, newest.renewal_info);
  if (now >= due) {
    if (auto waits = waits_as_early(seen, now)) return std::move(*waits);
    return issue(why_due(newest, now));
  }
  return not_due(id, leaf.not_after(), due);
}

const Record* record_of(const ObservedCertificate& seen) { return seen.record ? &*seen.record : nullptr; }

// What to do about what keeps it off a target, perhaps one that a certificate gave which is configured no longer.
// Whoever has no `name` is called by the first of its names, and is another certificate once that is dropped.
std::string remedy_there(const Held& held, const ObservedTarget& target, const ObservedCertificate& seen) {
  std::string remedy = remedy_of(held, seen.id);
  const bool called_by_its_first = std::ranges::count(seen.wanted.names, seen.id.text(), &DomainName::text) > 0;
  if (!held.for_names || target.left_by.empty() || !called_by_its_first) return remedy;
  return fmt::format("write name = \"{}\" to go on with that certificate, which is configured no longer; else {}",
                     target.left_by, remedy);
}

constexpr std::string_view kNoOrder = "no order is spent while none of its targets could be given the certificate";

// Why a target could not be given a new certificate; empty: as far as was seen, it could.
std::optional<Held> objection(const ObservedTarget& target, const ObservedCertificate& seen, const Request& request,
                              const Roots& roots, WallTime now) {
  if (goes_on(seen)) return std::nullopt;  // an order that was spent is not left lying, nor are its records
  if (!target.no_place.empty()) return Held{target.no_place, target.remedy};
  if (target.serving) {
    const auto held =
        permit_before_order(*target.serving, seen.wanted, record_of(seen), target.id, roots, now, request.permits);
    return held ? std::optional{Held{held->reason, remedy_there(*held, target, seen)}} : std::nullopt;
  }
  if (!target.refused) return std::nullopt;
  return Held{std::string{kNoOrder}, target.remedy};
}

// How often an attempt validates one name: a wildcard is validated where its name is, too.
int validations_of_a_name(const CertificateSpec& wanted) {
  const auto twice = [&](const DomainName& name) {
    return name.wildcard() && std::ranges::find(wanted.names, name.without_wildcard()) != wanted.names.end();
  };
  return std::ranges::any_of(wanted.names, twice) ? 2 : 1;
}

// By the failure table; never before the CA's limit lets all go on together that share a name with it and fail too.
WallTime paused_until(const ObservedCertificate& seen, const Request& request) {
  const WallTime by_table = *seen.record->failures.not_before;
  const auto& [count, failed_beside] = seen.neighbours;
  if (count == 0 && !request.retry) return by_table;
  std::vector<WallTime> failed = ended_at(*seen.record);
  failed.insert(failed.end(), failed_beside.begin(), failed_beside.end());
  std::ranges::sort(failed);
  const WallTime by_limit = retry_from(failed, validations_of_a_name(seen.wanted), 1 + count);
  if (count == 0) return std::min(by_table, by_limit);
  return request.retry ? by_limit : std::max(by_table, by_limit);
}

// What holds an issue back: the failure table, or every target, by I7 or because it cannot be looked at.
Action hold_back(Action issue, const ObservedCertificate& seen, const Request& request, const Roots& roots,
                 WallTime now) {
  // A pause is of the specification that failed: one that was corrected does not wait.
  const bool failed =
      seen.record && seen.record->specification == seen.wanted && seen.record->failures.not_before.has_value();
  if (failed) {
    const FailureRecord& failures = seen.record->failures;
    const WallTime again = paused_until(seen, request);
    const bool limited = pauses(paused_until(seen, {.retry = true}), now);  // whoever does not want to wait, too
    if (pauses(again, now))
      return Action{
          Kind::wait,
          issue.certificate,
          "",
          fmt::format(
              "{} failed before; again on {}{}. Last: {}",
              failures.count == 1 ? "it" : fmt::format("it {} times", failures.count), humane(again),
              request.retry || again > *failures.not_before ? ", for Let's Encrypt counts failed validations" : "",
              failures.what),
          limited ? failures.next : failures.remedy(),
          again};
  }
  std::optional<Held> held;
  for (const ObservedTarget& target : seen.targets) {
    if (!target.configured) continue;
    held = objection(target, seen, request, roots, now);
    if (!held) return issue;
  }
  if (!held) return issue;
  return Action{Kind::hold, issue.certificate, "", held->reason, held->remedy, {}};
}

// Of one that is configured no longer: nothing is to be done there.
Action leave_alone(const ObservedCertificate& seen, const ObservedTarget& target) {
  Action note{Kind::keep, seen.id.text(), target.id, "", "", {}};
  note.configured = false;
  if (seen.named_elsewhere) {
    note.reason = "not named here, and left as it is";
  } else if (!target.serving) {
    note.reason = "no longer configured, and cannot be looked at: " + target.trouble;
    note.remedy = target.remedy;
  } else if (serves_something_else(*seen.record, target)) {
    note.reason =
        fmt::format("no longer configured: serves nothing of {}'s any longer, which apply writes down", seen.id.text());
  } else {
    const Chain* served = target.serving->certificate();
    if (served) note.not_before = due_at(served->leaf);
    note.reason = fmt::format(
        "{}: still serves {}'s certificate{}; {}",
        target.given_to.empty() ? "no longer configured" : fmt::format("configured for {} now", target.given_to),
        seen.id.text(),
        served ? fmt::format(", due on {}, valid until {}", humane(*note.not_before), iso8601(served->leaf.not_after()))
               : std::string{", which cannot be read"},
        target.given_to.empty() ? "configure it again, or put another certificate there"
                                : fmt::format("until that of {} is installed", target.given_to));
  }
  return note;
}

// Of what does not show it.
std::string why_installed(const Serving& serving, const Issued& issued) {
  if (serving.damaged) return "what it serves is damaged: " + serving.note;
  const Chain* served = serving.certificate();
  if (!served) return "serves none of ours";
  if (served->leaf == issued.chain.leaf)
    return serving.body ? "refers to it; a handshake shows another" : "a handshake shows it; its files are not there";
  return fmt::format("serves {} until {}", quoted(served->leaf.issuer(), 80), iso8601(served->leaf.not_after()));
}

Action plan_target_of_newest(const ObservedCertificate& seen, const ObservedTarget& target, const Request& request,
                             const Roots& roots, WallTime now) {
  const std::string id = seen.id.text();
  const Record& record = *seen.record;
  const Issued& issued = record.newest->issued;
  const auto known = record.targets.find(target.id);
  const TargetRecord told = known == record.targets.end() ? TargetRecord{} : known->second;
  const bool shows = target.serving->shows(issued);
  if (told.proves(issued, *target.serving, target.reloaded_by))
    return shows ? serves_it(id, target.id) : hides_it(id, target.id);
  if (auto held = permit_key(issued, target.refuses))
    return Action{Kind::hold, id, target.id, held->reason, held->remedy, {}};
  const auto* rolled_back = told.waits_for(issued, *target.serving, target.reloaded_by, now);
  if (rolled_back && !request.retry) return waits_after(*rolled_back, id, target.id);
  if (shows) return proves_it(id, target, told, issued);
  if (const auto held = permit(*target.serving, issued, seen.wanted, record, target.id, roots, now, request.permits)) {
    return Action{Kind::hold, id, target.id, held->reason, remedy_there(*held, target, seen), {}};
  }
  return Action{Kind::install, id, target.id, why_installed(*target.serving, issued), "", {}};
}

// Of one that could be looked at.
Action plan_seen_target(const ObservedCertificate& seen, const ObservedTarget& target, const Action& issue,
                        const Request& request, const Roots& roots, WallTime now) {
  const std::string id = seen.id.text();
  if (issue.kind == Kind::issue) {
    if (auto held = objection(target, seen, request, roots, now))
      return Action{Kind::hold, id, target.id, held->reason, held->remedy, {}};
    const Chain* served = target.serving->certificate();
    return Action{Kind::install,
                  id,
                  target.id,
                  served
                      ? fmt::format("the new one replaces one of {} with {} left", quoted(served->leaf.issuer(), 80),
                                    now < served->leaf.not_after() ? humane(served->leaf.not_after() - now) : "nothing")
                      : std::string{"the new one"},
                  "",
                  {}};
  }
  const bool usable = seen.record && seen.record->newest && now < seen.record->newest->issued.chain.leaf.not_after() &&
                      std::ranges::includes(seen.record->newest->specification.names, seen.wanted.names);
  if (usable) return plan_target_of_newest(seen, target, request, roots, now);
  return Action{Kind::keep, id, target.id, "nothing to install yet", "", {}};
}

Action plan_target(const ObservedCertificate& seen, const ObservedTarget& target, const Action& issue,
                   const Request& request, const Roots& roots, WallTime now) {
  const auto in_trouble = [&](const std::string& trouble) {
    return Action{Kind::trouble, seen.id.text(), target.id, trouble, target.remedy, {}};
  };
  if (!target.configured) return leave_alone(seen, target);
  if (!target.serving) return in_trouble(target.trouble);
  Action action = plan_seen_target(seen, target, issue, request, roots, now);
  const bool wanted = issue.kind == Kind::issue || issue.kind == Kind::hold || action.kind == Kind::install;
  return wanted && !target.no_place.empty() ? in_trouble(target.no_place) : action;
}

// A cause that a target tells, with what to do, is not told once more of the certificate that it holds back.
void tell_cause_once(CertificatePlan& plan) {
  if (plan.issue->kind != Kind::hold) return;
  const bool told = std::ranges::any_of(plan.targets, [&](const Action& target) {
    return (target.kind == Kind::hold || target.kind == Kind::trouble) && target.remedy == plan.issue->remedy;
  });
  if (!told) return;
  plan.issue->reason = kNoOrder;
  plan.issue->remedy.clear();
}

CertificatePlan plan_certificate(const ObservedCertificate& seen, const Request& request, const Roots& roots,
                                 WallTime now) {
  CertificatePlan plan{seen.id, {}, {}};
  if (!seen.trouble.empty()) {
    plan.issue = Action{Kind::trouble, seen.id.text(), "", seen.trouble, seen.remedy, {}};
    return plan;
  }
  if (!seen.configured) {
    plan.issue = Action{Kind::keep, seen.id.text(), "", "", "", {}};
    plan.issue->reason = seen.named_elsewhere
                             ? "not named here, and left as it is"
                             : "no longer configured: what is served stays; `certferry forget` ends it";
  } else if (seen.at_rest) {
    plan.issue = not_due(seen.id.text(), seen.at_rest->not_after, seen.at_rest->due);
  } else {
    Action issue = decide_issue(seen, request, now);
    plan.issue = issue.kind == Kind::issue ? hold_back(std::move(issue), seen, request, roots, now) : std::move(issue);
  }
  for (const ObservedTarget& target : seen.targets) {
    plan.targets.push_back(seen.at_rest ? serves_it(seen.id.text(), target.id)
                                        : plan_target(seen, target, *plan.issue, request, roots, now));
    plan.targets.back().target_name = target.name;
  }
  tell_cause_once(plan);
  return plan;
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::issue:
      return "issue";
    case Kind::install:
      return "install";
    case Kind::keep:
      return "keep";
    case Kind::hold:
      return "hold";
    case Kind::wait:
      return "wait";
    case Kind::retire:
      return "retire";
    case Kind::withdraw:
      return "withdraw";
    case Kind::trouble:
      return "trouble";
  }
  return "keep";
}

Action waits_after(const TargetRecord::RolledBack& rolled_back, const std::string& id, const std::string& target) {
  Action waits{Kind::wait,
               id,
               target,
               rolled_back.waiting_text(),
               "look at the target, or run `certferry apply --retry`",
               rolled_back.not_before};
  waits.unproven = rolled_back.stayed;
  return waits;
}

bool changes(Kind kind) {
  return kind == Kind::issue || kind == Kind::install || kind == Kind::retire || kind == Kind::withdraw;
}

std::vector<Action> Plan::all() const {
  std::vector<Action> actions;
  for (const CertificatePlan& certificate : certificates) {
    if (certificate.issue) actions.push_back(*certificate.issue);
    actions.insert(actions.end(), certificate.targets.begin(), certificate.targets.end());
  }
  actions.insert(actions.end(), removals.begin(), removals.end());
  return actions;
}

bool Plan::anything() const {
  return std::ranges::any_of(all(), [](const Action& action) { return changes(action.kind); });
}

std::optional<Action> lost_state(const ObservedCertificate& seen, WallTime now) {
  const Chain* lost = seen.record ? nullptr : served_without_record(seen);
  if (!lost || now >= due_at(lost->leaf)) return std::nullopt;
  const std::string id = seen.id.text();
  return Action{Kind::keep,
                id,
                "",
                fmt::format("the state is missing, but a certificate of ours is served, not due until {}",
                            humane(due_at(lost->leaf))),
                fmt::format("point [state] store (--store) at where it was, or begin anew with --renew {}", id),
                due_at(lost->leaf)};
}

bool serves_something_else(const Record& record, const ObservedTarget& target) {
  if (!target.serving) return false;
  if (!target.serving->ours) return true;  // whatever it was given came from a shelf of ours
  const Chain* served = target.serving->certificate();
  return served && record.targets.contains(target.id) && !given(record, target.id, served->leaf.fingerprint());
}

bool suffices(const AtRest& rest, const ObservedCertificate& seen, const Request& request, WallTime now) {
  if (!seen.configured) return true;
  const bool quiet = rest.specification == seen.wanted && now < rest.due && rest.ask_again &&
                     !time_to_ask(*rest.ask_again, now) && !contains(request.renew, seen.id.text());
  return quiet && std::ranges::all_of(seen.targets, [&](const ObservedTarget& target) {
           const auto known = rest.targets.find(target.id);
           return target.serving && target.serving->shows(rest.fingerprint) && known != rest.targets.end() &&
                  known->second && (target.reloaded_by.empty() || rest.was_reloaded_by(target.id, target.reloaded_by));
         });
}

void note_left(std::vector<ObservedCertificate>& all) {
  const auto gave = [](const ObservedCertificate& one, const std::string& target, const Fingerprint& served) {
    return !one.configured && !one.named_elsewhere && one.record && one.record->targets.contains(target) &&
           given(*one.record, target, served);
  };
  for (ObservedCertificate& certificate : all) {
    for (ObservedTarget& target : certificate.targets) {
      const Chain* served = target.configured && target.serving ? target.serving->certificate() : nullptr;
      if (!served || !target.serving->ours) continue;
      const auto left = std::ranges::find_if(
          all, [&](const ObservedCertificate& other) { return gave(other, target.id, served->leaf.fingerprint()); });
      if (left != all.end()) target.left_by = left->id.text();
    }
  }
}

Plan make_plan(const Observed& observed, const Request& request, const Roots& roots, WallTime now) {
  Plan plan;
  for (const ObservedCertificate& seen : observed.certificates) {
    if (!request.only.empty() && !contains(request.only, seen.id.text())) continue;
    plan.certificates.push_back(plan_certificate(seen, request, roots, now));
  }
  for (const Removable& removable : observed.removable) {
    const bool later = removable.not_before && now < *removable.not_before;
    plan.removals.push_back(Action{
        later ? Kind::wait : removable.kind, "", removable.name,
        later ? fmt::format("{}; kept until {}", removable.reason, humane(*removable.not_before)) : removable.reason,
        "", removable.not_before});
  }
  return plan;
}

}  // namespace certferry
