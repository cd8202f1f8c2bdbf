#include "watch.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/limits/store.h"
#include "crypto/sealed.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/server_certificates.h"
#include "state/envelope.h"
#include "state/s3_object.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry::simulation {
namespace {

constexpr const char* key_file = "/var/lib/certferry/store.key";
constexpr std::size_t challenge_value_length = 43;  // base64url of a SHA-256: anything else is somebody else's
constexpr unsigned private_mode = 0600;

// S3's keys have that of the store's prefix before them.
std::string_view after_prefix(std::string_view key) {
  const auto slash = key.find('/');
  return slash == std::string_view::npos ? key : key.substr(slash + 1);
}

std::string unquoted(std::string value) {
  std::erase(value, '"');
  return value;
}

Secret unsealed(const Secret& key, const std::string& name, const Bytes& value) {
  return unseal(key, parse_envelope(value, "file", name).sealed, name);
}

bool is_sealed(std::string_view key) {
  return key.starts_with("secret/") || (key.starts_with("account/") && key.ends_with("/key"));
}

}  // namespace

Watch::Watch(sandbox::SimulatedWorld& simulated) : simulated_(simulated), invariants_(simulated.world()) {
  simulated.world().on_event([this, listening = listening_](const sandbox::Event& event) {
    if (*listening) check(event);
  });
}

Watch::~Watch() { *listening_ = false; }

std::map<std::string, Bytes> Watch::stored() const {
  std::map<std::string, Bytes> all;
  for (const auto& [key, entry] : simulated_.state("main").entries) all.emplace(key, entry.value);
  for (const auto& [bucket, objects] : simulated_.world().buckets().by_name) {
    for (const auto& [key, object] : objects)
      all.emplace(std::string{after_prefix(key)}, parse_s3_body(object.body, key).value);
  }
  return all;
}

// Looks into S3's bodies as they stand: a ledger is text, and names and values of it need no escape there.
bool Watch::ledger_holds(std::string_view prefix, const std::string& word) const {
  const auto holds = [&](std::string_view key, BytesView body) {
    return key.starts_with(prefix) && body.find(word) != BytesView::npos;
  };
  const auto& entries = simulated_.state("main").entries;
  for (auto entry = entries.lower_bound(std::string{prefix}); entry != entries.end(); ++entry) {
    if (!entry->first.starts_with(prefix)) break;
    if (holds(entry->first, entry->second.value)) return true;
  }
  for (const auto& [bucket, objects] : simulated_.world().buckets().by_name)
    for (const auto& [key, object] : objects)
      if (holds(after_prefix(key), object.body)) return true;
  return false;
}

std::optional<Secret> Watch::sealing_key() const {
  const auto* file = simulated_.machine().find(key_file);
  if (file == nullptr) return {};
  auto key = parse_hex(unquoted(file->content.substr(0, file->content.find('\n'))));
  if (!key) return {};
  return Secret{std::move(*key)};
}

std::map<std::string, Bytes> Watch::secrets() const {
  std::map<std::string, Bytes> all;
  const auto key = sealing_key();
  if (!key) return all;
  for (const auto& [name, value] : stored())
    if (is_sealed(name)) all.emplace(name, Bytes{unsealed(*key, name, value).reveal()});
  return all;
}

void Watch::check(const sandbox::Event& event) {
  if (!event.changed) return;
  if (event.service == "route53" || event.service == "iam") ledgers_say(event);
  if (event.service == "acme" && event.operation == "finalize") key_can_be_read_back(event);
  const std::size_t accounts = simulated_.world().ca().accounts.size();
  if (accounts > accounts_most_) seen_.push_back(fmt::format("I2: there are {} accounts", accounts));
}

void Watch::ledgers_say(const sandbox::Event& event) {
  for (const auto& zone : simulated_.world().zones().all) {
    for (const auto& [key, set] : zone.sets) {
      if (set.type != "TXT" || !set.name.starts_with("_acme-challenge.")) continue;
      for (const std::string& value : set.values) {
        const std::string text = unquoted(value);
        if (text.size() == challenge_value_length && !ledger_holds("zone/", text))
          seen_.push_back(
              fmt::format("I3: {} {} stands in no ledger after {} {}", set.name, text, event.service, event.operation));
      }
    }
  }
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name) {
    if (certificate.path == "/certferry/" && !ledger_holds("shelf/", name))
      seen_.push_back(fmt::format("I3: {} stands in no ledger after {} {}", name, event.service, event.operation));
  }
}

void Watch::key_can_be_read_back(const sandbox::Event& event) {
  const auto order = simulated_.world().ca().orders.find(event.object);
  if (order == simulated_.world().ca().orders.end() || !order->second.requested) return;
  const auto key = sealing_key();
  if (!key) return;  // KMS sealed them
  const auto& entries = simulated_.state("main").entries;
  if (std::ranges::none_of(entries, [](const auto& entry) { return is_sealed(entry.first); })) return;
  for (auto entry = entries.lower_bound("secret/"); entry != entries.end(); ++entry) {
    if (!entry->first.starts_with("secret/")) break;
    if (public_half(*key, entry->first, entry->second.value) == order->second.requested->key) return;
  }
  seen_.push_back(fmt::format("I1: {} was finalized with a key that no secret holds", event.object));
}

const PublicKey& Watch::public_half(const Secret& key, const std::string& name, const Bytes& sealed) {
  const auto known = public_halves_.find({name, sealed});
  if (known != public_halves_.end()) return known->second;
  const PrivateKey plain = PrivateKey::from_der(unsealed(key, name, sealed));
  return public_halves_.emplace(std::pair{name, sealed}, plain.public_part()).first->second;
}

std::vector<std::string> Watch::leaks() const {
  std::set<Bytes> needles{"PRIVATE KEY", "sandbox-secret"};
  const auto add_key = [&](const Bytes& der) {
    needles.insert(der);
    needles.insert(base64(der).substr(0, 60));
    needles.insert(base64url(der).substr(0, 60));
  };
  for (const auto& [name, plain] : secrets()) add_key(plain);
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name)
    if (certificate.path == "/certferry/") add_key(Bytes{certificate.content.key.der().reveal()});
  if (const auto* file = simulated_.machine().find(key_file)) needles.insert(file->content.substr(0, 64));
  std::vector<std::string> found;
  const auto look = [&](const std::string& where, BytesView text) {
    for (const Bytes& needle : needles)
      if (text.find(needle) != BytesView::npos) found.push_back("a secret stands in " + where);
  };
  for (const auto& [key, value] : stored()) look("the store's " + key, value);
  for (const std::string& line : simulated_.trace().lines()) look("the trace", line);
  for (std::size_t process = 0; process < simulated_.processes(); ++process)
    for (const std::string& line : simulated_.said(process)) look("a log", line);
  for (const auto& [path, node] : simulated_.machine().nodes)
    if (node.mode != private_mode) look(path, node.content);
  for (const Command& command : simulated_.machine().commands)
    for (const std::string& word : command.argv) look("a command", word);
  return found;
}

// An entry is believed where its generation's journal is the last one, and it stands for a record that is there.
std::vector<std::string> Watch::lies_of_the_index() const {
  const auto all = stored();
  const auto json_of = [&](const std::string& key) {
    return Json::parse(all.at(key), key, limits::store::value_longest);
  };
  std::vector<std::string> found;
  for (auto shard = all.lower_bound("index/"); shard != all.end() && shard->first.starts_with("index/"); ++shard) {
    for (const auto& [id, entry] : json_of(shard->first).at("certificates").as_object()) {
      const std::string record_key = "certificate/" + id + "/record", journals = "certificate/" + id + "/generation/";
      if (!all.contains(record_key)) continue;
      std::int64_t last = 0;
      for (const auto& [key, value] : all)
        if (key.starts_with(journals)) last = std::max<std::int64_t>(last, std::stol(key.substr(journals.size())));
      if (last != entry.at("generation").as_integer()) continue;
      const Json record = json_of(record_key);
      const Json* newest = record.find("newest");
      bool holds = newest && newest->at("issued").at("generation").as_integer() == last &&
                   newest->at("specification") == entry.at("specification");
      for (const auto& [target, proven] : entry.at("targets").as_object())
        if (proven.as_bool()) holds = holds && record.at("targets").at(target).at("proven") == entry.at("fingerprint");
      if (!holds) found.push_back(fmt::format("the index says of {} what its record does not", id));
    }
  }
  return found;
}

std::vector<std::string> Watch::complaints() const {
  std::vector<std::string> all = invariants_.violations();
  if (late_effects_) std::erase_if(all, [](const std::string& sentence) { return sentence.starts_with("I7"); });
  all.insert(all.end(), seen_.begin(), seen_.end());
  for (std::string& leak : leaks()) all.push_back(std::move(leak));
  for (std::string& lie : lies_of_the_index()) all.push_back(std::move(lie));
  return all;
}

}  // namespace certferry::simulation
