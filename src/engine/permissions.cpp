#include "engine/permissions.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "aws/access_denied.h"
#include "aws/endpoints.h"
#include "aws/iam.h"
#include "base/failure.h"
#include "engine/permission_trials.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

bool of_service(const PolicyStatement& statement, std::string_view service) {
  return std::ranges::all_of(statement.actions, [&](const std::string& action) { return action.starts_with(service); });
}

// But for what is tried in any case, and decided by policies of buckets and keys too.
std::vector<PolicyStatement> to_examine(const Policy& policy) {
  std::vector<PolicyStatement> statements = policy.statements;
  std::erase_if(statements, [](const PolicyStatement& statement) {
    return of_service(statement, "s3:") || of_service(statement, "kms:");
  });
  return statements;
}

// A value that a condition's pattern is like: "_acme-challenge.x" of "_acme-challenge.*".
std::string example_of(std::string pattern) {
  std::ranges::replace(pattern, '*', 'x');
  return pattern;
}

// "" where it is no ARN, or names none.
std::string region_in(const std::string& resource) {
  if (!resource.starts_with("arn:")) return "";
  const Arn arn = Arn::parse(resource);
  return arn.region().contains('*') ? "" : std::string{arn.region()};
}

// Of a service that has one for the whole partition, that one; else what a resource names, or ours.
std::string requested_region(const PolicyStatement& statement, const std::string& ours) {
  for (const char* service : {"iam", "route53"})
    if (of_service(statement, std::string{service} + ":")) return aws::endpoint_of(service, ours, {}).scope.region;
  for (const std::string& resource : statement.resources)
    if (const std::string region = region_in(resource); !region.empty()) return region;
  return ours;
}

aws::PolicyQuestion question_of(const PolicyOwner& owner, const PolicyStatement& statement) {
  aws::PolicyQuestion question{owner.principal, statement.actions, statement.resources, {}};
  question.context["aws:RequestedRegion"] = {requested_region(statement, owner.client("").region())};
  for (const PolicyCondition& condition : statement.conditions) {
    if (condition.operation == "Null") continue;  // that a key is there is met by its values
    for (const std::string& value : condition.values) question.context[condition.key].push_back(example_of(value));
  }
  return question;
}

std::string policy_command(const Policy& policy) {
  return policy.of.empty() ? "certferry policy" : "certferry policy --role " + policy.of;
}

std::string denial_text(const aws::PolicyDenial& denial) {
  std::vector<std::string_view> by;
  if (denial.explicitly) by.emplace_back("an explicit Deny");
  if (denial.by_boundary) by.emplace_back("the permissions boundary does not allow it");
  if (denial.by_organization) by.emplace_back("the organization's policies do not allow it");
  return by.empty() ? quoted(denial.asked) : fmt::format("{} ({})", quoted(denial.asked), fmt::join(by, "; "));
}

// Whether the identity's own policies are all that is known to lack it.
bool takes_allow(const aws::PolicyDenial& denial) {
  return !denial.explicitly && !denial.by_boundary && !denial.by_organization;
}

std::string missing_takes(const Policy& policy, const PolicyStatement& statement,
                          const std::vector<aws::PolicyDenial>& missing) {
  std::vector<std::string> all;
  if (std::ranges::any_of(missing, takes_allow))
    all.push_back(
        fmt::format("allow statement {} of the policy that `{}` writes", statement.sid, policy_command(policy)));
  if (std::ranges::any_of(missing, &aws::PolicyDenial::by_boundary))
    all.emplace_back("have the permissions boundary allow it, without which no other Allow counts");
  if (std::ranges::any_of(missing, &aws::PolicyDenial::by_organization))
    all.emplace_back("have the organization's policies allow it, without which no other Allow counts");
  if (std::ranges::any_of(missing, &aws::PolicyDenial::explicitly))
    all.emplace_back("take away the Deny, beside which no Allow counts");
  std::string next = fmt::format("{}", fmt::join(all, ", and "));
  next.front() = static_cast<char>(next.front() - 'a' + 'A');
  return next;
}

// A statement with notes is wider than what is needed: what is missing of it may not be needed.
Finding missing_finding(const Policy& policy, const PolicyStatement& statement,
                        const std::vector<aws::PolicyDenial>& missing) {
  const std::string whose = policy.of.empty() ? "" : " of " + policy.of;
  const bool needed = statement.notes.empty();
  std::vector<std::string> listed;
  for (const aws::PolicyDenial& one : missing) listed.push_back(denial_text(one));
  return {needed ? Verdict::red : Verdict::yellow,
          "permission",
          fmt::format("permission {}{}", statement.sid, whose),
          fmt::format("missing: {}{}", fmt::join(listed, ", "),
                      needed ? "" : fmt::format(". {}", fmt::join(statement.notes, " "))),
          missing_takes(policy, statement, missing),
          listed};
}

// Denials that hold, and those that neither the simulator nor a trial can tell.
struct Sorted {
  std::vector<aws::PolicyDenial> missing, untold;
};

// What the simulator may be wrong about is tried, as far as that has no effect.
Task<Sorted> sorted(Outside& outside, const PolicyOwner& owner, PolicyStatement statement,
                    const std::vector<aws::PolicyDenial>& denied) {
  std::erase_if(statement.actions, [&](const std::string& action) {
    return std::ranges::none_of(denied, [&](const auto& one) { return one.uncertain() && one.action() == action; });
  });
  const std::vector<Trial> trials = co_await try_statement(outside, owner, statement);
  Sorted found;
  for (const aws::PolicyDenial& denial : denied) {
    const auto any = [&](auto... ends) {
      return std::ranges::any_of(
          trials, [&](const Trial& trial) { return trial.action == denial.action() && ((trial.end == ends) || ...); });
    };
    if (!denial.uncertain() || any(Trial::End::denied, Trial::End::forbidden))
      found.missing.push_back(denial);
    else if (!any(Trial::End::allowed) || any(Trial::End::untold))
      found.untold.push_back(denial);
  }
  co_return found;
}

Finding untold_finding(const Policy& policy, const PolicyStatement& statement,
                       const std::vector<aws::PolicyDenial>& untold) {
  std::vector<std::string> listed;
  for (const aws::PolicyDenial& one : untold) listed.push_back(denial_text(one));
  return {Verdict::yellow,
          "permission",
          fmt::format("permission {}{}", statement.sid, policy.of.empty() ? "" : " of " + policy.of),
          fmt::format("IAM's simulator denies {}; it does not evaluate conditions of the organization's policies, nor "
                      "those on what it is not told of a request, and this cannot be tried without effect",
                      fmt::join(listed, ", ")),
          "Look at the conditions of the organization's policies, the permissions boundary and the identity's policies",
          listed};
}

Task<Findings> examine_by_simulator(Outside& outside, const PolicyOwner& owner) {
  aws::Iam iam{owner.client("")};
  Findings findings;
  const std::vector<PolicyStatement> statements = to_examine(owner.policy);
  for (const PolicyStatement& statement : statements) {
    const auto denied = co_await iam.denied(question_of(owner, statement));
    const Sorted found = co_await sorted(outside, owner, statement, denied);
    if (!found.missing.empty()) findings.push_back(missing_finding(owner.policy, statement, found.missing));
    // Each role is taken, and has its own finding.
    if (!found.untold.empty() && !of_service(statement, "sts:"))
      findings.push_back(untold_finding(owner.policy, statement, found.untold));
  }
  if (findings.empty())
    findings.push_back({Verdict::green, "permission", "permissions of " + owner.principal,
                        fmt::format("all of the {} statements that IAM can tell of are allowed", statements.size()),
                        ""});
  co_return findings;
}

// Each once: an action is tried at every resource of its own.
template <typename Noted>
void note_once(std::vector<Noted>& all, const Noted& one) {
  if (std::ranges::find(all, one) == all.end()) all.push_back(one);
}

// What would let the simulator be asked: by its path, which IAM alone tells, where a session of a role asks.
std::string hearing_takes(const PolicyOwner& owner, const Failure& unheard) {
  const bool unsaid = unheard.code() == "AccessDenied" && !aws::denies_explicitly(unheard.what());
  if (owner.path_known || !unsaid) return unheard.next();
  return "Allow iam:SimulatePrincipalPolicy and iam:GetRole, which tells the path of a role: docs/permissions.md has "
         "the statement";
}

Task<Findings> examine_by_trials(Outside& outside, const PolicyOwner& owner, const Failure& unheard) {
  Findings findings;
  std::vector<std::string> untold;
  std::size_t allowed = 0;
  for (const PolicyStatement& statement : to_examine(owner.policy)) {
    if (of_service(statement, "sts:")) continue;  // each role is taken, and has its own finding
    std::vector<aws::PolicyDenial> missing;
    for (const Trial& trial : co_await try_statement(outside, owner, statement)) {
      const bool forbidden = trial.end == Trial::End::forbidden;
      if (forbidden || trial.end == Trial::End::denied)
        note_once(missing, aws::PolicyDenial{.asked = trial.tried, .explicitly = forbidden});
      if (trial.end == Trial::End::untold) note_once(untold, trial.action);
      if (trial.end == Trial::End::allowed) ++allowed;
    }
    if (!missing.empty()) findings.push_back(missing_finding(owner.policy, statement, missing));
  }
  const std::string rest =
      untold.empty() ? "" : fmt::format("; what cannot be tried without effect: {}", fmt::join(untold, ", "));
  findings.push_back(
      {Verdict::yellow, "permission", "permissions of " + owner.principal,
       fmt::format("{}; tried instead, without effect: {} {} allowed, {} something{}", unheard.what(), allowed,
                   allowed == 1 ? "time" : "times",
                   findings.size() == 1 ? "1 statement lacks" : fmt::format("{} statements lack", findings.size()),
                   rest),
       hearing_takes(owner, unheard)});
  co_return findings;
}

}  // namespace

Task<Findings> examine_permissions(Outside& outside, PolicyOwner owner) {
  std::optional<Failure> unheard;
  try {
    co_return co_await examine_by_simulator(outside, owner);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    unheard = failure;
  }
  co_return co_await examine_by_trials(outside, owner, *unheard);
}

}  // namespace certferry
