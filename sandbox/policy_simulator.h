#pragma once

#include "sandbox/query_reply.h"

namespace certferry::sandbox {

class World;

// IAM's SimulatePrincipalPolicy: what Permissions::simulated says of each action on each resource, a page of up to
// 100 decisions. Refusal: NoSuchEntity, InvalidInput.
// source: IAM API reference, SimulatePrincipalPolicy, 2026-11-28
Outcome simulate_principal_policy(World& world, const QueryCall& call, XmlWriter& result);

}  // namespace certferry::sandbox
