#include "turns.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <tuple>

#include "../oracles/stored_value.h"
#include "base/failure.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/server_certificates.h"
#include "wire/base64.h"

namespace certferry::soak {
namespace {

constexpr const char* known_format = "\"format\":1";
constexpr const char* newer_format = "\"format\":2";
constexpr int everything = 100;  // percent
constexpr const char* key_file = "/var/lib/certferry/store.key";

// The index is derived, and a newer one is written anew; heartbeats come and go.
bool stays(const std::string& key) { return !key.contains("index/") && !key.contains("instance/"); }

Bytes in_a_newer_format(Bytes value) {
  if (const auto at = value.find(known_format); at != Bytes::npos)
    value.replace(at, std::string_view{known_format}.size(), newer_format);
  return value;
}

// What values of earlier versions do not have (docs/journal.md); secrets are written once and stay as they are. Not
// when an order expires: a generation begun without that may wait for a day for an order that the CA finds no more.
constexpr std::array members_since{"account", "damaged",     "in_use",       "keep_until",    "pending_in",
                                   "regions", "reloaded_by", "renewal_info", "shown_instead", "silent",
                                   "stayed",  "unissued",    "unopened"};

Json without_members_since(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value.as_array()) out.push_back(without_members_since(element));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.as_object())
    if (std::ranges::find(members_since, name) == members_since.end()) out[name] = without_members_since(member);
  return out;
}

Bytes in_an_older_format(const std::string& key, Bytes value) {
  if (key.contains("secret/") || key.contains("account/")) return value;
  const Json object = simulation::object_of(value);
  return object.is_object() ? Bytes{without_members_since(object).dump()} : value;
}

}  // namespace

void Turns::undo() {
  for (const auto& act : undo_) act();
  undo_.clear();
}

void Turns::take(Turn turn) {
  if (act(turn)) acted_.insert(turn);
}

bool Turns::act(Turn turn) {
  switch (turn) {
    case Turn::nothing:
      return false;
    case Turn::clock_jumps:
      let_the_clock_jump();
      return false;  // it jumps later, if the run lasts so long
    case Turn::interrupted:
      interrupt_the_next_run();
      return false;  // likewise
    case Turn::name_added:
      return add_a_name();
    case Turn::name_dropped:
      return drop_a_name();
    case Turn::zone_removed:
      return remove_a_zone();
    case Turn::install_moved:
      return move_an_install();
    case Turn::bought:
      return put_a_bought_one_to_use();
    case Turn::bound_elsewhere:
      return bind_one_elsewhere();
    case Turn::file_lost:
      return lose_a_file();
    case Turn::certificate_lost:
      return lose_a_certificate();
    case Turn::unwanted:
      unwant_the_last();
      break;
    case Turn::key_changed:
      change_the_key();
      break;
    case Turn::profile_changed:
      change_the_profile();
      break;
    case Turn::ca_slow:
      slow_the_ca_down();
      break;
    case Turn::delegation_lapsed:
      let_the_delegation_lapse();
      break;
    case Turn::lifetimes_shrink:
      let_lifetimes_shrink();
      break;
    case Turn::revoked:
    case Turn::window_moved:
      move_windows(turn == Turn::revoked);
      break;
    case Turn::account_deactivated:
      deactivate_the_account();
      break;
    case Turn::accounts_lost:
      lose_the_accounts();
      break;
    case Turn::newer_version:
      let_a_newer_version_write();
      break;
    case Turn::older_version:
      let_an_older_version_have_written();
      break;
    case Turn::kms_denied:
      estate_.world().kms().denied = true;
      undo_with([this] { estate_.world().kms().denied = false; });
      break;
    case Turn::disk_full:
      fill_the_disks();
      break;
    case Turn::forgotten:
      return forget_the_last();
    case Turn::forgotten_beside:
      forget_the_last_beside_the_next_run();
      break;
    case Turn::told_to_renew:
      tell_it_to_renew();
      break;
    case Turn::told_to_retry:
      request_.retry = true;
      undo_with([this] { request_.retry = false; });
      break;
    case Turn::only_the_first:
      request_.only = {drawn_.certificates.front().id};
      undo_with([this] { request_.only.clear(); });
  }
  return true;
}

void Turns::allow_parallel_orders() {
  const std::vector<DomainName> names = estate_.wanted(last().id).config.domains;
  estate_.watch->invariants().allow_parallel_orders(names);
  undo_with([this, names] { estate_.watch->invariants().forbid_parallel_orders(names); });
}

bool Turns::add_a_name() {
  const std::string name = "added.later." + drawn_.zones.back();
  if (std::ranges::find(last().domains, name) != last().domains.end()) return false;
  last().domains.push_back(name);
  std::ranges::sort(last().domains);
  want_the_last_for_its_names();
  return true;
}

bool Turns::drop_a_name() {
  auto& domains = last().domains;
  if (domains.size() < 2) return false;
  domains.erase(domains.begin() + static_cast<std::ptrdiff_t>(drawn_.seed % domains.size()));
  want_the_last_for_its_names();
  return true;
}

void Turns::want_the_last_for_its_names() {
  auto& domains = estate_.wanted(last().id).config.domains;
  former_names_.push_back(domains);
  domains.clear();
  for (const std::string& one : last().domains) domains.push_back(DomainName::parse(one));
  for (const auto& former : former_names_) estate_.watch->invariants().allow_fewer_names(former, domains);
  allow_parallel_orders();  // there may be a generation that was closed when they were others
}

void Turns::unwant_the_last() {
  allow_parallel_orders();  // of the generation that is closed: giving it up is best effort
  const CertificateConfig config = estate_.wanted(last().id).config;
  estate_.unwant(last().id);
  undo_with([this, config] { estate_.certificate(config.id.text(), {}).config = config; });
}

bool Turns::forget_the_last() {
  unwant_the_last();
  return estate_.forget(last().id).how == sandbox::Ending::How::finished;
}

void Turns::forget_the_last_beside_the_next_run() {
  allow_parallel_orders();  // as where it is not wanted: but it is, and is begun anew
  forgotten_beside_ = last().id;
  undo_with([this] { forgotten_beside_.reset(); });
}

void Turns::interrupt_the_next_run() {
  interrupted_after_ = drawn_.interrupted_after;
  undo_with([this] { interrupted_after_.reset(); });
}

void Turns::change_the_key() {
  allow_parallel_orders();  // of the generation before: valid authorizations stay
  KeyType& type = estate_.wanted(last().id).config.key_type;
  type = type == KeyType::p256 ? KeyType::p384 : KeyType::p256;
}

void Turns::change_the_profile() {
  allow_parallel_orders();  // as for another key
  std::string& profile = estate_.wanted(last().id).config.profile;
  profile = profile.empty() ? "shortlived" : "";
}

void Turns::let_lifetimes_shrink() {
  Duration& lifetime = estate_.world().settings().certificate_lifetime;
  lifetime = std::max<Duration>(lifetime / 2, hours(160));
}

bool Turns::put_a_bought_one_to_use() {
  auto& others = estate_.simulated->third_parties();
  return others.edit_target() || others.edit_directory(estate_.simulated->machine());
}

bool Turns::bind_one_elsewhere() {
  const std::vector<std::string> ours = estate_.our_server_certificates();
  if (ours.empty()) return false;
  const std::string theirs = "elsewhere";
  if (!estate_.world().classic().by_name.contains(theirs)) estate_.classic_elb(theirs);
  estate_.bind(theirs, estate_.world().server_certificates().by_name.find(ours[drawn_.seed % ours.size()])->second.arn);
  return true;
}

bool Turns::lose_a_file() {
  auto& machine = estate_.simulated->machine();
  std::vector<std::string> links;
  for (const auto& [path, node] : machine.nodes)
    if (node.kind == sandbox::Machine::Kind::link && path.ends_with("/live")) links.push_back(path);
  if (links.empty()) return false;
  constexpr std::array names{"privkey.pem", "fullchain.pem", "cert.pem", "chain.pem"};
  const std::string& live = links[drawn_.seed % links.size()];
  const std::string file = machine.resolved(live + "/" + names[drawn_.seed / links.size() % names.size()]);
  if (!file.contains("/generations/") || machine.find(file) == nullptr) return false;
  estate_.simulated->trace().line("  somebody deletes " + file);
  estate_.watch->files().is_damaged(machine, live);
  machine.erase(file);
  return true;
}

bool Turns::lose_a_certificate() {
  const auto ours = estate_.our_server_certificates();
  if (ours.empty()) return false;
  estate_.simulated->third_parties().remove_certificate(ours[drawn_.seed % ours.size()]);
  return true;
}

void Turns::slow_the_ca_down() {
  constexpr std::array takes{Duration{minutes(7)}, Duration{hours(3)}, Duration{hours(20)}};
  auto& settings = estate_.world().settings();
  const auto before = std::pair{settings.validation_takes, settings.issuance_takes};
  settings.validation_takes = takes[drawn_.seed % takes.size()];
  settings.issuance_takes = takes[drawn_.seed / takes.size() % takes.size()];
  undo_with([&settings, before] { std::tie(settings.validation_takes, settings.issuance_takes) = before; });
}

void Turns::let_the_delegation_lapse() {
  const std::string name = drawn_.zones.back();
  const auto delegate = [this, name](bool whether) {
    for (auto& zone : estate_.world().zones().all)
      if (zone.name == name) zone.delegated = whether;
  };
  delegate(false);
  undo_with([delegate] { delegate(true); });
}

void Turns::move_windows(bool by_revoking) {
  const WallTime now = estate_.simulated->time().now();
  for (auto& [url, certificate] : estate_.world().ca().certificates) {
    certificate.revoked = certificate.revoked || by_revoking;
    certificate.window = {now - hours(2), now - hours(1)};
  }
}

bool Turns::remove_a_zone() {
  if (drawn_.faults.record_edited > 0) return false;  // what somebody else put there would go with it
  auto& zones = estate_.world().zones();
  const std::string name = drawn_.zones.back();
  std::erase_if(zones.all, [&](const sandbox::SimulatedZone& zone) { return zone.name == name; });
  undo_with([this, name] { estate_.zone(name); });
  return true;
}

void Turns::deactivate_the_account() {
  for (auto& [url, account] : estate_.world().ca().accounts) account.status = "deactivated";
  undo_with([this] {
    for (auto& [url, account] : estate_.world().ca().accounts) account.status = "valid";
  });
}

// A CA that was set up anew; of its certificates it says still when it wants them renewed.
void Turns::lose_the_accounts() {
  auto& ca = estate_.world().ca();
  ca.accounts.clear();
  ca.orders.clear();
  ca.authorizations.clear();
}

// As far as versions before this one wrote it: the state, and the file of the sealing key.
void Turns::let_an_older_version_have_written() {
  auto& simulated = *estate_.simulated;
  for (auto& [key, entry] : simulated.state().entries) entry.value = in_an_older_format(key, std::move(entry.value));
  for (auto& [bucket, objects] : estate_.world().buckets().by_name)
    for (auto& [key, object] : objects)
      if (const auto value = simulation::unwrapped(object.body); value && stays(key))
        object.body =
            Json::object({{"token", "0123456789abcdef"}, {"base64", base64(in_an_older_format(key, *value))}}).dump();
  auto& files = simulated.machine().nodes;
  if (const auto file = files.find(key_file); file != files.end())
    file->second.content.resize(file->second.content.find('\n') + 1);
  estate_.watch->look_at_store_anew();
}

// A run over it writes to nothing of it; then it is as before.
void Turns::let_a_newer_version_write() {
  auto& here = estate_.simulated->state().entries;
  auto& buckets = estate_.world().buckets().by_name;
  const auto here_before = here;
  const auto buckets_before = buckets;
  for (auto& [key, entry] : here) entry.value = in_a_newer_format(std::move(entry.value));
  for (auto& [bucket, objects] : buckets) {
    for (auto& [key, object] : objects) {
      const Bytes value = in_a_newer_format(simulation::unwrapped(object.body).value_or(""));
      object.body = Json::object({{"token", "fedcba9876543210"}, {"base64", base64(value)}}).dump();
      object.etag = "\"newer\"";  // what is on its way to the former one comes too late
    }
  }
  const auto written = estate_.watch->stored();
  estate_.apply_with_restarts();
  const auto present = estate_.watch->stored();
  for (const auto& [key, value] : written)
    if (stays(key) && (!present.contains(key) || present.at(key) != value))
      complain_(fmt::format("{} of a newer version was changed", key));
  for (const auto& [key, entry] : here_before)
    if (stays(key)) here[key] = entry;
  for (const auto& [bucket, objects] : buckets_before)
    for (const auto& [key, object] : objects)
      if (stays(key)) buckets[bucket][key] = object;
  estate_.watch->look_at_store();
}

void Turns::fill_the_disks() {
  const int before = estate_.simulated->faults().disk_full;
  estate_.simulated->faults().disk_full = everything;
  undo_with([this, before] { estate_.simulated->faults().disk_full = before; });
}

void Turns::let_the_clock_jump() {
  auto& simulated = *estate_.simulated;
  const auto jump = hours(drawn_.clock_jump_hours);
  const auto in = milliseconds(static_cast<std::int64_t>(drawn_.seed % 20'000));
  const auto over = std::make_shared<bool>(false);  // the run may end before it jumps
  simulated.time().after(in, [this, &simulated, jump, over] {
    if (*over) return;
    simulated.machine().clock_error = jump;
    acted_.insert(Turn::clock_jumps);
  });
  undo_with([&simulated, over] {
    *over = true;
    simulated.machine().clock_error = Duration{0};
  });
}

void Turns::tell_it_to_renew() {
  allow_parallel_orders();  // whoever is started again is told once more
  request_.renew = {last().id};
  estate_.watch->budget().somebody_renews(estate_.wanted(last().id).config.domains);
  undo_with([this] {
    request_.renew.clear();
    estate_.watch->budget().nobody_renews();
  });
}

// From the first certificate that has one to its neighbour.
bool Turns::move_an_install() {
  auto& all = drawn_.certificates;
  const auto from = std::ranges::find_if(all, [](const DrawnCertificate& one) { return !one.targets.empty(); });
  if (from == all.end()) return false;
  const auto to = from == all.begin() ? from + 1 : from - 1;
  auto& left = estate_.wanted(from->id).config.install;
  estate_.wanted(to->id).config.install.push_back(left.front());
  left.erase(left.begin());
  if (drawn_.seed % 2 == 0) return true;
  undo_with([this, giver = from->id, receiver = to->id] {
    auto& lent = estate_.wanted(receiver).config.install;
    auto& own = estate_.wanted(giver).config.install;
    own.insert(own.begin(), lent.back());
    lent.pop_back();
  });
  return true;
}

}  // namespace certferry::soak
