#pragma once

#include <map>
#include <string>

#include "sandbox/world.h"

namespace certferry::sandbox {

// Which address each host of a simulated world has: one of its own for each load balancer and name server, given when
// first asked for, of the documentation's networks (RFC 5737), and never another.
class Addresses {
 public:
  explicit Addresses(World& world) : world_(world) {}
  std::string of(const std::string& host);                        // "" where the world knows no such host
  std::string host_at(const std::string& address_or_name) const;  // itself where it is no address given here

 private:
  bool known(const std::string& host) const;
  World& world_;
  std::map<std::string, std::string> by_host_, by_address_;
};

}  // namespace certferry::sandbox
