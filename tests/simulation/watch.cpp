#include "watch.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "oracles/index_oracle.h"
#include "oracles/lease_oracle.h"
#include "sandbox/buckets.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"

namespace certferry::simulation {
namespace {

constexpr const char* key_file = "/var/lib/certferry/store.key";
constexpr std::size_t key_file_digits = 64;

// S3's keys have that of the store's prefix before them.
std::string after_prefix(const std::string& key) { return key.substr(key.find('/') + 1); }

// Whether a target's id means this place, as the sandbox's invariants name it.
bool is_target(const std::string& id, const std::string& place) {
  if (constexpr std::string_view classic = "classic/"; place.starts_with(classic))
    return id.starts_with("elb/") && id.ends_with(place.substr(classic.size() - 1));
  return id == place || id == "listener/" + place;
}

}  // namespace

Watch::Watch(sandbox::SimulatedWorld& simulated)
    : simulated_(simulated),
      keys_(simulated, complain()),
      ledgers_(simulated, complain()),
      records_(simulated, complain()),
      proofs_(simulated, complain()),
      grace_(simulated, complain()),
      files_(simulated, complain()),
      budget_(simulated.world(), complain()),
      bytes_(complain()),
      secrets_(simulated) {
  simulated.world().on_event([this, listening = listening_](const sandbox::Event& event) {
    if (*listening) happened(event);
  });
  simulated.state().heard_change = [this](const Store::Key& key) {
    const auto& entries = simulated_.state().entries;
    const auto found = entries.find(key);
    changed(key, found == entries.end() ? std::nullopt : std::optional{found->second.value});
  };
  simulated.state().heard_loss = [this](const Store::Key& key) {
    heard_.erase(key);  // what was lost never was: nothing goes back from it to what is there now
    simulated_.state().heard_change(key);
  };
  simulated.heard_files = [this](const std::string& machine) {
    files_.changed(machine);
    ledgers_.files_changed(machine);
    grace_.files_changed(machine);
  };
  simulated.network().heard_request = [this](const http::Request& request) { secrets_.sent(request); };
  simulated.invariants().ask_what_is_proven(
      [this, listening = listening_](const std::string& place, const Fingerprint& certificate) {
        return *listening && proven(place, certificate);
      });
  simulated.invariants().keep_formers_for(limits::renewal::retire_after);
  secrets_.add_secret(simulated.world().secret_of("AKIASANDBOX").value());
}

Watch::~Watch() {
  *listening_ = false;
  simulated_.state().heard_change = simulated_.state().heard_loss = nullptr;
  simulated_.heard_files = nullptr;
  simulated_.network().heard_request = nullptr;
}

Complain Watch::complain() {
  return [this](std::string sentence) {
    if (said_.insert(sentence).second)
      seen_.push_back(fmt::format("{} at {}", sentence, iso8601(simulated_.time().now())));
  };
}

void Watch::happened(const sandbox::Event& event) {
  if (event.service == "s3" && event.changed) stored_in_s3(event.object, event.late);
  if (event.service == "sts" && event.changed) secrets_of_sessions();
  keys_.happened(event);
  ledgers_.happened(event);
  records_.happened(event);
  proofs_.happened(event);
  grace_.happened(event);
  budget_.happened(event);
}

void Watch::secrets_of_sessions() {
  auto& world = simulated_.world();
  for (const auto& [key, session] : world.sts().sessions) {
    secrets_.add_secret(session.token);
    secrets_.add_secret(world.secret_of(key).value());
  }
}

// place: "BUCKET/KEY".
void Watch::stored_in_s3(const std::string& place, bool late) {
  const auto slash = place.find('/');
  if (slash == std::string::npos) return;
  const auto& objects = simulated_.world().buckets().by_name.at(place.substr(0, slash));
  const auto found = objects.find(place.substr(slash + 1));
  if (found == objects.end()) return changed(after_prefix(place.substr(slash + 1)), {}, late);
  changed(after_prefix(place.substr(slash + 1)), unwrapped(found->second.body).value_or(found->second.body), late);
}

void Watch::changed(const std::string& key, const std::optional<Bytes>& value, bool late) {
  Heard& heard = heard_[key];
  const Json before = std::exchange(heard.json, value ? object_of(*value) : Json{});
  heard.value = value;
  const StoredChange change{key, value ? &*value : nullptr, before, heard.json, late || simulated_.happens_late()};
  if (value) secrets_.stored(key, *value);
  if (const auto sealed_with = change.is_secret() ? sealing_key(simulated_, key, heard.json) : std::nullopt)
    secrets_.add_secret(*sealed_with);
  keys_.changed(change);
  ledgers_.changed(change);
  records_.changed(change);
  proofs_.changed(change);
  grace_.changed(change);
  budget_.changed(change);
  bytes_.changed(change);
}

// By any record that the store holds.
bool Watch::proven(const std::string& place, const Fingerprint& certificate) const {
  for (const auto& [key, heard] : heard_) {
    const Json* targets = key.ends_with("/record") && heard.value ? heard.json.find("targets") : nullptr;
    if (targets == nullptr || !targets->is_object()) continue;
    for (const auto& [id, target] : targets->as_object())
      if (is_target(id, place) && target.text("proven") == certificate.text()) return true;
  }
  return false;
}

// By what is no Failure and no SIGTERM: an error of the program, whatever was broken around it.
std::string Watch::ended_badly(std::size_t process) const {
  const auto ending = simulated_.ending(process);
  if (!ending || !ending->error) return "";
  try {
    std::rethrow_exception(ending->error);
  } catch (const Failure&) {
    return "";
  } catch (const std::exception& thrown) {
    if (is_cancellation(ending->error)) return "";
    return fmt::format("process {} ended by an error that is no Failure: {}", process, thrown.what());
  }
}

std::map<std::string, Bytes> Watch::stored() const {
  std::map<std::string, Bytes> all;
  for (const auto& [key, entry] : simulated_.state().entries) all.emplace(key, entry.value);
  for (const auto& [bucket, objects] : simulated_.world().buckets().by_name)
    for (const auto& [key, object] : objects)
      all.emplace(after_prefix(key), unwrapped(object.body).value_or(object.body));
  return all;
}

std::optional<Bytes> Watch::stored(const std::string& key) const {
  const auto& entries = simulated_.state().entries;
  if (const auto found = entries.find(key); found != entries.end()) return found->second.value;
  for (const auto& [bucket, objects] : simulated_.world().buckets().by_name)
    for (const auto& [name, object] : objects)
      if (after_prefix(name) == key) return unwrapped(object.body).value_or(object.body);
  return {};
}

void Watch::look_at_store() {
  const auto present = stored();
  for (const auto& [key, value] : present)
    if (heard_[key].value != value) changed(key, value);
  std::vector<std::string> gone;
  for (const auto& [key, heard] : heard_)
    if (heard.value && !present.contains(key)) gone.push_back(key);
  for (const std::string& key : gone) changed(key, {});
}

void Watch::look_at_store_anew() {
  heard_.clear();
  look_at_store();
}

void Watch::state_lost() {
  heard_.clear();
  ledgers_.lost();
}

std::vector<std::string> Watch::complaints() const {
  std::vector<std::string> all = simulated_.invariants().violations();
  all.insert(all.end(), seen_.begin(), seen_.end());
  for (const auto& [key, der] : keys_.plain()) secrets_.add_private_key(der);
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name)
    if (certificate.path == "/certferry/") secrets_.add_private_key(certificate.content.key.der().reveal());
  for (const auto& [name, machine] : simulated_.machines())
    if (const auto* file = machine.find(key_file))
      secrets_.add_secret(BytesView{file->content}.substr(0, key_file_digits));
  for (std::string& leak : secrets_.leaks()) all.push_back(std::move(leak));
  for (std::string& lie : lies_of_the_index(stored())) all.push_back(std::move(lie));
  if (!simulated_.world().buckets().by_name.empty())
    for (std::string& change : changes_past_a_lease(simulated_.trace().lines())) all.push_back(std::move(change));
  for (std::size_t process = 0; process < simulated_.processes(); ++process)
    if (std::string why = ended_badly(process); !why.empty()) all.push_back(std::move(why));
  return all;
}

}  // namespace certferry::simulation
