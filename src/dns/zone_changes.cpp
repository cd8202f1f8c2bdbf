#include "dns/zone_changes.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "base/guards.h"
#include "base/limits/route53.h"

namespace certferry {
namespace {

using aws::Change;
using aws::RecordSet;

constexpr std::string_view our_identifier = "certferry";
constexpr std::string_view multivalue = "<MultiValueAnswer>true</MultiValueAnswer>";

RecordSet simple_set(const std::string& name, const std::set<std::string>& values) {
  RecordSet set{name, "TXT", limits::route53::challenge_ttl, {}, "", {}};
  for (const std::string& value : values) set.values.push_back(aws::txt_quoted(value));
  return set;
}

// Another TTL makes it another set: a DELETE of the former one that is late is refused. (Route 53 compares name, type,
// TTL and values.)
std::int64_t ttl_apart_from(std::int64_t former) {
  return limits::route53::challenge_ttl + (former == limits::route53::challenge_ttl ? 1 : 0);
}

RecordSet new_set(const std::string& name, const NamePlan& plan) {
  RecordSet set = simple_set(name, plan.published);
  if (plan.withdrawn) set.ttl = ttl_apart_from(set.ttl);
  return set;
}

// Our values merged into, and taken out of, what the set holds; its own texts stay as they were listed.
RecordSet merged(const RecordSet& there, const NamePlan& plan) {
  RecordSet set = there;
  if (!on(Guard::foreign_values)) set.values.clear();
  std::set<std::string> present;
  std::erase_if(set.values, [&](const std::string& text) {
    const auto value = aws::txt_unquoted(text);
    if (!value) return false;
    present.insert(*value);
    return plan.unwanted.contains(*value) && !plan.wanted.contains(*value);
  });
  for (const std::string& value : plan.published) {
    if (!present.contains(value)) set.values.push_back(aws::txt_quoted(value));
  }
  return set;
}

bool holds_any(const RecordSet& set, const std::set<std::string>& values) {
  return std::ranges::any_of(set.values, [&](const std::string& text) {
    const auto value = aws::txt_unquoted(text);
    return value && values.contains(*value);
  });
}

// Of values that are all ours.
void tell_apart(RecordSet& after, const RecordSet& there, const NamePlan& plan) {
  const bool ours_alone = std::ranges::all_of(after.values, [&](const std::string& text) {
    const auto value = aws::txt_unquoted(text);
    return value && plan.wanted.contains(*value);
  });
  if (ours_alone) after.ttl = ttl_apart_from(there.ttl);
}

void swap_set(std::vector<Change>& changes, const RecordSet& there, const NamePlan& plan) {
  RecordSet after = merged(there, plan);
  const bool renewed = holds_any(there, plan.renewed);
  if (after == there && !renewed) return;
  if (renewed && there.set_identifier.empty()) tell_apart(after, there, plan);
  changes.push_back(Change{Change::Action::remove, there});
  if (!after.values.empty()) changes.push_back(Change{Change::Action::create, std::move(after)});
}

// Why a name can take no value of ours, by what is there.
std::optional<Failure> refusal_of(const std::string& name, const std::vector<RecordSet>& there) {
  if (const auto cname = std::ranges::find(there, "CNAME", &RecordSet::type); cname != there.end()) {
    const std::string target = cname->values.empty() ? "" : cname->values.front();
    return Failure(Failure::Kind::refused, fmt::format("{} is a CNAME to {}", name, quoted(target)),
                   "Add the zone that it leads into to [challenge] delegated, or remove the CNAME")
        .with_code("CNAME");
  }
  const bool open = std::ranges::all_of(there, [](const RecordSet& set) {
    return set.type != "TXT" || set.set_identifier.empty() || set.set_identifier == our_identifier ||
           (set.other && set.other->find("<MultiValueAnswer>true") != std::string::npos);
  });
  if (open) return std::nullopt;
  return Failure(Failure::Kind::refused,
                 fmt::format("the TXT sets at {} have a routing policy that no further set can join", name),
                 "Remove them, or delegate the name by a CNAME to a zone of its own");
}

void change_beside_routed(std::vector<Change>& changes, const std::string& name, const NamePlan& plan,
                          const std::vector<RecordSet>& there) {
  const auto ours = std::ranges::find(there, our_identifier, &RecordSet::set_identifier);
  if (ours != there.end()) return swap_set(changes, *ours, plan);
  if (plan.published.empty()) return;
  RecordSet set = simple_set(name, plan.published);
  set.set_identifier = our_identifier;
  set.other = Bytes{multivalue};
  changes.push_back(Change{Change::Action::create, std::move(set)});
}

}  // namespace

NamePlans plan_names(const std::vector<TxtEntry>& entries, const TxtValues& published, const TxtValues& fresh,
                     const std::set<std::string>& names) {
  NamePlans plans;
  for (const TxtEntry& entry : entries) {
    if (!names.contains(entry.name)) continue;
    NamePlan& plan = plans[entry.name];
    const bool is_fresh = fresh.contains({entry.name, entry.value});
    const bool is_published = !entry.owners.empty() && published.contains({entry.name, entry.value});
    if (entry.created && !entry.removed) plan.before.insert(entry.value);
    if ((!entry.created || entry.asked) && !is_fresh) plan.unsure = true;
    const bool anew = !entry.owners.empty() && (!entry.created || entry.removed);
    if (entry.removed && !entry.owners.empty()) plan.unsure = true;
    if (anew && !is_fresh) plan.withdrawn = true;       // or may be by whoever died over it
    if (is_published && !is_fresh) plan.unsure = true;  // put there before: somebody may have deleted it
    (entry.owners.empty() ? plan.unwanted : plan.wanted).insert(entry.value);
    if (is_published) plan.published.insert(entry.value);
    if (anew) plan.renewed.insert(entry.value);
  }
  return plans;
}

std::vector<Change> believed_changes(const NamePlans& plans) {
  std::vector<Change> changes;
  for (const auto& [name, plan] : plans) {
    if (plan.before == plan.wanted) continue;
    if (!plan.before.empty()) changes.push_back(Change{Change::Action::remove, simple_set(name, plan.before)});
    if (!plan.wanted.empty()) changes.push_back(Change{Change::Action::create, simple_set(name, plan.wanted)});
  }
  return changes;
}

std::map<std::string, Failure> refused_names(const NamePlans& plans,
                                             const std::map<std::string, std::vector<RecordSet>>& there) {
  std::map<std::string, Failure> refused;
  for (const auto& [name, sets] : there) {
    const auto plan = plans.find(name);
    if (plan == plans.end() || plan->second.published.empty()) continue;
    if (auto refusal = refusal_of(name, sets)) refused.emplace(name, std::move(*refusal));
  }
  return refused;
}

std::vector<Change> changes_from(const NamePlans& plans, const std::map<std::string, std::vector<RecordSet>>& there) {
  std::vector<Change> changes;
  for (const auto& [name, plan] : plans) {
    const auto found = there.find(name);
    static const std::vector<RecordSet> nothing;
    const auto& sets = found == there.end() ? nothing : found->second;
    std::vector<RecordSet> texts;
    std::ranges::copy_if(sets, std::back_inserter(texts), [](const RecordSet& set) { return set.type == "TXT"; });
    if (texts.empty()) {
      if (!plan.published.empty()) changes.push_back(Change{Change::Action::create, new_set(name, plan)});
    } else if (texts.front().set_identifier.empty()) {
      swap_set(changes, texts.front(), plan);
    } else {
      change_beside_routed(changes, name, plan, texts);
    }
  }
  return changes;
}

bool any_stands(const NamePlans& plans, const std::map<std::string, std::vector<RecordSet>>& there) {
  return std::ranges::any_of(there, [&](const auto& named) {
    const auto plan = plans.find(named.first);
    return plan != plans.end() && std::ranges::any_of(named.second, [&](const RecordSet& set) {
             return set.type == "TXT" && holds_any(set, plan->second.published);
           });
  });
}

TxtValues missing_from(const std::map<std::string, std::vector<RecordSet>>& there, const NamePlans& plans) {
  TxtValues missing;
  for (const auto& [name, plan] : plans)
    for (const std::string& value : plan.wanted) {
      const auto found = there.find(name);
      const bool stands = found != there.end() && std::ranges::any_of(found->second, [&](const RecordSet& set) {
                            return set.type == "TXT" && holds_any(set, {value});
                          });
      if (!stands) missing.emplace(name, value);
    }
  return missing;
}

std::vector<std::set<std::string>> portions(const NamePlans& plans) {
  std::vector<std::set<std::string>> all;
  std::size_t records = 0, characters = 0;
  for (const auto& [name, plan] : plans) {
    std::size_t more_records = plan.before.size() + plan.wanted.size(), more_characters = 0;
    for (const auto* values : {&plan.before, &plan.wanted}) {
      for (const std::string& value : *values) more_characters += value.size() + 2;
    }
    const bool full = records + more_records > limits::route53::batch_records ||
                      characters + more_characters > limits::route53::batch_characters;
    if (all.empty() || full) {
      all.emplace_back();
      records = characters = 0;
    }
    all.back().insert(name);
    records += more_records;
    characters += more_characters;
  }
  return all;
}

bool objects_to_what_stands(const Failure& failure) {
  return failure.code() == "InvalidChangeBatch" || (failure.kind() == Failure::Kind::refused && failure.code().empty());
}

std::string shown_names(const std::set<std::string>& names) {
  constexpr std::size_t names_shown = 3;
  const auto end = std::next(names.begin(), static_cast<long>(std::min(names.size(), names_shown)));
  const std::string first = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  return names.size() <= names_shown ? first : fmt::format("{} and {} more", first, names.size() - names_shown);
}

}  // namespace certferry
