#include "index_oracle.h"

#include <algorithm>
#include <fmt/format.h>

#include "stored_value.h"

namespace certferry::simulation {

std::vector<std::string> lies_of_the_index(const std::map<std::string, Bytes>& stored) {
  const auto json_of = [&](const std::string& key) { return object_of(stored.at(key)); };
  std::vector<std::string> found;
  for (auto shard = stored.lower_bound("index/"); shard != stored.end() && shard->first.starts_with("index/");
       ++shard) {
    for (const auto& [id, entry] : json_of(shard->first).at("certificates").as_object()) {
      const std::string record_key = "certificate/" + id + "/record", journals = "certificate/" + id + "/generation/";
      if (!stored.contains(record_key)) continue;
      std::int64_t last = 0;
      for (const auto& [key, value] : stored)
        if (key.starts_with(journals)) last = std::max<std::int64_t>(last, std::stol(key.substr(journals.size())));
      if (last != entry.at("generation").as_integer()) continue;
      const Json record = json_of(record_key);
      if (record.is_null()) continue;  // nobody can read it
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

}  // namespace certferry::simulation
