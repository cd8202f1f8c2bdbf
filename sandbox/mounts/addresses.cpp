#include "sandbox/mounts/addresses.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"

namespace certferry::sandbox {

bool Addresses::known(const std::string& host) const {
  auto named_so = [&](const auto& entry) { return entry.second.dns_name == host; };
  if (std::ranges::any_of(world_.classic().by_name, named_so)) return true;
  if (std::ranges::any_of(world_.load_balancers().by_name, named_so)) return true;
  return std::ranges::any_of(world_.zones().all, [&](const SimulatedZone& zone) {
    return std::ranges::find(zone.name_servers, host) != zone.name_servers.end();
  });
}

std::string Addresses::of(const std::string& host) {
  if (auto found = by_host_.find(host); found != by_host_.end()) return found->second;
  if (!known(host)) return "";
  std::size_t number = by_host_.size();
  static constexpr std::array networks = {"198.51.100", "203.0.113", "192.0.2"};
  constexpr std::size_t hosts = 254;  // of each network
  std::string address = number < networks.size() * hosts
                            ? fmt::format("{}.{}", networks[number / hosts], number % hosts + 1)
                            : fmt::format("2001:db8::{:x}", number);
  by_host_[host] = address;
  by_address_[address] = host;
  return address;
}

std::string Addresses::host_at(const std::string& address_or_name) const {
  auto found = by_address_.find(address_or_name);
  return found == by_address_.end() ? address_or_name : found->second;
}

}  // namespace certferry::sandbox
