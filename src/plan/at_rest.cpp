#include "plan/at_rest.h"

#include <algorithm>

#include "plan/schedule.h"
#include "wire/json_names.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

// An installation that has not ended yet leaves a former one without a grace.
bool rests(const TargetRecord& target) {
  const bool rolled_back = target.rolled_back && !target.another_reload_failed();
  return !rolled_back && target.held.empty() && !target.mending && (!target.former || target.former_until);
}

bool rests(const Record& record) {
  return record.newest && !record.open_generation && record.failures == FailureRecord{} &&
         record.newest->specification == record.specification &&
         record.newest->issued.generation == record.last_generation &&
         std::ranges::all_of(record.targets, [](const auto& target) { return rests(target.second); });
}

}  // namespace

bool AtRest::was_reloaded_by(const std::string& target, const std::string& reload) const {
  const auto known = reloaded_by.find(target);
  return known != reloaded_by.end() && known->second == reload;
}

std::optional<AtRest> at_rest(const Record& record) {
  if (!rests(record)) return {};
  const Record::Newest& newest = *record.newest;
  const Certificate& leaf = newest.issued.chain.leaf;
  AtRest rest{.specification = record.specification,
              .generation = record.last_generation,
              .fingerprint = leaf.fingerprint(),
              .not_after = leaf.not_after(),
              .due = due_at(leaf, newest.renewal_info),
              .ask_again = {},
              .targets = {},
              .formers = {}};
  if (newest.renewal_info) rest.ask_again = newest.renewal_info->ask_again;
  for (const auto& [id, target] : record.targets) {
    rest.targets[id] = target.proven == rest.fingerprint;
    if (!target.reloaded_by.empty()) rest.reloaded_by[id] = target.reloaded_by;
    if (target.former && !target.former->reference.empty())
      rest.formers.push_back({target.former->reference, *target.former_until, id});
  }
  return rest;
}

Json to_json(const AtRest& rest) {
  Json json = Json::object({{"specification", to_json(rest.specification)},
                            {"generation", rest.generation},
                            {"fingerprint", rest.fingerprint.text()},
                            {"not_after", to_json(rest.not_after)},
                            {"due", to_json(rest.due)},
                            {"targets", Json::object()},
                            {"formers", Json::array()}});
  if (rest.ask_again) json["ask_again"] = to_json(*rest.ask_again);
  for (const auto& [id, proven] : rest.targets) json["targets"][id] = proven;
  if (!rest.reloaded_by.empty()) json["reloaded_by"] = Json::object();
  for (const auto& [id, reload] : rest.reloaded_by) json["reloaded_by"][id] = reload;
  for (const AtRest::Former& former : rest.formers)
    json["formers"].push_back(
        Json::object({{"reference", former.reference}, {"until", to_json(former.until)}, {"target", former.target}}));
  return json;
}

template <>
AtRest from_json<AtRest>(const Json& json) {
  AtRest rest{.specification = from_json<CertificateSpec>(json.at("specification")),
              .generation = stored_count(json, "generation"),
              .fingerprint = from_json<Fingerprint>(json.at("fingerprint")),
              .not_after = from_json<WallTime>(json.at("not_after")),
              .due = from_json<WallTime>(json.at("due")),
              .ask_again = {},
              .targets = {},
              .formers = {}};
  if (const Json* ask_again = json.find("ask_again")) rest.ask_again = from_json<WallTime>(*ask_again);
  for (const auto& [id, proven] : json.at("targets").as_object()) rest.targets.emplace(id, proven.as_bool());
  if (const Json* reloaded_by = json.find("reloaded_by"))
    for (const auto& [id, reload] : reloaded_by->as_object()) rest.reloaded_by.emplace(id, reload.as_text());
  for (const Json& former : json.at("formers").as_array())
    rest.formers.push_back({former.at("reference").as_text(), from_json<WallTime>(former.at("until")),
                            former.text("target").value_or("")});
  return rest;
}

}  // namespace certferry
