#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/stage.h"
#include "sandbox/mounts/socket_mount.h"
#include "sandbox/world.h"

namespace certferry {

// What stands in a sandbox from the start.
struct Estate {
  std::string region, account;                                                // "" the usual ones
  std::vector<std::string> zones{"example.com"}, elb{"classic"}, alb{"web"};  // elb: NAME[:PORT]
  std::vector<std::string> listeners;                                         // by their ARNs
  std::vector<std::string> buckets, kms_keys, roles;  // keys by their aliases, roles by their ARNs
  std::map<std::string, std::string> policies;        // JSON, by a role's ARN; "" for the keys that are there
  std::map<std::string, std::string> bucket_policies, key_policies;  // by name, by alias
  int speed = 1;                                                     // how many times less everything takes
  // Which host of a zone leads to which load balancer.
  std::map<std::string, std::string> hosts{{"example.com", "classic"}, {"www.example.com", "web"}};
};

// A CA and AWS on this machine's loopback: hosted zones, and load balancers that show placeholders. Everything takes
// less time than in the real ones, and no less care.
class Rehearsal {
 public:
  Rehearsal(Stage& stage, const Estate& estate);
  sandbox::World& world() { return world_; }
  sandbox::SocketMount& mount() { return mount_; }

 private:
  void point(const std::string& host, const std::string& load_balancer);
  std::string dns_name(const std::string& load_balancer);  // "" where there is none
  sandbox::World world_;
  sandbox::SocketMount mount_;
};

// A configuration for all zones, apex and wildcard, on all listeners. Of what else stands in the estate: the first
// bucket holds the state where a key seals it, else `store` does; the first key seals it; roles are those of the zones,
// one by one.
std::string rehearsal_configuration(const sandbox::SocketPlaces& places, const std::string& trust,
                                    const std::string& store, const Estate& estate = {});

// Where, in its directory, a sandbox says what it is, in JSON: written last, when everything answers.
std::string description_file(const std::string& directory);

// A fresh directory below /tmp, for us alone; who makes it removes it.
Task<std::string> make_scratch_directory(Stage& stage, std::string name);

}  // namespace certferry
