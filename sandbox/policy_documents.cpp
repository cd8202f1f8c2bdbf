#include "sandbox/policy_documents.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <functional>

#include "base/failure.h"
#include "wire/json.h"

namespace certferry::sandbox {
namespace {

constexpr std::string_view policy_language = "2012-10-17";
constexpr std::string_view if_exists = "IfExists", for_all = "ForAllValues:", for_any = "ForAnyValue:";
constexpr auto operators =
    std::to_array<std::string_view>({"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool", "Null"});
constexpr auto elements =
    std::to_array<std::string_view>({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"});

[[noreturn]] void refuse(std::string what) {
  throw Failure(Failure::Kind::refused, std::move(what),
                "Write it as `certferry policy` does: Allow and Deny statements with Action, Resource, Principal and "
                "the conditions that stand there");
}

// What is wrong, with its place before it; JSON's own failures do not know that these are policies.
void said_of(const std::string& place, const std::function<void()>& read) {
  try {
    read();
  } catch (const Failure& wrong) {
    refuse(fmt::format("{}: {}", place, wrong.what()));
  }
}

std::vector<std::string> texts(const Json& one_or_many) {
  if (one_or_many.is_string()) return {one_or_many.as_text()};
  std::vector<std::string> all;
  for (const Json& one : one_or_many.as_array()) all.push_back(one.as_text());
  return all;
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// The operator without what it does with several values and with none.
std::string_view bare(std::string_view operation) {
  for (const std::string_view prefix : {for_all, for_any})
    if (operation.starts_with(prefix)) operation.remove_prefix(prefix.size());
  if (operation.ends_with(if_exists)) operation.remove_suffix(if_exists.size());
  return operation;
}

std::vector<std::string> principals_in(const Json& principal) {
  if (principal.is_string()) return {principal.as_text()};
  std::vector<std::string> all;
  for (const auto& [kind, names] : principal.as_object())
    for (std::string& name : texts(names)) all.push_back(kind == "AWS" ? name : fmt::format("{}:{}", kind, name));
  return all;
}

// Identities have no Principal, for they are it; roles no Resource, for they are that. All else must be there.
void require_members(PolicyDocument::Of of, const Json& json) {
  const auto require = [&](std::string_view element, bool wanted) {
    if ((json.find(element) != nullptr) == wanted) return;
    refuse(fmt::format("it {} {}, which its policy {}", wanted ? "has no" : "has", element,
                       wanted ? "must have" : "cannot have"));
  };
  require("Action", true);
  require("Principal", of != PolicyDocument::Of::identity);
  require("Resource", of != PolicyDocument::Of::role);
}

// What a pattern has at one place: any characters, any one, or this one. length 0: its end.
struct Piece {
  std::size_t length = 0;
  bool star = false, any = false;
  char character = 0;
};
Piece piece_at(std::string_view pattern, std::size_t at) {
  if (at >= pattern.size()) return {};
  const std::string_view rest = pattern.substr(at);
  for (const std::string_view written : {"${*}", "${?}", "${$}"})
    if (rest.starts_with(written)) return {.length = written.size(), .character = written[2]};
  return {.length = 1, .star = rest.front() == '*', .any = rest.front() == '?', .character = rest.front()};
}

// Policy variables, such as ${aws:username}, are not filled in here.
void require_no_variables(const std::vector<std::string>& values) {
  for (const std::string_view value : values)
    for (std::size_t at = 0; at < value.size(); at += piece_at(value, at).length)
      if (value.substr(at).starts_with("${") && piece_at(value, at).length == 1)
        refuse(fmt::format("the variable in {} is not understood here", quoted(value, 200)));
}

DocumentStatement statement_of(PolicyDocument::Of of, const Json& json) {
  require_members(of, json);
  for (const auto& [element, value] : json.as_object())
    if (std::ranges::find(elements, element) == elements.end())
      refuse(fmt::format("{} is not understood here", quoted(element, 100)));
  DocumentStatement statement{.sid = json.text("Sid").value_or(""),
                              .principals = {},
                              .actions = texts(json.at("Action")),
                              .resources = {},
                              .conditions = {}};
  const std::string& effect = json.at("Effect").as_text();
  if (effect != "Allow" && effect != "Deny") refuse(fmt::format("Effect {} is none", quoted(effect, 100)));
  statement.deny = effect == "Deny";
  if (const Json* principal = json.find("Principal")) statement.principals = principals_in(*principal);
  if (const Json* resource = json.find("Resource")) statement.resources = texts(*resource);
  require_no_variables(statement.resources);
  const Json* conditions = json.find("Condition");
  if (!conditions) return statement;
  for (const auto& [operation, keys] : conditions->as_object()) {
    if (std::ranges::find(operators, bare(operation)) == operators.end())
      refuse(fmt::format("the condition {} is not understood here", quoted(operation, 100)));
    for (const auto& [key, values] : keys.as_object()) {
      statement.conditions.push_back({operation, key, texts(values)});
      require_no_variables(statement.conditions.back().values);
    }
  }
  return statement;
}

// Literal text, without what writes special characters.
std::string unwritten(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = piece_at(text, at);
    plain += piece.character;
    at += piece.length;
  }
  return plain;
}

bool holds(std::string_view operation, const std::string& wanted, const std::string& value) {
  if (operation == "StringEquals") return unwritten(wanted) == value;
  if (operation == "Bool") return lower(wanted) == lower(value);
  return matches(wanted, value);
}

// A key that the request does not have meets no condition but those that say so, and those for all of its values, of
// which there are none.
bool met(const DocumentCondition& condition, const AccessRequest& asked) {
  const std::string_view operation = bare(condition.operation);
  const auto found = std::ranges::find_if(
      asked.context, [&](const auto& entry) { return lower(entry.first) == lower(condition.key); });
  const bool there = found != asked.context.end();
  if (operation == "Null")
    return std::ranges::any_of(condition.values,
                               [&](const std::string& value) { return (lower(value) == "true") != there; });
  const bool all = condition.operation.starts_with(for_all);
  if (!there) return all || condition.operation.ends_with(if_exists);
  const auto wanted = [&](const std::string& value) {
    return std::ranges::any_of(condition.values, [&](const std::string& one) { return holds(operation, one, value); });
  };
  return all ? std::ranges::all_of(found->second, wanted) : std::ranges::any_of(found->second, wanted);
}

bool any_matches(const std::vector<std::string>& patterns, const std::string& text) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, text); });
}

// The actions of a statement, in lower case: they alone are compared so.
bool acts(const DocumentStatement& statement, const std::string& action) {
  return std::ranges::any_of(statement.actions,
                             [&](const std::string& one) { return matches(lower(one), lower(action)); });
}

bool covers(const DocumentStatement& statement, const AccessRequest& asked) {
  return acts(statement, asked.action) &&
         (statement.resources.empty() || any_matches(statement.resources, asked.resource)) &&
         std::ranges::all_of(statement.conditions,
                             [&](const DocumentCondition& condition) { return met(condition, asked); });
}

enum class About { nobody, account, asker };

// "arn:aws:iam::123456789012:root" and "123456789012" are all of an account.
bool whole_account(const std::string& name, const std::string& principal) {
  const auto account = principal.find("::") == std::string::npos ? "" : principal.substr(principal.find("::") + 2, 12);
  return !account.empty() && (name == account || name == fmt::format("arn:aws:iam::{}:root", account));
}

About about(const DocumentStatement& statement, const std::vector<std::string>& principals) {
  if (statement.principals.empty()) return About::asker;
  About found = About::nobody;
  for (const std::string& name : statement.principals) {
    if (name == "*" || std::ranges::find(principals, name) != principals.end()) return About::asker;
    if (whole_account(name, principals.front())) found = About::account;
  }
  return found;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resumed = 0;
  while (t < text.size()) {
    const auto here = piece_at(pattern, p);
    if (here.length > 0 && !here.star && (here.any || here.character == text[t])) {
      p += here.length;
      ++t;
    } else if (here.star) {
      star = p += here.length;
      resumed = t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++resumed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

PolicyDocument::PolicyDocument(Of attached_to, std::string_view json, const std::string& source) {
  said_of(source, [&] {
    const Json document = Json::parse(json, "it");
    // In what IAM takes for 2008-10-17, "${*}" is no "*".
    if (document.text("Version") != policy_language) refuse(fmt::format("its Version is not {}", policy_language));
    const Json& written = document.at("Statement");
    const Json::Array statements = written.is_object() ? Json::Array{written} : written.as_array();
    for (const Json& one : statements) {
      const std::string number = std::to_string(statements_.size() + 1);
      said_of("statement " + quoted(one.text("Sid").value_or(number), 100),
              [&] { statements_.push_back(statement_of(attached_to, one)); });
    }
  });
}

std::vector<const DocumentStatement*> PolicyDocument::heeded(const AccessRequest& asked,
                                                             const std::vector<std::string>& principals) const {
  std::vector<const DocumentStatement*> allowing;
  for (const DocumentStatement& statement : statements_) {
    if (about(statement, principals) == About::nobody || !covers(statement, asked)) continue;
    if (statement.deny) return {&statement};
    allowing.push_back(&statement);
  }
  return allowing;
}

PolicyDocument::Verdict PolicyDocument::judge(const AccessRequest& asked,
                                              const std::vector<std::string>& principals) const {
  Verdict verdict = Verdict::silent;
  for (const DocumentStatement* statement : heeded(asked, principals)) {
    if (statement->deny) return Verdict::denied;
    if (about(*statement, principals) == About::asker) return Verdict::allowed;
    verdict = Verdict::for_account;
  }
  return verdict;
}

PolicyDocument::Verdict PolicyDocument::decide(const AccessRequest& asked, const std::vector<std::string>& principals) {
  for (const DocumentStatement* statement : heeded(asked, principals))
    if (!statement->deny) used_.emplace(statement->sid, asked.action);
  return judge(asked, principals);
}

std::set<std::pair<std::string, std::string>> PolicyDocument::unused() const {
  std::set<std::pair<std::string, std::string>> all;
  for (const DocumentStatement& statement : statements_) {
    if (statement.deny) continue;
    for (const std::string& action : statement.actions)
      if (!used_.contains({statement.sid, action})) all.emplace(statement.sid, action);
  }
  return all;
}

}  // namespace certferry::sandbox
