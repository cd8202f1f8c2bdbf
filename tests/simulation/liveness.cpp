#include "liveness.h"

#include <algorithm>
#include <fmt/format.h>

#include "deploy/object_name.h"
#include "left_over.h"
#include "oracles/index_oracle.h"
#include "oracles/read_key.h"
#include "oracles/stored_value.h"
#include "plan/schedule.h"
#include "sandbox/certificate_authority.h"

namespace certferry::simulation {
namespace {

// null: of somebody else's.
const sandbox::CaCertificate* of_our_ca(Estate& estate, const Certificate& leaf) {
  const auto& all = estate.world().ca().certificates;
  const auto found = std::ranges::find_if(all, [&](const auto& entry) { return entry.second.chain.leaf == leaf; });
  return found == all.end() ? nullptr : &found->second;
}

// Whether a secret of this certificate opens, and is this one's key.
bool key_is_kept(Estate& estate, const std::string& id, const Certificate& leaf) {
  const auto stored = estate.watch->stored();
  const std::string secrets = "secret/" + id + "/";
  for (auto secret = stored.lower_bound(secrets); secret != stored.end() && secret->first.starts_with(secrets);
       ++secret) {
    const auto plain = unsealed(*estate.simulated, secret->first, secret->second);
    if (plain && read_key(*plain)->public_half == leaf.public_key().spki()) return true;
  }
  return false;
}

// As the CA says, unless it has lost the order. Where none is wanted it may be any.
bool is_of_the_profile(Estate& estate, const sandbox::CaCertificate& issued, const CertificateConfig& wanted) {
  const auto& orders = estate.world().ca().orders;
  const auto order = orders.find(issued.order);
  return wanted.profile.empty() || order == orders.end() || order->second.profile == wanted.profile;
}

// The newest that its record knows of, whether any target serves it or not; and its key is kept.
bool has_a_valid_one(Estate& estate, const CertificateConfig& wanted) {
  const auto newest = estate.newest(wanted.id.text());
  if (!newest || estate.record(wanted.id.text())->newest->specification.profile != wanted.profile) return false;
  const auto names = names_as_text(wanted.domains);
  return std::ranges::any_of(estate.world().ca().certificates, [&](const auto& entry) {
    const Certificate& leaf = entry.second.chain.leaf;
    return leaf.fingerprint() == *newest && names_as_text(leaf.names()) == names &&
           leaf.public_key().type() == wanted.key_type && !entry.second.revoked &&
           is_of_the_profile(estate, entry.second, wanted) && leaf.not_after() > estate.simulated->time().now() &&
           key_is_kept(estate, wanted.id.text(), leaf);
  });
}

bool is_overdue_by(Duration most, Estate& estate, const CertificateConfig& wanted) {
  const auto record = estate.record(wanted.id.text());
  if (!record || !record->newest) return false;
  const WallTime due = due_at(record->newest->issued.chain.leaf, record->newest->renewal_info);
  return due + most < estate.simulated->time().now();
}

// Whether the last run said so of the certificate itself.
bool said(Estate& estate, Outcome::Kind kind, const CertificateConfig& wanted) {
  return std::ranges::any_of(estate.report().outcomes, [&](const Outcome& outcome) {
    return outcome.kind == kind && outcome.target.empty() && outcome.certificate == wanted.id.text();
  });
}

// What was asked for too often, or is changed back, waits for the next one; and what that run got by an order of long
// ago may be due again.
bool is_next_later(Estate& estate, const CertificateConfig& wanted) {
  return said(estate, Outcome::Kind::waiting, wanted) || said(estate, Outcome::Kind::issued, wanted);
}

struct Place {
  std::string name;
  std::optional<Certificate> shown;
  bool whole = true;                       // false: what nobody serves is missing of a directory
  std::optional<Certificate> unread = {};  // of a directory, whose server read another one last, or none
  std::optional<Certificate> usual = {};   // of a listener, that its list may hide
};

// What a listener shows by its default certificate, or, where that differs, to who asks for a wanted name.
std::optional<Certificate> shown_by(Estate& estate, const std::string& name, const CertificateConfig& wanted) {
  const auto usual = estate.shown_by(name);
  for (const DomainName& asked : wanted.domains)
    if (auto shown = estate.shown_by(name, sni_for(asked)); shown != usual) return shown;
  return usual;
}

// Of a directory on this machine whose server is told to read it: what that read last, wherever the link leads.
Place look_at(Estate& estate, const InstallConfig& install, const CertificateConfig& wanted, const std::string& on) {
  if (const auto* elb = std::get_if<ElbInstall>(&install.where))
    return {elb->load_balancer, estate.shown_by(elb->load_balancer)};
  if (const auto* listener = std::get_if<ListenerInstall>(&install.where)) {
    const std::string name = estate.load_balancer_of(listener->arn.text());
    return {name, shown_by(estate, name, wanted), true, {}, estate.shown_by(name)};
  }
  const auto& [directory, reload, connect, timeout] = std::get<FilesInstall>(install.where);
  const auto& machine = estate.simulated->machine(on);
  const auto* live = machine.find(directory + "/live/fullchain.pem");  // which is what servers are given
  if (live == nullptr && reload.empty()) return {directory, {}};
  const bool whole = live && machine.find(directory + "/live/cert.pem") && machine.find(directory + "/live/chain.pem");
  if (reload.empty()) return {directory, parse_chain(BytesView{live->content}).leaf, whole};
  const auto served = machine.served.find(machine.resolved(directory + "/live", false));
  const auto in_files = live ? std::optional{parse_chain(BytesView{live->content}).leaf} : std::nullopt;
  if (served == machine.served.end()) return {directory, {}, whole, in_files};
  return {directory, parse_chain(BytesView{served->second}).leaf, whole, in_files};
}

// The newest there is ends earlier and is due itself: its successor takes the place.
bool outlasts_the_newest(Estate& estate, const Certificate& shown, const CertificateConfig& wanted) {
  const auto record = estate.record(wanted.id.text());
  if (!record || !record->newest) return false;
  const Certificate& newest = record->newest->issued.chain.leaf;
  return shown.not_after() > newest.not_after() &&
         due_at(newest, record->newest->renewal_info) <= estate.simulated->time().now();
}

// The CA wants the newest there is replaced before its time: its successor takes the place of what lasts a while.
bool newest_is_wanted_early(Estate& estate, const Certificate& shown, const CertificateConfig& wanted) {
  const auto record = estate.record(wanted.id.text());
  const auto info = record && record->newest ? record->newest->renewal_info : std::nullopt;
  if (!info || !info->window) return false;
  const Certificate& newest = record->newest->issued.chain.leaf;
  const WallTime now = estate.simulated->time().now();
  return std::ranges::all_of(wanted.domains, [&](const DomainName& name) { return shown.covers(name); }) &&
         info->window->end < due_at(newest) && due_at(newest, info) <= now && now < emergency_at(shown);
}

// Where it was forgotten once, as far as its record knows: of what was before nobody does, though its key may be left.
bool is_its_own(Estate& estate, const std::string& id, const Certificate& leaf) {
  const auto record = estate.record(id);
  if (!record || !record->newest || !key_is_kept(estate, id, leaf)) return false;
  const Fingerprint print = leaf.fingerprint();
  const auto issued = [&](const auto& one) { return one && one->issued.fingerprint() == print; };
  return !estate.was_forgotten(id) || issued(record->newest) || issued(record->previous) ||
         std::ranges::any_of(record->targets, [&](const auto& target) { return target.second.was_given(print); });
}

// Kept because it lasts longer, or is somebody else's and covers a name that the wanted one does not, and had not
// expired when that machine ran last. Whether it was revoked is not asked: it may be a neighbour's, from which this
// place was moved, and whose names somebody still needs.
bool rightly_held(Estate& estate, const Place& place, const Certificate& there, const CertificateConfig& wanted,
                  const std::string& machine, bool last_run_was_there) {
  const bool valid = !there.self_signed() && there.not_after() > estate.last_run_on(machine);
  const bool told = !last_run_was_there || estate.said_held(place.name, wanted);
  const bool covers_more =
      !is_its_own(estate, wanted.id.text(), there) && std::ranges::any_of(there.names(), [&](const DomainName& name) {
        return std::ranges::none_of(wanted.domains, [&](const DomainName& ours) {
          return name == ours || (!name.wildcard() && name.covered_by(ours));
        });
      });
  return told && valid &&
         (covers_more || outlasts_the_newest(estate, there, wanted) || newest_is_wanted_early(estate, there, wanted));
}

// By what is on the listener's list, is none of its own, and its record tells of: only whose it is may take that off.
bool hidden_by_others(Estate& estate, const Place& place, const CertificateConfig& wanted) {
  const auto record = estate.record(wanted.id.text());
  if (!record || !record->newest || !place.usual || !place.shown) return false;
  if (is_its_own(estate, wanted.id.text(), *place.shown)) return false;
  return place.usual->fingerprint() == record->newest->issued.fingerprint() &&
         std::ranges::any_of(record->targets, [&](const auto& target) {
           return target.second.shown_instead == place.shown->fingerprint();
         });
}

std::string objection_to(Estate& estate, const InstallConfig& install, const CertificateConfig& wanted,
                         const std::string& machine, bool last_run_was_there) {
  const Place place = look_at(estate, install, wanted, machine);
  const auto keeps_it_off = [&](const std::optional<Certificate>& there) {
    return there && rightly_held(estate, place, *there, wanted, machine, last_run_was_there);
  };
  if (keeps_it_off(place.shown ? place.shown : place.unread) || keeps_it_off(place.usual)) return "";
  if (hidden_by_others(estate, place, wanted)) return "";
  if (!place.shown) return fmt::format("{} shows nothing", place.name);
  const Certificate& leaf = *place.shown;
  if (!place.whole) return fmt::format("{} is not whole", place.name);
  if (names_as_text(leaf.names()) != names_as_text(wanted.domains) || leaf.self_signed())
    return fmt::format("{} does not show {}", place.name, wanted.id.text());
  const sandbox::CaCertificate* ours = of_our_ca(estate, leaf);
  if (ours == nullptr) return fmt::format("{} shows a certificate that is not of our CA", place.name);
  if (ours->revoked) return fmt::format("{} shows a revoked certificate", place.name);
  if (leaf.not_after() <= estate.simulated->time().now())
    return fmt::format("{} shows an expired certificate", place.name);
  if (leaf.fingerprint() != estate.newest(wanted.id.text()) && !keeps_it_off(place.unread))
    return fmt::format("{} shows another certificate than the newest of {}", place.name, wanted.id.text());
  return "";
}

bool had_failed(const sandbox::CaAuthorization& proof, WallTime by) {
  return std::ranges::any_of(proof.challenges, [&](const sandbox::CaChallenge& challenge) {
    return challenge.error && challenge.validated_at && *challenge.validated_at < by;
  });
}

// It had found a proof wanting by then, whether the order stays pending with that or not, or could not issue; or a
// proof was given up (by `forget`), which its order does not tell from that. One that nobody went on with in time has
// only ended.
bool failed_by_the_ca(sandbox::World& world, const sandbox::CaOrder& order, WallTime proof_by) {
  if (order.status != "invalid" && order.status != "pending") return false;
  return order.requested || std::ranges::any_of(order.authorizations, [&](const std::string& url) {
           const auto& proof = world.ca().authorizations.at(url);
           return proof.status == "deactivated" || had_failed(proof, proof_by);
         });
}

// Whether an order for this certificate was asked about from this event on that the CA had failed. Whoever fails a
// validation of an undisturbed run has answered for what was not there, or has taken it away: that is excused by an
// earlier one alone.
bool an_order_was_failed(Estate& estate, const CertificateConfig& wanted, std::size_t from) {
  auto& world = estate.world();
  const auto& events = world.events();
  const WallTime begun = from < events.size() ? events[from].at : world.now();
  return std::any_of(events.begin() + static_cast<std::ptrdiff_t>(from), events.end(), [&](const auto& event) {
    const auto order = world.ca().orders.find(event.object);
    return order != world.ca().orders.end() && names_as_text(order->second.names) == names_as_text(wanted.domains) &&
           failed_by_the_ca(world, order->second, begun);
  });
}

// Those that the last run, which began at this event, could not get by an order that the CA had failed. One whose order
// or certificate had merely ended is ordered anew at once, and nobody refuses anything of an undisturbed run.
std::set<std::string> excused_by_the_ca(Estate& estate, std::size_t from) {
  std::set<std::string> excused;
  for (const CertificateConfig& wanted : estate.all_wanted())
    if (std::ranges::any_of(estate.report().outcomes,
                            [&](const Outcome& outcome) {
                              return outcome.kind == Outcome::Kind::failed && outcome.certificate == wanted.id.text();
                            }) &&
        an_order_was_failed(estate, wanted, from))
      excused.insert(wanted.id.text());
  return excused;
}

// Whether the record that is left may be of a generation that goes on with an order which the CA left pending. Those
// that a killed run left of it stay until it ends.
bool of_an_open_order(Estate& estate, const std::set<std::string>& excused, const std::string& record) {
  return record.starts_with("a record is left") &&
         std::ranges::any_of(estate.all_wanted(), [&](const CertificateConfig& wanted) {
           const std::string id = wanted.id.text();
           return excused.contains(id) && estate.record(id) && estate.record(id)->open_generation &&
                  std::ranges::any_of(wanted.domains, [&](const DomainName& name) {
                    return record.contains(name.without_wildcard().text());
                  });
         });
}

// What the CA revoked while it was being issued is put up, and that it wants it replaced is asked by the next run.
bool learns_it_next(Estate& estate, const CertificateConfig& wanted) {
  const auto newest = estate.newest(wanted.id.text());
  const auto& all = estate.world().ca().certificates;
  const bool revoked = std::ranges::any_of(
      all, [&](const auto& entry) { return newest == entry.second.chain.leaf.fingerprint() && entry.second.revoked; });
  return revoked && said(estate, Outcome::Kind::issued, wanted);
}

// That others put something of theirs there again and again: it is told of as what only they can end, by a run that
// puts it right.
bool tells_of_others(Estate& estate, const Outcome& outcome) {
  constexpr std::string_view before = "somebody puts ", after = " there in place of what is installed";
  if (!outcome.what.starts_with(before)) return false;
  const std::string put = outcome.what.substr(before.size(), outcome.what.find(after) - before.size());
  return (put.starts_with("arn:") && !put.contains(":server-certificate/certferry/")) ||
         std::ranges::any_of(estate.simulated->third_parties().directories(),
                             [&](const auto& directory) { return directory.second == put; });
}

}  // namespace

std::vector<std::string> names_as_text(const std::vector<DomainName>& names) {
  std::vector<std::string> texts;
  for (const DomainName& name : names) texts.push_back(name.text());
  std::ranges::sort(texts);
  return texts;
}

std::vector<std::string> failures_of_others(Estate& estate, const std::set<std::string>& ailing) {
  if (!estate.reported()) return {"no report"};
  std::vector<std::string> all;
  for (const Outcome& outcome : estate.report().outcomes)
    if (outcome.kind == Outcome::Kind::failed && !ailing.contains(outcome.certificate) &&
        !tells_of_others(estate, outcome))
      all.push_back(outcome.what);
  return all;
}

std::vector<std::string> not_well(Estate& estate, const std::set<std::string>& ailing,
                                  const std::vector<std::string>& machines) {
  std::vector<std::string> wrong;
  for (const std::string& failure : failures_of_others(estate, ailing))
    wrong.push_back("the last run failed: " + failure);
  for (const CertificateConfig& wanted : estate.all_wanted()) {
    if (ailing.contains(wanted.id.text())) continue;
    if (!has_a_valid_one(estate, wanted) && !estate.said_held("", wanted))
      wrong.push_back(fmt::format("{} has no valid certificate", wanted.id.text()));
    else if (is_overdue_by(days(2), estate, wanted) && !estate.said_held("", wanted))
      wrong.push_back(fmt::format("{} was not renewed", wanted.id.text()));
    for (const InstallConfig& install : wanted.install)
      for (const std::string& machine : machines)
        if (std::string why = objection_to(estate, install, wanted, machine, machine == "main"); !why.empty())
          wrong.push_back(std::move(why));
  }
  for (std::string& what : left_over(estate, ailing, machines)) wrong.push_back(std::move(what));
  for (std::string& behind : index_behind_its_records(estate.watch->stored())) wrong.push_back(std::move(behind));
  return wrong;
}

std::vector<std::string> not_repaired(Estate& estate, std::size_t first_event, const std::string& machine) {
  if (!estate.reported()) return {"the run gave no report"};
  std::vector<std::string> wrong;
  const std::set<std::string> excused = excused_by_the_ca(estate, first_event);
  for (const Outcome& outcome : estate.report().outcomes)
    if (outcome.kind == Outcome::Kind::failed && !tells_of_others(estate, outcome) &&
        !(outcome.target.empty() && excused.contains(outcome.certificate)))
      wrong.push_back("it failed: " + outcome.what);
  for (const CertificateConfig& wanted : estate.all_wanted()) {
    const bool has_one = has_a_valid_one(estate, wanted);
    if (learns_it_next(estate, wanted) || (!has_one && excused.contains(wanted.id.text()))) continue;
    const bool held = estate.said_held("", wanted);
    if (!has_one && !held) wrong.push_back(wanted.id.text() + " has no valid certificate");
    const bool excused_this = held || is_next_later(estate, wanted) || excused.contains(wanted.id.text());
    if (has_one && is_overdue_by(hours(2), estate, wanted) && !excused_this)
      wrong.push_back(wanted.id.text() + " was not renewed");
    for (const InstallConfig& install : wanted.install)
      if (std::string why = objection_to(estate, install, wanted, machine, true); !why.empty())
        wrong.push_back(std::move(why));
  }
  for (std::string& record : records_amiss(estate, estate.challenge_records()))
    if (!of_an_open_order(estate, excused, record)) wrong.push_back(std::move(record));
  return wrong;
}

}  // namespace certferry::simulation
