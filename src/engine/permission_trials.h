#pragma once

#include <string>
#include <vector>

#include "engine/permissions.h"
#include "outside/outside.h"

namespace certferry {

// What came of trying one action.
struct Trial {
  enum class End { allowed, denied, forbidden, untold } end = End::untold;  // forbidden: by an explicit Deny
  std::string action;                                                       // "route53:GetChange"
  std::string tried;  // with the resource: "route53:GetChange on arn:aws:route53:::change/*"
};

// Tries what a statement allows, as far as it can be tried without any effect, whatever the answer is; what cannot is
// untold, and so is what is answered by neither a refusal of AWS's IAM nor what proves the contrary. AWS asks IAM
// before it looks for what a request names, so that "there is none" is the word of somebody who would have been let in.
// Harmless, all of it, because
// - lists and descriptions only read, and so does GetChange, of a change that nobody has made;
// - a DELETE of a record set has to match one that is there value for value, and this one's value is random, of 64
//   bits, and looks like no challenge's; a batch that fails does nothing, and a DELETE alone publishes nothing;
// - SetLoadBalancerListenerSSLCertificate names a port at which the load balancer has no listener, and a certificate of
//   a random name, which does not exist: there is nothing to change, and nothing to change it to;
// - ModifyListener names the listener and no property of it: what is not named stays as it is;
// - RemoveListenerCertificates names a certificate that no list has;
// - DeleteServerCertificate names a certificate of a random name, which does not exist. Its refusal proves nothing: IAM
//   does not know the path of what is not there, and refuses whoever may delete below one path alone.
// What uploads is not tried: if it worked, something would be there.
// source: API references of Route 53 (ChangeResourceRecordSets), Elastic Load Balancing 2012-06-01 and 2015-12-01 and
// IAM, 2026-11-28
Task<std::vector<Trial>> try_statement(Outside& outside, const PolicyOwner& owner, PolicyStatement statement);

}  // namespace certferry
