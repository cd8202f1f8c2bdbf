#include <fmt/format.h>

#include "base/limits/store.h"
#include "base/s3_place.h"
#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "cli/step_subject.h"
#include "engine/open_orders.h"
#include "plan/schedule.h"
#include "state/index.h"
#include "state/records.h"

namespace certferry {
namespace {

// What is said of one certificate.
struct Known {
  std::string id;
  std::vector<DomainName> names;
  std::optional<WallTime> not_after;
  std::string sha256;  // with not_after
  bool order_under_way = false;
  FailureRecord failures;
  std::map<std::string, std::string> targets;  // by Target::id()
  std::string trouble, remedy;                 // why its record could not be read: nothing else is known then
};

std::string serves_text(bool newest) { return newest ? "serves the newest" : "does not serve the newest yet"; }

std::string target_text(const TargetRecord& target, const Record& record, WallTime now) {
  if (const auto& back = target.rolled_back; back && !target.another_reload_failed()) {
    const bool of_the_newest = record.newest && record.newest->issued.fingerprint() == back->fingerprint;
    return of_the_newest && pauses(back->not_before, now) ? back->waiting_text() : back->text();
  }
  if (!target.held.empty()) return fmt::format("held back: {}", target.held);
  return serves_text(record.newest && target.proven && *target.proven == record.newest->issued.fingerprint());
}

Known known_of(const Record& record, WallTime now) {
  Known known{.id = record.id.text(), .names = record.specification.names};
  known.failures = record.failures;
  if (record.newest) {
    known.not_after = record.newest->issued.chain.leaf.not_after();
    known.sha256 = record.newest->issued.fingerprint().text();
  }
  for (const auto& [id, target] : record.targets) known.targets[id] = target_text(target, record, now);
  return known;
}

// Nothing where it was forgotten meanwhile. A generation that is open may have no order yet: the CA refused it, say.
Task<std::optional<Known>> read_known(Store& store, const CertificateId& id, WallTime now) {
  const auto stored = co_await load_record(store, id);
  if (!stored) co_return std::nullopt;
  Known known = known_of(stored->record, now);
  if (const auto open = stored->record.open_generation)
    known.order_under_way = (co_await order_of(store, id, *open)).has_value();
  co_return known;
}

Known known_of(const CertificateId& id, const AtRest& rest) {
  Known known{.id = id.text(), .names = rest.specification.names};
  known.not_after = rest.not_after;
  known.sha256 = rest.fingerprint.text();
  for (const auto& [target, proven] : rest.targets) known.targets[target] = serves_text(proven);
  return known;
}

// One that cannot be read is trouble for its certificate, and for no other.
Task<std::optional<Known>> read_known_or_trouble(Store& store, const CertificateId& id, WallTime now) {
  try {
    co_return co_await read_known(store, id, now);
  } catch (const Failure& failure) {
    co_return Known{.id = id.text(), .trouble = failure.what(), .remedy = failure.next()};
  }
}

// From the index where the certificate is at rest, else from its record; none where it was forgotten meanwhile.
Task<std::vector<Known>> known_certificates(Store& store, Log& log, WallTime now) {
  Index index{store, log};
  co_await index.look();
  std::map<CertificateId, std::optional<Known>> all;
  std::vector<Work> reads;
  for (const auto& [id, generation] : index.certificates()) {
    std::optional<Known>& known = all[id];
    if (const AtRest* rest = index.find(id))
      known = known_of(id, *rest);
    else
      reads.push_back(
          [&store, &known, &id, now]() -> Task<> { known = co_await read_known_or_trouble(store, id, now); });
  }
  for (const auto& failed : co_await all_settled(std::move(reads), limits::store::reads_at_once))
    if (failed) std::rethrow_exception(failed);
  std::vector<Known> found;
  for (auto& [id, known] : all)
    if (known) found.push_back(std::move(*known));
  co_return found;
}

std::string expiry_text(const std::optional<WallTime>& end, WallTime now) {
  if (!end) return "no certificate yet";
  if (*end <= now) return fmt::format("expired {} ago", humane(now - *end));
  return fmt::format("valid until {} ({} left)", iso8601(*end), humane(*end - now));
}

bool waits(const FailureRecord& failures, WallTime now) { return failures.not_before && *failures.not_before > now; }

std::string status_text(const Known& known, WallTime now) {
  if (!known.trouble.empty()) return fmt::format("{}: {}\n  -> {}\n", known.id, known.trouble, known.remedy);
  std::string text = fmt::format("{}: {}{}\n", known.id, expiry_text(known.not_after, now),
                                 known.order_under_way ? ", an order is under way" : "");
  const FailureRecord& failures = known.failures;
  if (failures.count > 0) {
    text += fmt::format("  {} failure(s), the last: {}\n", failures.count, failures.what);
    if (!failures.next.empty()) text += fmt::format("  -> {}\n", failures.next);
    if (waits(failures, now)) text += fmt::format("  the next try is not before {}\n", humane(*failures.not_before));
  }
  for (const auto& [id, said] : known.targets) text += fmt::format("  {}: {}\n", step_subject(id), said);
  return text;
}

Json status_json(const Known& known, WallTime now) {
  if (!known.trouble.empty())
    return Json::object({{"certificate", known.id}, {"error", known.trouble}, {"next", known.remedy}});
  Json targets = Json::object();
  for (const auto& [id, said] : known.targets) targets[id] = said;
  Json names = Json::array();
  for (const DomainName& name : known.names) names.push_back(name.text());
  Json json = Json::object({{"certificate", known.id},
                            {"names", std::move(names)},
                            {"order_under_way", known.order_under_way},
                            {"failures", known.failures.count},
                            {"targets", std::move(targets)}});
  if (known.not_after) {
    json["not_after"] = iso8601(*known.not_after);
    json["expired"] = *known.not_after <= now;
    json["sha256"] = known.sha256;
  }
  const FailureRecord& failures = known.failures;
  if (failures.count > 0) {
    json["last_failure"] = failures.what;
    if (!failures.next.empty()) json["next"] = failures.next;
    if (waits(failures, now)) json["not_before"] = iso8601(*failures.not_before);
  }
  return json;
}

}  // namespace

Task<int> do_status(Stage& stage, const StatusCommand& command) {
  const Config config = co_await load_config_or_defaults(stage, command.config);
  const bool embedded = !in_s3(config.state.store);
  const std::string file = state_directory(config, stage.host) + "/state.db";
  Json certificates = Json::array();
  if (embedded && !co_await stage.host.status(file)) {  // nothing is made where only a look was asked for
    say_result(stage, fmt::format("Nothing is known yet: there is no {}.\n", file),
               Json::object({{"store", file}, {"certificates", std::move(certificates)}}));
    co_return 0;
  }
  std::unique_ptr<Foundation> foundation = co_await Foundation::lay_store(stage, config);
  const WallTime now = stage.clock.now();
  std::string text;
  bool trouble = false;
  for (const Known& known : co_await known_certificates(foundation->store(), stage.log, now)) {
    text += status_text(known, now);
    certificates.push_back(status_json(known, now));
    trouble = trouble || !known.trouble.empty();
  }
  if (text.empty()) text = fmt::format("{} knows no certificate yet.\n", foundation->store().place());
  say_result(stage, text,
             Json::object({{"store", foundation->store().place()}, {"certificates", std::move(certificates)}}));
  co_return trouble ? 1 : 0;
}

}  // namespace certferry
