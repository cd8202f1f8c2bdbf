#pragma once

#include <map>
#include <string>
#include <vector>

#include "sandbox/world.h"

namespace certferry::sandbox {

// Which addresses each host of a simulated world has: several of its own for each load balancer, one for each name
// server, given when first asked for, of the documentation's networks (RFC 5737), and never others.
class Addresses {
 public:
  explicit Addresses(World& world) : world_(world) {}
  struct Place {
    std::string host;
    std::size_t which = 0;  // of its addresses
  };
  std::string of(const std::string& host);                   // the first; "" where the world knows no such host
  std::vector<std::string> all_of(const std::string& host);  // empty where it knows none
  Place place_of(const std::string& address_or_name) const;  // itself where it is no address given here

 private:
  std::size_t many(const std::string& host) const;
  std::string next() const;
  World& world_;
  std::map<std::string, std::vector<std::string>> by_host_;
  std::map<std::string, Place> by_address_;
};

}  // namespace certferry::sandbox
