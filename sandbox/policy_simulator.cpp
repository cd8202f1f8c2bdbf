#include "sandbox/policy_simulator.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <vector>

#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"
#include "sandbox/world.h"

namespace certferry::sandbox {
namespace {

constexpr std::size_t decisions_most = 1000, decisions_usual = 100;

[[noreturn]] void refuse_input(std::string message) { throw Refusal{400, "InvalidInput", std::move(message)}; }

void check_action(const std::string& action) {
  const auto colon = action.find(':');
  const bool whole = colon != std::string::npos && colon > 0 && colon + 1 < action.size();
  if (!whole || action.contains('*')) refuse_input(fmt::format("Invalid Action: {}", action));
}

void check_principal(World& world, const std::string& arn) {
  if (!arn.contains(":iam::") || (!arn.contains(":user/") && !arn.contains(":role/") && !arn.contains(":group/")))
    refuse_input(fmt::format("Invalid Entity Arn: {} does not clearly define entity type and name.", arn));
  if (arn == world.permissions().user() || world.sts().knows_role(arn)) return;
  throw Refusal{404, "NoSuchEntity", fmt::format("The entity {} cannot be found.", arn)};
}

std::map<std::string, std::vector<std::string>> context_of(const QueryCall& call) {
  std::map<std::string, std::vector<std::string>> context;
  for (int index = 1;; ++index) {
    const std::string at = fmt::format("ContextEntries.member.{}.", index);
    const auto key = call.find(at + "ContextKeyName");
    if (!key) return context;
    call.required(at + "ContextKeyType");
    context[*key] = call.members(at + "ContextKeyValues");
  }
}

// Which decision a page begins with.
std::size_t first_of_page(const QueryCall& call, std::size_t decisions) {
  const std::string from = item_of_marker(call.text("Marker"));
  if (from.empty()) return 0;
  std::size_t at = 0;
  const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), at);
  if (error != std::errc{} || end != from.data() + from.size() || at >= decisions) refuse_input("Invalid Marker");
  return at;
}

std::string_view decision(PolicyDocument::Verdict verdict) {
  if (verdict == PolicyDocument::Verdict::allowed) return "allowed";
  return verdict == PolicyDocument::Verdict::denied ? "explicitDeny" : "implicitDeny";
}

}  // namespace

Outcome simulate_principal_policy(World& world, const QueryCall& call, XmlWriter& result) {
  const std::string principal = call.required("PolicySourceArn");
  check_principal(world, principal);
  const auto actions = call.members("ActionNames");
  if (actions.empty()) refuse_input("ActionNames must not be empty");
  std::ranges::for_each(actions, check_action);
  auto resources = call.members("ResourceArns");
  if (resources.empty()) resources.emplace_back("*");
  std::vector<AccessRequest> asked;
  for (const std::string& action : actions)
    for (const std::string& resource : resources) asked.push_back({action, resource, context_of(call)});
  const std::size_t page = call.page_size("MaxItems", decisions_usual, decisions_most);
  std::size_t at = first_of_page(call, asked.size());
  const std::size_t end = std::min(asked.size(), at + page);
  result.open("EvaluationResults");
  for (; at < end; ++at) {
    result.open("member").text("EvalActionName", asked[at].action).text("EvalResourceName", asked[at].resource);
    result.text("EvalDecision", std::string{decision(world.permissions().simulated(principal, asked[at]))});
    result.open("MatchedStatements").close().open("MissingContextValues").close().close();
  }
  result.close().text("IsTruncated", end < asked.size() ? "true" : "false");
  if (end < asked.size()) result.text("Marker", page_marker(std::to_string(end)));
  return {principal, false};
}

}  // namespace certferry::sandbox
