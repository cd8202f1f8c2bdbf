#include "plan/record.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "plan/schedule.h"
#include "wire/json_names.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr std::string_view issued_words = " was issued, ", ended_words = " ended without a certificate: ";

constexpr int record_format = 1;
constexpr std::size_t history_kept = 50;

template <class T>
void set_if(Json& json, const std::string& key, const std::optional<T>& value) {
  if (value) json[key] = to_json(*value);
}

template <class T>
std::optional<T> optional_at(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  if (member == nullptr || member->is_null()) return {};
  try {
    return from_json<T>(*member);
  } catch (const Failure& failure) {
    throw failure.within(fmt::format("\"{}\"", key));
  }
}

Json rolled_back_json(const TargetRecord::RolledBack& rolled_back) {
  Json json = Json::object({{"fingerprint", rolled_back.fingerprint.text()},
                            {"reason", rolled_back.reason},
                            {"count", rolled_back.count},
                            {"not_before", to_json(rolled_back.not_before)}});
  if (!rolled_back.reloaded_by.empty()) json["reloaded_by"] = rolled_back.reloaded_by;
  if (rolled_back.stayed) json["stayed"] = true;
  return json;
}

TargetRecord::RolledBack rolled_back_of(const Json& json) {
  const Json* stayed = json.find("stayed");
  return {.fingerprint = from_json<Fingerprint>(json.at("fingerprint")),
          .reason = json.at("reason").as_text(),
          .count = stored_count(json, "count"),
          .not_before = from_json<WallTime>(json.at("not_before")),
          .reloaded_by = json.text("reloaded_by").value_or(""),
          .stayed = stayed != nullptr && stayed->as_bool()};
}

Json undone_json(const TargetRecord::Undone& undone) {
  return Json::object(
      {{"by", undone.by}, {"count", undone.count}, {"since", to_json(undone.since)}, {"last", to_json(undone.last)}});
}

TargetRecord::Undone undone_of(const Json& json) {
  return {.by = json.text("by").value_or(""),
          .count = stored_count(json, "count"),
          .since = from_json<WallTime>(json.at("since")),
          .last = from_json<WallTime>(json.at("last"))};
}

Json target_json(const TargetRecord& target) {
  Json json = Json::object({{"held", target.held}});
  set_if(json, "former", target.former);
  set_if(json, "noted_for", target.noted_for);
  set_if(json, "half_done", target.half_done);
  set_if(json, "proven", target.proven);
  set_if(json, "shown_instead", target.shown_instead);
  set_if(json, "former_until", target.former_until);
  if (target.former_given) json["former_given"] = true;
  if (target.mending) json["mending"] = true;
  if (!target.reloaded_by.empty()) json["reloaded_by"] = target.reloaded_by;
  if (target.rolled_back) json["rolled_back"] = rolled_back_json(*target.rolled_back);
  if (target.undone) json["undone"] = undone_json(*target.undone);
  return json;
}

TargetRecord target_of(const Json& json) {
  TargetRecord target;
  target.former = optional_at<Serving>(json, "former");
  target.noted_for = optional_at<Fingerprint>(json, "noted_for");
  target.half_done = optional_at<Fingerprint>(json, "half_done");
  if (const Json* given = json.find("former_given")) target.former_given = given->as_bool();
  if (const Json* mending = json.find("mending")) target.mending = mending->as_bool();
  target.proven = optional_at<Fingerprint>(json, "proven");
  target.shown_instead = optional_at<Fingerprint>(json, "shown_instead");
  target.former_until = optional_at<WallTime>(json, "former_until");
  if (const Json* rolled_back = json.find("rolled_back")) target.rolled_back = rolled_back_of(*rolled_back);
  if (const Json* undone = json.find("undone")) target.undone = undone_of(*undone);
  target.held = json.at("held").as_text();
  target.reloaded_by = json.text("reloaded_by").value_or("");
  return target;
}

Json failures_json(const FailureRecord& failures) {
  Json json = Json::object({{"count", failures.count}, {"what", failures.what}, {"next", failures.next}});
  set_if(json, "not_before", failures.not_before);
  return json;
}

FailureRecord failures_of(const Json& json) {
  return {.count = stored_count(json, "count"),
          .not_before = optional_at<WallTime>(json, "not_before"),
          .what = json.at("what").as_text(),
          .next = json.at("next").as_text()};
}

Json renewal_info_json(const RenewalInfo& info) {
  Json json = Json::object({{"ask_again", to_json(info.ask_again)}});
  if (!info.window) return json;
  json["start"] = to_json(info.window->start);
  json["end"] = to_json(info.window->end);
  json["explanation_url"] = info.explanation_url;
  return json;
}

RenewalInfo renewal_info_of(const Json& json) {
  RenewalInfo info{.window = {}, .explanation_url = "", .ask_again = from_json<WallTime>(json.at("ask_again"))};
  const auto start = optional_at<WallTime>(json, "start"), end = optional_at<WallTime>(json, "end");
  if (!start || !end || *end <= *start) return info;
  info.window = RenewalInfo::Window{*start, *end};
  info.explanation_url = json.text("explanation_url").value_or("");
  return info;
}

Json newest_json(const Record::Newest& newest) {
  Json json = Json::object({{"issued", to_json(newest.issued)},
                            {"key", to_json(newest.key)},
                            {"specification", to_json(newest.specification)}});
  if (newest.renewal_info) json["renewal_info"] = renewal_info_json(*newest.renewal_info);
  return json;
}

std::optional<Record::Newest> newest_at(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  if (member == nullptr) return {};
  Record::Newest newest{.issued = from_json<Issued>(member->at("issued")),
                        .key = from_json<KeyRef>(member->at("key")),
                        .specification = from_json<CertificateSpec>(member->at("specification"))};
  if (const Json* info = member->find("renewal_info")) newest.renewal_info = renewal_info_of(*info);
  return newest;
}

Json formers_json(const std::vector<Record::Former>& formers) {
  Json json = Json::array();
  for (const Record::Former& former : formers)
    json.push_back(Json::object({{"specification", to_json(former.specification)}, {"until", to_json(former.until)}}));
  return json;
}

std::vector<Record::Former> formers_of(const Json& json) {
  std::vector<Record::Former> formers;
  for (const Json& former : json.as_array())
    formers.push_back(
        {from_json<CertificateSpec>(former.at("specification")), from_json<WallTime>(former.at("until"))});
  return formers;
}

bool had_lately(const Record& record, const CertificateSpec& wanted, WallTime now) {
  return std::ranges::any_of(record.former_specifications, [&](const Record::Former& former) {
    return former.specification == wanted && now - former.until < limits::renewal::specification_remembered;
  });
}

Claim claim_of(const Json& json) {
  return {.instance = json.at("instance").as_text(), .epoch = json.at("epoch").as_integer()};
}

void read_members(const Json& json, Record& record) {
  record.claim = claim_of(json.at("claim"));
  record.last_generation = stored_count(json, "last_generation");
  if (json.find("open_generation") != nullptr) record.open_generation = stored_count(json, "open_generation");
  record.newest = newest_at(json, "newest");
  record.previous = newest_at(json, "previous");
  record.failures = failures_of(json.at("failures"));
  if (const Json* formers = json.find("former_specifications")) record.former_specifications = formers_of(*formers);
  record.changed_back = optional_at<WallTime>(json, "changed_back");
  for (const auto& [id, target] : json.at("targets").as_object()) record.targets.emplace(id, target_of(target));
  for (const Json& entry : json.at("history").as_array())
    record.history.push_back({.at = from_json<WallTime>(entry.at("at")), .what = entry.at("what").as_text()});
  record.configured = json.at("configured").as_bool();
}

}  // namespace

std::string TargetRecord::RolledBack::text() const {
  return fmt::format("{}: {}", stayed ? "in place, and not proven" : "rolled back", reason);
}

std::string TargetRecord::RolledBack::waiting_text() const {
  return fmt::format("{}; again on {}", text(), humane(not_before));
}

// What is mended outside is seen by nobody: the pause goes on.
std::string FailureRecord::remedy() const {
  return next.empty() ? "Wait, or run `certferry apply --retry`" : next + "; `certferry apply --retry` does not wait";
}

void TargetRecord::note_undone(const Serving& instead, WallTime now) {
  const std::string by = instead.body ? instead.body->leaf.fingerprint().text() : instead.reference;
  const bool again = undone && undone->by == by && now - undone->last < limits::renewal::undoing_remembered;
  if (!again) undone = Undone{.by = by, .since = now};
  ++undone->count;
  undone->last = now;
}

bool TargetRecord::was_given(const Fingerprint& served) const {
  const Chain* back = former_given && former ? former->certificate() : nullptr;
  return proven == served || given_since_former(served) || (back && back->leaf.fingerprint() == served);
}

bool TargetRecord::given_since_former(const Fingerprint& served) const {
  return noted_for == served || half_done == served;
}

bool TargetRecord::left_half_done(const Serving& seen) const {
  if (!former || former_until) return false;
  if (!seen.body) return seen.damaged && seen.reference != former->reference;
  const Fingerprint there = seen.body->leaf.fingerprint();
  return given_since_former(there) && proven != there;
}

bool TargetRecord::another_reload_failed() const {
  const bool ended = !former || former_until;  // else `former` is back, though `proven` was served once
  return ended && rolled_back && rolled_back->fingerprint == proven && rolled_back->reloaded_by != reloaded_by;
}

const TargetRecord::RolledBack* TargetRecord::waits_for(const Issued& issued, const Serving& seen,
                                                        const std::string& reload, WallTime now) const {
  if (!rolled_back || rolled_back->fingerprint != issued.fingerprint() || rolled_back->reloaded_by != reload) return {};
  const bool went_back = !rolled_back->stayed && former && seen.reference == former->reference;
  const bool stayed = rolled_back->stayed && seen.body && seen.body->leaf == issued.chain.leaf;
  if (seen.damaged || !(went_back || stayed)) return {};
  return pauses(rolled_back->not_before, now) ? &*rolled_back : nullptr;
}

bool TargetRecord::proves(const Issued& issued, const Serving& seen, const std::string& reload) const {
  if (proven != issued.fingerprint()) return false;
  if (!reload.empty() && reloaded_by != reload) return false;  // whether what was run before did anything, nobody saw
  if (mending) return false;
  if (rolled_back && rolled_back->fingerprint == proven && !another_reload_failed()) return false;
  if (former && !former_until) return false;  // installed again, which was not ended: `former` has no grace yet
  const bool referred_to = seen.body && seen.body->leaf == issued.chain.leaf;
  const bool hidden = referred_to && !seen.damaged && seen.shown && shown_instead == seen.shown->leaf.fingerprint();
  return hidden || seen.shows(issued);
}

Json to_json(const Record& record) {
  Json json =
      Json::object({{"format", record_format},
                    {"id", record.id.text()},
                    {"specification", to_json(record.specification)},
                    {"claim", Json::object({{"instance", record.claim.instance}, {"epoch", Json{record.claim.epoch}}})},
                    {"last_generation", record.last_generation},
                    {"failures", failures_json(record.failures)},
                    {"configured", record.configured}});
  if (record.open_generation) json["open_generation"] = *record.open_generation;
  if (record.newest) json["newest"] = newest_json(*record.newest);
  if (record.previous) json["previous"] = newest_json(*record.previous);
  if (!record.former_specifications.empty()) json["former_specifications"] = formers_json(record.former_specifications);
  set_if(json, "changed_back", record.changed_back);
  json["targets"] = Json::object();
  for (const auto& [id, target] : record.targets) json["targets"][id] = target_json(target);
  json["history"] = Json::array();
  for (const HistoryEntry& entry : record.history)
    json["history"].push_back(Json::object({{"at", to_json(entry.at)}, {"what", entry.what}}));
  return json;
}

template <>
Record from_json<Record>(const Json& json) {
  std::string what = fmt::format("record of {}", quoted(json.text("id").value_or("a certificate"), 200));
  require_format(json, record_format, what);
  try {
    Record record{from_json<CertificateId>(json.at("id")), from_json<CertificateSpec>(json.at("specification"))};
    read_members(json, record);
    return record;
  } catch (const Failure& failure) {
    throw failure.within(what);
  }
}

void remember_issued(Record& record, WallTime at, const Issued& issued) {
  remember(record, at,
           fmt::format("generation {}{}valid until {}", issued.generation, issued_words,
                       iso8601(issued.chain.leaf.not_after())));
}

int issued_since(const Record& record, WallTime then) {
  return static_cast<int>(std::ranges::count_if(record.history, [&](const HistoryEntry& entry) {
    return entry.at >= then && entry.what.contains(issued_words);
  }));
}

void remember_ended(Record& record, WallTime at, int generation, std::string_view why) {
  remember(record, at, fmt::format("generation {}{}{}", generation, ended_words, why));
}

std::vector<WallTime> ended_at(const Record& record) {
  std::vector<WallTime> ends;
  for (const HistoryEntry& entry : record.history)
    if (entry.what.contains(ended_words)) ends.push_back(entry.at);
  return ends;
}

void change_specification(Record& record, const CertificateSpec& wanted, WallTime now) {
  if (record.specification == wanted) return;
  auto& formers = record.former_specifications;
  if (had_lately(record, wanted, now)) record.changed_back = now;
  std::erase_if(formers, [&](const Record::Former& former) {
    return former.specification == wanted || former.specification == record.specification ||
           now - former.until >= limits::renewal::specification_remembered;
  });
  formers.push_back({record.specification, now});
  if (formers.size() > limits::renewal::former_specifications_kept) formers.erase(formers.begin());
  record.failures = FailureRecord{};
  record.specification = wanted;
}

std::optional<WallTime> change_back_waits_until(const Record& record, const CertificateSpec& wanted, WallTime now) {
  if (!record.changed_back || record.specification == wanted || !had_lately(record, wanted, now)) return {};
  const WallTime until = *record.changed_back + limits::renewal::next_change_back_after;
  return pauses(until, now) ? std::optional{until} : std::nullopt;
}

bool renews(const Record& record, const CertificateSpec& wanted) {
  return record.newest && record.newest->specification.names == wanted.names &&
         record.newest->specification.directory == wanted.directory;
}

std::optional<WallTime> replaced_early_from(const Record& record) {
  const auto &newest = record.newest, &former = record.previous;
  if (!newest || !former || newest->specification != former->specification) return {};
  const Certificate &leaf = newest->issued.chain.leaf, &replaced = former->issued.chain.leaf;
  if (!wanted_early(replaced, former->renewal_info) || leaf.not_before() >= due_at(replaced)) return {};
  return leaf.not_before() + limits::renewal::next_early_after;
}

void remember(Record& record, WallTime at, std::string what) {
  record.history.push_back({at, std::move(what)});
  if (record.history.size() > history_kept)
    record.history.erase(record.history.begin(), record.history.end() - history_kept);
}

}  // namespace certferry
