#include "index_oracle.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "base/failure.h"
#include "plan/at_rest.h"
#include "stored_value.h"

namespace certferry::simulation {
namespace {

// Of the certificate's journals, as they are listed.
std::int64_t last_generation(const std::map<std::string, Bytes>& stored, const std::string& id) {
  const std::string journals = "certificate/" + id + "/generation/";
  std::int64_t last = 0;
  for (auto journal = stored.lower_bound(journals); journal != stored.end() && journal->first.starts_with(journals);
       ++journal)
    last = std::max<std::int64_t>(last, std::stol(journal->first.substr(journals.size())));
  return last;
}

// Each entry that is believed, with its record, where somebody can read that.
template <class Act>
void for_each_believed(const std::map<std::string, Bytes>& stored, Act act) {
  for (auto shard = stored.lower_bound("index/"); shard != stored.end() && shard->first.starts_with("index/");
       ++shard) {
    const Json json = object_of(shard->second);
    for (const auto& [id, entry] : json.at("certificates").as_object()) {
      const auto stored_record = stored.find("certificate/" + id + "/record");
      if (stored_record == stored.end()) continue;
      if (last_generation(stored, id) != entry.at("generation").as_integer()) continue;
      const Json record = object_of(stored_record->second);
      if (!record.is_null()) act(id, entry, record);
    }
  }
}

// What an entry would be that is derived from the record now; null where it says that there is none. Empty: the record
// is of a version that nobody knows.
std::optional<Json> derived(const Json& record) {
  try {
    const auto rest = at_rest(from_json<Record>(record));
    return rest ? to_json(*rest) : Json{};
  } catch (const Failure&) {
    return {};
  }
}

bool contradicts(const Json& entry, const Json& record) {
  const Json* newest = record.find("newest");
  if (!newest || newest->at("issued").at("generation") != entry.at("generation") ||
      newest->at("specification") != entry.at("specification"))
    return true;
  return std::ranges::any_of(entry.at("targets").as_object(), [&](const auto& target) {
    const auto& [id, proven] = target;
    const Json* known = record.at("targets").find(id);
    return proven.as_bool() && (!known || known->text("proven") != entry.text("fingerprint"));
  });
}

// Whether it tells another day of renewal than what the CA said, and it heard the same as the record.
bool tells_another_day(const Json& entry, const Json& record) {
  const auto now = derived(record);
  if (!now || now->is_null() || now->text("ask_again") != entry.text("ask_again")) return false;
  return now->at("due") != entry.at("due") || now->at("not_after") != entry.at("not_after");
}

}  // namespace

std::vector<std::string> lies_of_the_index(const std::map<std::string, Bytes>& stored) {
  std::vector<std::string> found;
  for_each_believed(stored, [&](const std::string& id, const Json& entry, const Json& record) {
    if (contradicts(entry, record)) {
      found.push_back(fmt::format("the index says of {} what its record does not", id));
    } else if (tells_another_day(entry, record)) {
      found.push_back(fmt::format("the index tells another day of renewal of {} than its record", id));
    }
  });
  return found;
}

std::vector<std::string> index_behind_its_records(const std::map<std::string, Bytes>& stored) {
  std::vector<std::string> found;
  for_each_believed(stored, [&](const std::string& id, const Json& entry, const Json& record) {
    const auto now = derived(record);
    if (now && *now != entry)
      found.push_back(fmt::format("the index says of {}: {}; its record: {}", id, entry.dump(), now->dump()));
  });
  return found;
}

}  // namespace certferry::simulation
