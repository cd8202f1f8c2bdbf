#include "engine/permissions.h"

#include <algorithm>
#include <fmt/format.h>

#include "aws/iam.h"
#include "base/failure.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

constexpr std::size_t missing_shown = 5;

bool tried_instead(const PolicyStatement& statement) {
  return std::ranges::all_of(statement.actions, [](const std::string& action) {
    return action.starts_with("s3:") || action.starts_with("kms:");
  });
}

// A value that a condition's pattern is like: "_acme-challenge.x" of "_acme-challenge.*".
std::string example_of(std::string pattern) {
  std::ranges::replace(pattern, '*', 'x');
  return pattern;
}

aws::PolicyQuestion question_of(const std::string& principal, const PolicyStatement& statement) {
  aws::PolicyQuestion question{principal, statement.actions, statement.resources, {}};
  for (const PolicyCondition& condition : statement.conditions)
    for (const std::string& value : condition.values) question.context[condition.key].push_back(example_of(value));
  return question;
}

std::string missing_text(const std::vector<std::string>& missing) {
  const std::size_t shown = std::min(missing.size(), missing_shown);
  std::string text = fmt::format("{}", fmt::join(missing.begin(), missing.begin() + static_cast<long>(shown), ", "));
  if (missing.size() > shown) text += fmt::format(" and {} more", missing.size() - shown);
  return text;
}

std::string policy_command(const Policy& policy) {
  return policy.of.empty() ? "certferry policy" : "certferry policy --role " + policy.of;
}

Finding missing_finding(const Policy& policy, const PolicyStatement& statement,
                        const std::vector<std::string>& missing) {
  const std::string whose = policy.of.empty() ? "" : " of " + policy.of;
  // A policy with notes is wider than what is needed: what is missing of it may not be needed.
  return {policy.notes.empty() ? Verdict::red : Verdict::yellow, "permission",
          fmt::format("permission {}{}", statement.sid, whose),
          fmt::format("missing: {}{}", quoted(missing_text(missing), 1000),
                      policy.notes.empty() ? "" : fmt::format(". {}", fmt::join(policy.notes, " "))),
          fmt::format("Allow statement {} of the policy that `{}` writes", statement.sid, policy_command(policy))};
}

}  // namespace

Task<Findings> examine_permissions(aws::Client& client, std::string principal, Policy policy) {
  aws::Iam iam{client};
  Findings findings;
  std::size_t asked = 0;
  for (const PolicyStatement& statement : policy.statements) {
    if (tried_instead(statement)) continue;
    const auto missing = co_await iam.denied(question_of(principal, statement));
    if (!missing.empty()) findings.push_back(missing_finding(policy, statement, missing));
    ++asked;
  }
  if (findings.empty())
    findings.push_back({Verdict::green, "permission", "permissions of " + principal,
                        fmt::format("all of the {} statements that IAM can tell of are allowed", asked), ""});
  co_return findings;
}

}  // namespace certferry
