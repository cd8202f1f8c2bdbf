#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "plan/policy.h"

namespace certferry {
namespace {

constexpr const char* policy_language = "2012-10-17";

// One alone stands without brackets, as IAM itself shows it.
Json one_or_many(const std::vector<std::string>& values) {
  if (values.size() == 1) return values.front();
  Json all = Json::array();
  for (const std::string& value : values) all.push_back(value);
  return all;
}

Json conditions_json(const std::vector<PolicyCondition>& conditions) {
  Json all;
  for (const PolicyCondition& condition : conditions)
    all[condition.operation][condition.key] = one_or_many(condition.values);
  return all;
}

Json statement_json(const PolicyStatement& statement) {
  Json json = Json::object({{"Sid", statement.sid},
                            {"Effect", statement.deny ? "Deny" : "Allow"},
                            {"Action", one_or_many(statement.actions)}});
  if (statement.principal)
    json["Principal"] = Json::object({{statement.principal->kind, one_or_many(statement.principal->names)}});
  if (!statement.resources.empty()) json["Resource"] = one_or_many(statement.resources);
  if (!statement.conditions.empty()) json["Condition"] = conditions_json(statement.conditions);
  return json;
}

constexpr auto usual_order = std::to_array<std::string_view>(
    {"Version", "Statement", "Sid", "Effect", "Principal", "Action", "Resource", "Condition"});

std::string indented(const Json& value, std::size_t indent) {
  const std::string line = "\n" + std::string(indent + 2, ' ');
  std::string inner;
  const auto next = [&] { return (inner.empty() ? "" : ",") + line; };
  if (value.is_string()) return value.dump();
  if (value.is_array()) {
    for (const Json& element : value.as_array()) inner += next() + indented(element, indent + 2);
    return fmt::format("[{}\n{}]", inner, std::string(indent, ' '));
  }
  for (const std::string& name : members_in_order(value))
    inner += next() + Json{name}.dump() + ": " + indented(value.at(name), indent + 2);
  return fmt::format("{{{}\n{}}}", inner, std::string(indent, ' '));
}

}  // namespace

std::vector<std::string> members_in_order(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.as_object()) names.push_back(name);
  std::ranges::sort(names, {},
                    [](const std::string& name) { return std::pair{std::ranges::find(usual_order, name), name}; });
  return names;
}

std::string policy_text(const std::vector<PolicyStatement>& statements) {
  return indented(policy_document(statements), 0) + "\n";
}

Json policy_document(const std::vector<PolicyStatement>& statements) {
  Json all = Json::array();
  for (const PolicyStatement& statement : statements) all.push_back(statement_json(statement));
  return Json::object({{"Version", policy_language}, {"Statement", std::move(all)}});
}

// What dump() leaves out is white space, which IAM does not count.
std::size_t policy_length(const std::vector<PolicyStatement>& statements) {
  return policy_document(statements).dump().size();
}

}  // namespace certferry
