#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/world.h"

namespace certferry::simulation {

// What one request asks of IAM: an action on resources, all of which must be allowed, with the values of its condition
// keys.
// source: Service Authorization Reference, of Route 53, IAM, Elastic Load Balancing, S3 and KMS, 2026-11-24
struct Permission {
  std::string action;    // "route53:ChangeResourceRecordSets"
  std::string resource;  // an ARN; "*" where the service knows none for this action
  std::map<std::string, std::vector<std::string>> context;
};
// Several where one request needs several. S3 tells only those who may list a bucket that a key is not there.
std::vector<Permission> permissions_for(sandbox::World& world, const std::string& service,
                                        const http::Request& request);

// An identity's policy: Allow statements alone, and the condition operators that ours has. Remembers what was asked.
class Policy {
 public:
  explicit Policy(const std::string& json);
  bool allows(const Permission& asked);
  // Of all that was asked for so far: what no statement allowed.
  const std::vector<std::string>& refused() const { return refused_; }
  // (Sid, action) that nobody needed yet.
  std::set<std::pair<std::string, std::string>> unused() const;

 private:
  struct Condition {
    std::string operation, key;
    std::vector<std::string> values;
  };
  struct Statement {
    std::string sid;
    std::vector<std::string> actions, resources;
    std::vector<Condition> conditions;
  };
  static bool met(const Condition& condition, const Permission& asked);
  std::vector<Statement> statements_;
  std::set<std::pair<std::string, std::string>> used_;
  std::vector<std::string> refused_;
};

}  // namespace certferry::simulation
