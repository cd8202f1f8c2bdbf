#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "cli/step_subject.h"
#include "state/records.h"

namespace certferry {
namespace {

std::string expiry_text(const Record& record, WallTime now) {
  if (!record.newest) return "no certificate yet";
  const WallTime end = record.newest->issued.chain.leaf.not_after();
  if (end <= now) return fmt::format("expired {} ago", humane(now - end));
  return fmt::format("valid until {} ({} left)", iso8601(end), humane(end - now));
}

std::string target_text(const TargetRecord& target, const Record& record) {
  if (target.rolled_back) return fmt::format("rolled back: {}", target.rolled_back->reason);
  if (!target.held.empty()) return fmt::format("held back: {}", target.held);
  const bool newest =
      record.newest && target.proven && *target.proven == record.newest->issued.chain.leaf.fingerprint();
  return newest ? "serves the newest" : "does not serve the newest yet";
}

std::string status_text(const Record& record, WallTime now) {
  std::string text = fmt::format("{}: {}{}\n", record.id.text(), expiry_text(record, now),
                                 record.open_generation ? ", an order is under way" : "");
  if (record.failures.count > 0) {
    text += fmt::format("  {} failure(s), the last: {}\n", record.failures.count, record.failures.what);
    if (!record.failures.next.empty()) text += fmt::format("  -> {}\n", record.failures.next);
    if (record.failures.not_before && *record.failures.not_before > now)
      text += fmt::format("  the next try is not before {}\n", iso8601(*record.failures.not_before));
  }
  for (const auto& [id, target] : record.targets)
    text += fmt::format("  {}: {}\n", step_subject(id), target_text(target, record));
  return text;
}

Json status_json(const Record& record, WallTime now) {
  Json targets = Json::object();
  for (const auto& [id, target] : record.targets) targets[id] = target_text(target, record);
  Json names = Json::array();
  for (const DomainName& name : record.specification.names) names.push_back(name.text());
  Json json = Json::object({{"certificate", record.id.text()},
                            {"names", std::move(names)},
                            {"order_under_way", record.open_generation.has_value()},
                            {"failures", record.failures.count},
                            {"targets", std::move(targets)}});
  if (record.newest) {
    const Certificate& leaf = record.newest->issued.chain.leaf;
    json["not_after"] = iso8601(leaf.not_after());
    json["expired"] = leaf.not_after() <= now;
    json["sha256"] = leaf.fingerprint().text();
  }
  if (record.failures.count > 0) json["last_failure"] = record.failures.what;
  return json;
}

}  // namespace

Task<int> do_status(Stage& stage, const StatusCommand& command) {
  const Config config = co_await load_config_or_defaults(stage, command.config);
  const bool embedded = !config.state.store.starts_with("s3://");
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
  for (const StoredRecord& stored : co_await load_records(foundation->store())) {
    text += status_text(stored.record, now);
    certificates.push_back(status_json(stored.record, now));
  }
  if (text.empty()) text = fmt::format("{} knows no certificate yet.\n", foundation->store().place());
  say_result(stage, text,
             Json::object({{"store", foundation->store().place()}, {"certificates", std::move(certificates)}}));
  co_return 0;
}

}  // namespace certferry
