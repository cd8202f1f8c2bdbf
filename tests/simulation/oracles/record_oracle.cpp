#include "record_oracle.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "wire/base64.h"

namespace certferry::simulation {
namespace {

constexpr Duration heartbeat_counts_for = seconds(60);  // docs/journal.md, The record
constexpr Duration written_down_within = hours(1);      // of one that was verified: it may be over since

const Json& member(const Json& json, std::string_view key) {
  static const Json nothing;
  const Json* found = json.find(key);
  return found != nullptr ? *found : nothing;
}

std::string certificate_of(const std::string& key) {
  const auto from = key.find('/') + 1;
  return key.substr(from, key.find('/', from) - from);
}

// All of a record that only who has claimed it may change.
Json claimed_part(Json record) {
  record.erase("claim");
  for (const char* which : {"newest", "previous"})
    if (record.find(which) != nullptr) record[which].erase("renewal_info");
  return record;
}

std::string objection(sandbox::World& world, WallTime now, const Chain& chain, const std::vector<std::string>& names,
                      const std::string& public_key) {
  const Certificate& leaf = chain.leaf;
  if (leaf.not_after() <= now && now < leaf.not_after() + written_down_within) now = leaf.not_after() - milliseconds(1);
  std::vector<std::string> covered;
  for (const DomainName& name : leaf.names()) covered.push_back(name.text());
  std::ranges::sort(covered);
  if (covered != names) return "its names are others";
  if (base64(leaf.public_key().spki()) != public_key) return "its key is another";
  if (leaf.not_before() > now || leaf.not_after() <= now) return "it is outside its dates";
  if (!leaf.allows_server_auth()) return "it is not for servers";
  if (leaf.self_signed()) return "nobody issued it";
  const Certificate* last = &leaf;
  for (const Certificate& next : chain.intermediates) {
    if (!last->issued_by(next)) return "its chain is broken";
    last = &next;
  }
  // A leaf that came alone, twice, is taken as it came: it may be that the CA has no intermediate.
  if (world.settings().trusted && !chain.intermediates.empty()) return world.roots().objection(chain, now).value_or("");
  return "";
}

}  // namespace

void RecordOracle::changed(const StoredChange& change) {
  if (change.is_record()) record_changed(change.key, change.before, change.after);
  if (change.is_journal()) journal_changed(change);
}

void RecordOracle::record_changed(const std::string& key, const Json& before, const Json& after) {
  if (after.is_null()) {
    epochs_.erase(certificate_of(key));
    return;
  }
  const Json &was = member(before, "claim"), &is = member(after, "claim");
  const std::int64_t epoch = is.integer("epoch").value_or(0);
  epochs_[certificate_of(key)] = epoch;
  if (const Json* newest = after.find("newest"))
    recorded(key, member(*newest, "issued"), member(*newest, "key"), member(*newest, "specification"));
  if (before.is_null()) return;
  const std::string from = was.text("instance").value_or(""), by = is.text("instance").value_or("");
  if (epoch < was.integer("epoch").value_or(0)) complain_(fmt::format("I8: the epoch of {} went back", key));
  if (!by.empty() && by != from && epoch == was.integer("epoch").value_or(0))
    complain_(fmt::format("I8: {} took {} in an epoch that was another's", by, key));
  if (!by.empty() && !from.empty() && by != from) taken_over(key, from, by);
  if (by.empty() && from.empty() && claimed_part(before) != claimed_part(after))
    complain_(fmt::format("I8: {} was changed by somebody who had not claimed it", key));
  if (after.integer("last_generation").value_or(0) < before.integer("last_generation").value_or(0))
    complain_(fmt::format("I8: the last generation of {} went back", key));
}

// On S3 alone: who holds the lock of an embedded store knows that all others are gone. A beat that lands when the heart
// stands still already is no sign of life: who takes over may have looked before.
void RecordOracle::taken_over(const std::string& key, const std::string& from, const std::string& by) {
  for (const auto& [bucket, objects] : simulated_.world().buckets().by_name) {
    for (const auto& [name, object] : objects) {
      if (!name.ends_with("instance/" + from)) continue;
      if (late_beats_.contains(bucket + "/" + name)) continue;
      const Duration age = simulated_.time().now() - object.modified;
      if (age < heartbeat_counts_for)
        complain_(fmt::format("I8: {} took {} from {}, whose heart beat {} ago", by, key, from, humane(age)));
    }
  }
}

void RecordOracle::journal_changed(const StoredChange& change) {
  const auto& [key, value, before, after, late] = change;
  if (after.is_null()) {
    if (const auto order = orders_.extract(key)) former_orders_.insert(order.mapped());
    return;
  }
  const Json& steps = member(after, "steps");
  if (const Json* order = steps.find("order"); order != nullptr && order->text("state") == "done")
    orders_[key] = order->text("value").value_or("");
  if (const Json* certificate = steps.find("certificate"); certificate != nullptr && certificate->find("value"))
    recorded(key, member(*certificate, "value"), member(member(steps, "key"), "value"), member(after, "specification"));
  const std::int64_t epoch = after.integer("epoch").value_or(0);
  const auto claimed = epochs_.find(certificate_of(key));
  const bool of_a_forgotten_life = late;
  if (claimed != epochs_.end() && epoch > claimed->second && !of_a_forgotten_life)
    complain_(fmt::format("I8: {} has epoch {}, which nobody has claimed", key, epoch));
  if (before.is_null()) return;
  if (epoch < before.integer("epoch").value_or(0)) complain_(fmt::format("I8: the epoch of {} went back", key));
  if (member(before, "specification") != member(after, "specification"))
    complain_(fmt::format("I6: {} is for another specification than before", key));
  const Json& finished = member(before, "steps");
  if (!finished.is_object()) return;
  for (const auto& [name, step] : finished.as_object()) {
    if (step.text("state") != "done") continue;
    if (member(member(steps, name), "value") != member(step, "value"))
      complain_(fmt::format("I6: the finished step \"{}\" of {} became another", name, key));
  }
}

void RecordOracle::recorded(const std::string& where, const Json& issued, const Json& key, const Json& specification) {
  const std::string pem = issued.text("pem").value_or("");
  std::vector<std::string> names;
  for (const Json& name : specification.elements("names")) names.push_back(name.as_text());
  std::ranges::sort(names);
  const std::string public_key = key.text("public_key").value_or("");
  if (!checked_.insert({pem, public_key, names}).second) return;
  try {
    const std::string why =
        objection(simulated_.world(), simulated_.time().now(), parse_chain(BytesView{pem}), names, public_key);
    if (!why.empty()) complain_(fmt::format("I5: {} holds a certificate of which {}", where, why));
  } catch (const Failure& failure) {
    complain_(fmt::format("I5: {} holds no certificate: {}", where, failure.what()));
  }
}

// A beat that comes when the one before had expired is as late: who takes over may have looked in between.
void RecordOracle::written_in_s3(const sandbox::Event& event) {
  const auto [before, first] = written_.try_emplace(event.object, event.at);
  const bool expired = !first && event.at - std::exchange(before->second, event.at) > heartbeat_counts_for;
  if (event.late || expired)
    late_beats_.insert(event.object);
  else
    late_beats_.erase(event.object);
}

void RecordOracle::happened(const sandbox::Event& event) {
  if (event.changed && event.service == "s3") written_in_s3(event);
  if (!event.changed || event.service != "acme" || event.operation != "challenge") return;
  const auto& orders = simulated_.world().ca().orders;
  const auto asks_for_it = [&](const std::string& url) {
    const auto order = orders.find(url);
    return order != orders.end() &&
           std::ranges::find(order->second.authorizations, event.object) != order->second.authorizations.end();
  };
  const bool written = std::ranges::any_of(orders_, [&](const auto& entry) { return asks_for_it(entry.second); });
  if (!written && !(event.late && std::ranges::any_of(former_orders_, asks_for_it)))
    complain_(fmt::format("I6: {} was answered for an order that no journal holds", event.object));
}

}  // namespace certferry::simulation
