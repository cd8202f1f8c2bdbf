#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plan/policy.h"

namespace certferry {

// Who may take a role: certferry where it runs (an instance, a task, a pod, a function), or, for a role of [[zone]],
// certferry itself.
enum class Trustee { ec2, ecs, eks, eks_pod_identity, lambda, certferry };
std::optional<Trustee> trustee(
    std::string_view word);  // "ec2", "ecs", "eks", "eks-pod-identity", "lambda", "certferry"

// Where in EKS.
struct EksPlace {
  std::string oidc_provider;  // "oidc.eks.eu-west-1.amazonaws.com/id/…", "" where not known
  std::string name_space = "certferry", service_account = "certferry";
};

// The trust policy of certferry's own role or, `of`, of a role of [[zone]]. What is not known is named in capitals, to
// be filled in, and noted. source: for each service its user guide's page on roles, 2026-11-28
Policy trust_policy(const Config& config, const PolicyFacts& facts, Trustee who, const std::string& of,
                    const EksPlace& place);

}  // namespace certferry
