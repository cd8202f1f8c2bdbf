#include "plan/trust_policy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "plan/policy_places.h"

namespace certferry {
namespace {

constexpr auto trustee_words = std::to_array<std::pair<std::string_view, Trustee>>({
    {"ec2", Trustee::ec2},
    {"ecs", Trustee::ecs},
    {"eks", Trustee::eks},
    {"eks-pod-identity", Trustee::eks_pod_identity},
    {"lambda", Trustee::lambda},
    {"certferry", Trustee::certferry},
});

PolicyStatement trusting(std::string kind, std::string name, std::string why) {
  return {.sid = "RunCertferry",
          .actions = {"sts:AssumeRole"},
          .resources = {},
          .conditions = {},
          .why = std::move(why),
          .principal = PolicyPrincipal{std::move(kind), {std::move(name)}}};
}

// China has EC2 alone under a name of its own.
std::string ec2_principal(const PolicyFacts& facts) {
  return facts.partition == "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com";
}

PolicyStatement trusting_tasks(const Config& config, const PolicyFacts& facts) {
  PolicyStatement statement =
      trusting("Service", "ecs-tasks.amazonaws.com", "a task of this account in this region, as the task's role");
  const std::string account = account_of(facts);
  statement.conditions = {{"StringEquals", "aws:SourceAccount", {account}},
                          {"ArnLike",
                           "aws:SourceArn",
                           {fmt::format("arn:{}:ecs:{}:{}:*", facts.partition, own_region(config, facts), account)}}};
  return statement;
}

PolicyStatement trusting_service_account(const PolicyFacts& facts, const EksPlace& place) {
  const std::string provider = place.oidc_provider.empty() ? "OIDC_PROVIDER" : place.oidc_provider;
  PolicyStatement statement = trusting(
      "Federated", fmt::format("arn:{}:iam::{}:oidc-provider/{}", facts.partition, account_of(facts), provider),
      "the pods of one service account, by the cluster's OIDC provider");
  statement.actions = {"sts:AssumeRoleWithWebIdentity"};
  statement.conditions = {{"StringEquals", provider + ":aud", {"sts.amazonaws.com"}},
                          {"StringEquals",
                           provider + ":sub",
                           {fmt::format("system:serviceaccount:{}:{}", place.name_space, place.service_account)}}};
  return statement;
}

PolicyStatement trusting_pods(const EksPlace& place) {
  PolicyStatement statement = trusting("Service", "pods.eks.amazonaws.com",
                                       "the pods of one service account, by an EKS Pod Identity association");
  statement.actions = {"sts:AssumeRole", "sts:TagSession"};
  statement.conditions = {{"StringEquals", "aws:RequestTag/kubernetes-namespace", {place.name_space}},
                          {"StringEquals", "aws:RequestTag/kubernetes-service-account", {place.service_account}}};
  return statement;
}

// With the word that the configuration says beside this role.
PolicyStatement trusting_certferry(const Config& config, const PolicyFacts& facts, const std::string& role) {
  PolicyStatement statement =
      trusting("AWS", principal_of(facts), "certferry, which works in this role's zones and on its load balancers");
  for (const RoleConfig& known : configured_roles(config)) {
    if (known.arn != role || !known.external_id) continue;
    statement.conditions = {{"StringEquals", "sts:ExternalId", {*known.external_id}}};
  }
  return statement;
}

PolicyStatement statement_for(const Config& config, const PolicyFacts& facts, Trustee who, const std::string& of,
                              const EksPlace& place) {
  switch (who) {
    case Trustee::ec2:
      return trusting("Service", ec2_principal(facts), "an instance, by its instance profile");
    case Trustee::ecs:
      return trusting_tasks(config, facts);
    case Trustee::eks:
      return trusting_service_account(facts, place);
    case Trustee::eks_pod_identity:
      return trusting_pods(place);
    case Trustee::lambda:
      return trusting("Service", "lambda.amazonaws.com", "a function, as its execution role");
    case Trustee::certferry:
      return trusting_certferry(config, facts, of);
  }
  std::unreachable();
}

}  // namespace

std::optional<Trustee> trustee(std::string_view word) {
  const auto found = std::ranges::find(trustee_words, word, &std::pair<std::string_view, Trustee>::first);
  return found == trustee_words.end() ? std::nullopt : std::optional{found->second};
}

Policy trust_policy(const Config& config, const PolicyFacts& facts, Trustee who, const std::string& of,
                    const EksPlace& place) {
  Policy policy{
      .kind = PolicyKind::trust, .of = of, .statements = {statement_for(config, facts, who, of, place)}, .notes = {}};
  if (who == Trustee::eks && place.oidc_provider.empty())
    policy.notes.emplace_back(
        "Write the cluster's OIDC provider, without https://, for OIDC_PROVIDER (--oidc-provider).");
  const bool by_account = who == Trustee::ecs || who == Trustee::eks;
  if (by_account && facts.account.empty()) note_account(policy);
  if (who == Trustee::ecs && own_region(config, facts) == "*") note_region(policy);
  if (who == Trustee::certferry) note_principal(facts, policy);
  return policy;
}

}  // namespace certferry
