#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/policy_documents.h"
#include "sandbox/query_reply.h"

namespace certferry::sandbox {

class World;

// Who may do what, as IAM decides it. Nothing is refused where no policy is attached: an identity without one may do
// everything, a bucket, key or role without one leaves it to the identity's. With them: what any policy denies is
// denied; S3 asks that identity's or bucket's policy allows; a key's own policy must allow, and may leave it to the
// account's identities; a role's trust policy must allow beside the identity's.
// source: IAM UserGuide, "Policy evaluation logic"; KMS developer guide, "Key policies in AWS KMS", 2026-11-28
class Permissions {
 public:
  explicit Permissions(World& world) : world_(world) {}
  std::string user() const;  // the ARN of whom "AKIASANDBOX" belongs to

  // Policies in JSON, each in place of the one before. Throw Failure (refused): policy_documents.h, and where the world
  // has no such user, role, bucket or key.
  void attach_to_identity(const std::string& arn, std::string_view json);  // a user's or role's
  void attach_to_bucket(const std::string& name, std::string_view json);
  void attach_to_key(const std::string& key, std::string_view json);  // its id, ARN or alias
  void trust(const std::string& role, std::string_view json);         // whom an assumed role takes

  // Why a request of whoever holds this access key is refused, in the service's own words; empty: it is allowed.
  std::optional<Refusal> refusal(const std::string& service, const http::Request& request,
                                 const std::string& access_key_id);

  // What IAM's policy simulator says of an identity (a user's or role's ARN): its own policy alone is asked. No request
  // is made, and nothing becomes used.
  PolicyDocument::Verdict simulated(const std::string& arn, const AccessRequest& asked) const;

  // What was refused so far: action and resource.
  const std::vector<std::string>& refused() const { return refused_; }
  // (Sid, action) of an identity's policy that no request has needed yet.
  std::set<std::pair<std::string, std::string>> unused(const std::string& arn) const;

 private:
  struct Denial;
  struct Asker {
    std::string policy_of;            // the ARN that a policy is attached to
    std::vector<std::string> called;  // its ARN as services name it, first
  };
  Asker asker(const std::string& access_key_id) const;
  void require_role(const std::string& arn) const;
  PolicyDocument* of_resource(const AccessRequest& asked);
  std::optional<Denial> denial(const AccessRequest& asked, const Asker& asker);

  World& world_;
  std::map<std::string, PolicyDocument> identities_, resources_;  // by ARN
  std::vector<std::string> refused_;
};

}  // namespace certferry::sandbox
