#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/access_requests.h"

namespace certferry::sandbox {

struct DocumentCondition {
  std::string operation, key;
  std::vector<std::string> values;
};
struct DocumentStatement {
  std::string sid;
  bool deny = false;
  std::vector<std::string> principals;  // empty: whoever the policy is attached to
  std::vector<std::string> actions;
  std::vector<std::string> resources;  // empty: what the policy is attached to
  std::vector<DocumentCondition> conditions;
};

// One policy in IAM's language, as far as it is understood here: Allow and Deny; Principal, Action, Resource; the
// operators StringEquals, StringLike, ArnEquals, ArnLike, Bool and Null, with ForAllValues:, ForAnyValue: and IfExists;
// Version 2012-10-17, without policy variables.
// source: IAM UserGuide, "IAM JSON policy elements reference", 2026-11-28
class PolicyDocument {
 public:
  // What a policy is attached to: whom it lets do something; a bucket or a key; a role, that says who may take it.
  enum class Of { identity, resource, role };

  // Throws Failure (refused) for what is no policy of that kind, as IAM refuses it, or says what is not understood
  // here: nothing of it is passed over. It names the source, and the statement by its Sid or number.
  PolicyDocument(Of attached_to, std::string_view json, const std::string& source);

  enum class Verdict {
    silent,
    allowed,
    for_account,  // allows the principal's whole account, whose own policies decide
    denied,
  };
  // principals: all that the asker is called, for policies that name whom they are about: its ARN, its role's.
  Verdict judge(const AccessRequest& asked, const std::vector<std::string>& principals) const;
  // The same, of a request that is made: what it needs is no longer unused.
  Verdict decide(const AccessRequest& asked, const std::vector<std::string>& principals);

  // (Sid, action) of what allows, that no request has needed yet.
  std::set<std::pair<std::string, std::string>> unused() const;

 private:
  // The statements that allow this, or the one that denies it.
  std::vector<const DocumentStatement*> heeded(const AccessRequest& asked,
                                               const std::vector<std::string>& principals) const;
  std::vector<DocumentStatement> statements_;
  std::set<std::pair<std::string, std::string>> used_;
};

// Whether a pattern of "*" and "?" is like the whole text; "${*}", "${?}" and "${$}" are those characters themselves.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace certferry::sandbox
