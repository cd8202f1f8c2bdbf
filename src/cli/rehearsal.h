#pragma once

#include <string>
#include <vector>

#include "cli/stage.h"
#include "sandbox/mounts/socket_mount.h"
#include "sandbox/world.h"

namespace certferry {

// What stands in a sandbox from the start.
struct Estate {
  std::vector<std::string> zones{"example.com"}, elb{"classic"}, alb{"web"};
};

// A CA and AWS on this machine's loopback: hosted zones, and load balancers that show placeholders. Everything takes
// less time than in the real ones, and no less care.
class Rehearsal {
 public:
  Rehearsal(Stage& stage, const Estate& estate);
  sandbox::World& world() { return world_; }
  sandbox::SocketMount& mount() { return mount_; }
  // Everything that somebody can point a client at: a configuration for the first zone on all load balancers.
  std::string configuration(const std::string& trust, const std::string& store);
  // Lets a host of a zone lead to a load balancer.
  void point(const std::string& zone, const std::string& host, const std::string& load_balancer);
  std::string dns_name(const std::string& load_balancer);  // "" where there is none

 private:
  Estate estate_;
  sandbox::World world_;
  sandbox::SocketMount mount_;
};

// A fresh directory below /tmp, for us alone; who makes it removes it.
Task<std::string> make_scratch_directory(Stage& stage, std::string name);

}  // namespace certferry
