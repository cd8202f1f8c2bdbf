#include "sandbox/mounts/addresses.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"

namespace certferry::sandbox {

std::size_t Addresses::many(const std::string& host) const {
  auto named_so = [&](const auto& entry) { return entry.second.dns_name == host; };
  if (std::ranges::any_of(world_.classic().by_name, named_so) ||
      std::ranges::any_of(world_.load_balancers().by_name, named_so))
    return world_.settings().load_balancer_addresses;
  const bool serves_a_zone = std::ranges::any_of(world_.zones().all, [&](const SimulatedZone& zone) {
    return std::ranges::find(zone.name_servers, host) != zone.name_servers.end();
  });
  return serves_a_zone ? 1 : 0;
}

std::string Addresses::next() const {
  static constexpr std::array networks = {"198.51.100", "203.0.113", "192.0.2"};
  constexpr std::size_t hosts = 254;  // of each network
  const std::size_t number = by_address_.size();
  return number < networks.size() * hosts ? fmt::format("{}.{}", networks[number / hosts], number % hosts + 1)
                                          : fmt::format("2001:db8::{:x}", number);
}

std::string Addresses::of(const std::string& host) {
  const auto all = all_of(host);
  return all.empty() ? "" : all.front();
}

std::vector<std::string> Addresses::all_of(const std::string& host) {
  if (auto found = by_host_.find(host); found != by_host_.end()) return found->second;
  std::vector<std::string> given;
  for (std::size_t which = 0; which < many(host); ++which) {
    given.push_back(next());
    by_address_[given.back()] = {host, which};
  }
  if (!given.empty()) by_host_[host] = given;
  return given;
}

Addresses::Place Addresses::place_of(const std::string& address_or_name) const {
  auto found = by_address_.find(address_or_name);
  return found == by_address_.end() ? Place{address_or_name} : found->second;
}

}  // namespace certferry::sandbox
