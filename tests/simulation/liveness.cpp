#include "liveness.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/limits/renewal.h"
#include "deploy/object_name.h"
#include "oracles/gone.h"
#include "oracles/host_of.h"
#include "oracles/index_oracle.h"
#include "oracles/read_key.h"
#include "oracles/stored_value.h"
#include "plan/schedule.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"
#include "wire/url.h"

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

// For longer than whoever asked for one too often, or had to wait for another reason, waits for the next.
bool is_overdue(Estate& estate, const CertificateConfig& wanted) {
  const auto record = estate.record(wanted.id.text());
  if (!record || !record->newest) return false;
  const WallTime due = due_at(record->newest->issued.chain.leaf, record->newest->renewal_info);
  return due + days(2) < estate.simulated->time().now();
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

// Whether the last run said that the certificate is kept off this place (by I7), or, where none of its places would
// take it, that none is ordered: "".
bool held_from(Estate& estate, const std::string& place, const CertificateConfig& wanted) {
  return estate.reported() && std::ranges::any_of(estate.report().outcomes, [&](const Outcome& outcome) {
           const bool there = outcome.target.empty() || (!place.empty() && outcome.target.contains(place));
           return outcome.kind == Outcome::Kind::held && outcome.certificate == wanted.id.text() && there;
         });
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

// One that its record does not know any more was forgotten.
bool is_its_own(Estate& estate, const std::string& id, const Certificate& leaf) {
  return estate.newest(id) && key_is_kept(estate, id, leaf);
}

// Kept because it lasts longer, or is somebody else's and covers a name that the wanted one does not, and had not
// expired when that machine ran last. Whether it was revoked is not asked: it may be a neighbour's, from which this
// place was moved, and whose names somebody still needs.
bool rightly_held(Estate& estate, const Place& place, const Certificate& there, const CertificateConfig& wanted,
                  const std::string& machine, bool last_run_was_there) {
  const bool valid = !there.self_signed() && there.not_after() > estate.last_run_on(machine);
  const bool told = !last_run_was_there || held_from(estate, place.name, wanted);
  const bool covers_more =
      !is_its_own(estate, wanted.id.text(), there) && std::ranges::any_of(there.names(), [&](const DomainName& name) {
        return std::ranges::none_of(wanted.domains, [&](const DomainName& ours) {
          return name == ours || (!name.wildcard() && name.covered_by(ours));
        });
      });
  return told && valid &&
         (covers_more || outlasts_the_newest(estate, there, wanted) || newest_is_wanted_early(estate, there, wanted));
}

std::string objection_to(Estate& estate, const InstallConfig& install, const CertificateConfig& wanted,
                         const std::string& machine, bool last_run_was_there) {
  const Place place = look_at(estate, install, wanted, machine);
  const auto keeps_it_off = [&](const std::optional<Certificate>& there) {
    return there && rightly_held(estate, place, *there, wanted, machine, last_run_was_there);
  };
  if (keeps_it_off(place.shown ? place.shown : place.unread) || keeps_it_off(place.usual)) return "";
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

// Whole or not: a private key that was left alone in its directory is the worst of them.
std::vector<std::string> directories_left_over(Estate& estate, const std::string& on) {
  constexpr std::string_view generations = "/generations/";
  const auto& machine = estate.simulated->machine(on);
  std::set<std::string> left;
  for (const auto& [path, node] : machine.nodes) {
    const auto at = path.find(generations);
    if (at == std::string::npos) continue;
    const std::string generation = path.substr(0, path.find('/', at + generations.size()));
    if (machine.resolved(path.substr(0, at) + "/live") != generation) left.insert(generation);
  }
  return {left.begin(), left.end()};
}

// The newest of a certificate is kept on its shelf, though every install may have been moved away from it. What stands
// there bears the beginning of its fingerprint.
bool newest_of_some(Estate& estate, const std::string& name) {
  constexpr std::size_t in_names = 16;
  return std::ranges::any_of(estate.all_wanted(), [&](const CertificateConfig& wanted) {
    const auto newest = estate.newest(wanted.id.text());
    return newest && name.contains(newest->text().substr(0, in_names));
  });
}

// Whether an entry of a ledger may stay though nothing needs it. Its certificate was forgotten and is wanted again:
// while it has no record, for it is held from all of its places or cannot be had, nobody can say what it may need; and
// its generations are counted anew, so that the open one may bear the number of this.
bool kept_unneeded(Estate& estate, const std::set<std::string>& ailing, const Json& entry) {
  const std::string id = entry.at("certificate").as_text();
  const auto all = estate.all_wanted();
  const auto wanted = std::ranges::find(all, id, [](const CertificateConfig& one) { return one.id.text(); });
  if (wanted == all.end()) return false;
  const auto record = estate.record(id);
  if (!record) return ailing.contains(id) || held_from(estate, "", *wanted);
  return ailing.contains(id) && record->open_generation == entry.at("generation").as_integer();
}

// Who was killed in the last days may have left it to a later run to see that it is needed no longer.
bool grace_has_begun_lately(Estate& estate, const Json& entry) {
  const auto since = parse_iso8601(entry.text("unneeded_since").value_or(""));
  return since && estate.simulated->time().now() < *since + limits::renewal::retire_after;
}

// What a place was kept for until it ended, in the last days: a path, or a name.
bool was_kept_for(Estate& estate, const std::string& name) {
  const WallTime now = estate.simulated->time().now();
  for (const auto& [key, value] : estate.watch->stored()) {
    const Json record = key.ends_with("/record") ? object_of(value) : Json{};
    const Json* targets = record.find("targets");
    if (targets == nullptr || !targets->is_object()) continue;
    for (const auto& [id, target] : targets->as_object()) {
      const Json* former = target.find("former");
      if (!former || !former->text("reference").value_or("").ends_with(name)) continue;
      const std::string chain = former->text("body").value_or("");
      const auto until = parse_iso8601(target.text("former_until").value_or(""));
      if (until && now < *until && !chain.empty() && parse_chain(BytesView{chain}).leaf.not_after() <= now) return true;
    }
  }
  return false;
}

// The newest of some certificate, or what a record or a ledger tells of one that may stay.
bool may_stay(Estate& estate, const std::set<std::string>& ailing, const std::string& name) {
  if (newest_of_some(estate, name) || was_kept_for(estate, name)) return true;
  for (const auto& [key, value] : estate.watch->stored())
    for (const Json& entry : key.starts_with("shelf/") ? object_of(value).elements("entries") : Json::Array{})
      if (name.ends_with(entry.at("name").as_text()) &&
          (kept_unneeded(estate, ailing, entry) || grace_has_begun_lately(estate, entry)))
        return true;
  return false;
}

// Whether this ledger is that of a directory on this machine:
// "shelf/files%2Fhost%2Fsimulated%2Fetc%2Fssl%2Fshop/ledger".
bool is_of(const std::string& ledger, const sandbox::Machine& machine) {
  const std::string shelf = percent_decoded(ledger.substr(ledger.find('/') + 1)).value_or("");
  return !directory_of(shelf.substr(0, shelf.rfind('/')), machine).empty();
}

bool stands_on(Estate& estate, const std::string& ledger, const std::string& name) {
  if (ledger.starts_with("shelf/iam")) return estate.world().server_certificates().by_name.contains(name);
  return std::ranges::any_of(estate.simulated->machines(), [&](const auto& one) {
    return is_of(ledger, one.second) && std::ranges::any_of(one.second.nodes, [&](const auto& node) {
             return node.first.ends_with("/generations/" + name);
           });
  });
}

// Whether this ledger is IAM's, or that of a directory on one of these machines.
bool is_of_any(Estate& estate, const std::string& ledger, const std::vector<std::string>& machines) {
  return ledger.starts_with("shelf/iam") || std::ranges::any_of(machines, [&](const std::string& on) {
           return is_of(ledger, estate.simulated->machine(on));
         });
}

bool is_referred_to(Estate& estate, const std::string& arn) {
  return estate.world().classic().refers_to(arn) || estate.world().load_balancers().refers_to(arn);
}

bool is_known_on(Estate& estate, const sandbox::Machine& machine, const std::string& generation) {
  return std::ranges::any_of(estate.watch->stored(), [&](const auto& stored) {
    if (!stored.first.starts_with("shelf/files") || !is_of(stored.first, machine)) return false;
    return std::ranges::any_of(object_of(stored.second).elements("entries"), [&](const Json& entry) {
      return generation.ends_with("/" + entry.at("name").as_text());
    });
  });
}

// Of a machine that was gone for so long that the state has forgotten it: what was left there is its own.
bool was_forgotten_with(Estate& estate, const std::string& on, const std::string& generation) {
  return !is_known_on(estate, estate.simulated->machine(on), generation) &&
         has_expired_where_gone(estate.world(), generation, estate.simulated->time().now());
}

// Of what is no longer there. What was only meant for a shelf, or was deleted by somebody else, stays in its ledger, as
// what stands there would, while it is its certificate's newest, or a listener refers to it.
std::vector<std::string> ledgers_that_tell_of_more(Estate& estate, const std::set<std::string>& ailing,
                                                   const std::vector<std::string>& machines) {
  std::vector<std::string> left;
  for (const auto& [key, value] : estate.watch->stored()) {
    if (key.starts_with("zone/") && !object_of(value).elements("entries").empty()) left.push_back(key);
    if (!key.starts_with("shelf/") || !is_of_any(estate, key, machines)) continue;
    for (const Json& entry : object_of(value).elements("entries")) {
      const std::string name = entry.text("name").value_or("");
      if (kept_unneeded(estate, ailing, entry)) continue;
      const std::string reference = entry.text("reference").value_or("");
      const bool absent = reference.empty() || estate.simulated->third_parties().removed().contains(name);
      const bool needed = newest_of_some(estate, name) || is_referred_to(estate, reference);
      if (!stands_on(estate, key, name) && !(absent && needed)) left.push_back(key);
    }
  }
  return left;
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
  return revoked && std::ranges::any_of(estate.report().outcomes, [&](const Outcome& outcome) {
           return outcome.kind == Outcome::Kind::issued && outcome.certificate == wanted.id.text();
         });
}

// Ours that are left among these, and those of somebody else that are gone from them.
template <class Records>
std::vector<std::string> records_amiss(Estate& estate, const Records& present) {
  std::vector<std::string> wrong;
  auto theirs = estate.simulated->third_parties().values();
  for (const std::string& record : present)
    if (theirs.erase(record) == 0) wrong.push_back("a record is left: " + record);
  for (const std::string& record : theirs) wrong.push_back("a record of somebody else is gone: " + record);
  return wrong;
}

// In the zones, and as name servers still answer.
std::set<std::string> txt_values(Estate& estate) {
  std::set<std::string> all;
  for (const auto& zone : estate.world().zones().all)
    for (const sandbox::RecordSets* sets : {&zone.sets, &zone.served})
      for (const auto& [key, set] : *sets)
        if (set.type == "TXT")
          for (const std::string& value : set.values) all.insert(set.name + " " + value);
  return all;
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
    if (!has_a_valid_one(estate, wanted) && !held_from(estate, "", wanted))
      wrong.push_back(fmt::format("{} has no valid certificate", wanted.id.text()));
    else if (is_overdue(estate, wanted) && !held_from(estate, "", wanted))
      wrong.push_back(fmt::format("{} was not renewed", wanted.id.text()));
    for (const InstallConfig& install : wanted.install)
      for (const std::string& machine : machines)
        if (std::string why = objection_to(estate, install, wanted, machine, machine == "main"); !why.empty())
          wrong.push_back(std::move(why));
  }
  for (std::string& record : records_amiss(estate, txt_values(estate))) wrong.push_back(std::move(record));
  for (const auto& [id, place] : estate.simulated->third_parties().directories())
    for (const std::string& on : machines)
      if (const auto& machine = estate.simulated->machine(on); machine.id == id && !machine.find(place + "/cert.pem"))
        wrong.push_back("a directory of somebody else is gone: " + place);
  for (const std::string& name : estate.server_certificates_left_over())
    if (!may_stay(estate, ailing, name)) wrong.push_back("a certificate is left: " + name);
  for (const std::string& machine : machines)
    for (const std::string& path : directories_left_over(estate, machine))
      if (!may_stay(estate, ailing, path) && !was_forgotten_with(estate, machine, path))
        wrong.push_back("a generation is left: " + path);
  for (const std::string& key : ledgers_that_tell_of_more(estate, ailing, machines))
    wrong.push_back(key + " tells of what is gone");
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
    if (!has_one && !held_from(estate, "", wanted)) wrong.push_back(wanted.id.text() + " has no valid certificate");
    for (const InstallConfig& install : wanted.install)
      if (std::string why = objection_to(estate, install, wanted, machine, true); !why.empty())
        wrong.push_back(std::move(why));
  }
  for (std::string& record : records_amiss(estate, estate.challenge_records()))
    if (!of_an_open_order(estate, excused, record)) wrong.push_back(std::move(record));
  return wrong;
}

}  // namespace certferry::simulation
