#include "left_over.h"

#include <algorithm>

#include "base/limits/renewal.h"
#include "oracles/gone.h"
#include "oracles/host_of.h"
#include "oracles/stored_value.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"
#include "wire/url.h"

namespace certferry::simulation {
namespace {

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
  if (!record) return ailing.contains(id) || estate.said_held("", *wanted);
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

// In the zones, and as name servers still answer.
std::vector<std::string> txt_values(Estate& estate) {
  std::set<std::string> all;
  for (const auto& zone : estate.world().zones().all)
    for (const sandbox::RecordSets* sets : {&zone.sets, &zone.served})
      for (const auto& [key, set] : *sets)
        if (set.type == "TXT")
          for (const std::string& value : set.values) all.insert(set.name + " " + value);
  return {all.begin(), all.end()};
}

}  // namespace

std::vector<std::string> records_amiss(Estate& estate, const std::vector<std::string>& present) {
  std::vector<std::string> wrong;
  auto theirs = estate.simulated->third_parties().values();
  for (const std::string& record : present)
    if (theirs.erase(record) == 0) wrong.push_back("a record is left: " + record);
  for (const std::string& record : theirs) wrong.push_back("a record of somebody else is gone: " + record);
  return wrong;
}

std::vector<std::string> left_over(Estate& estate, const std::set<std::string>& ailing,
                                   const std::vector<std::string>& machines) {
  std::vector<std::string> wrong = records_amiss(estate, txt_values(estate));
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
  return wrong;
}

}  // namespace certferry::simulation
