#include "real/address_policy.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <optional>

namespace certferry {

namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> as_address(std::string_view text) {
  boost::system::error_code error;
  ip::address address = ip::make_address(std::string{text}, error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

AddressKind kind_of_v4(const ip::address_v4& address) {
  const auto bits = address.to_uint();
  auto in = [&](std::uint32_t network, int prefix) { return bits >> (32 - prefix) == network >> (32 - prefix); };
  if (in(0x7f000000, 8)) return AddressKind::loopback;
  if (in(0xa9fe0000, 16)) return AddressKind::link_local;
  if (in(0x0a000000, 8) || in(0xac100000, 12) || in(0xc0a80000, 16) || in(0x64400000, 10))
    return AddressKind::private_use;
  if (in(0, 8) || bits >= 0xe0000000) return AddressKind::other;
  return AddressKind::global;
}

AddressKind kind_of_v6(const ip::address_v6& address) {
  if (address.is_loopback()) return AddressKind::loopback;
  if (address.is_link_local()) return AddressKind::link_local;
  const auto octets = address.to_bytes();
  if ((octets[0] & 0xfe) == 0xfc) return AddressKind::private_use;
  if (octets[0] == 0 && octets[1] == 0x64 && octets[2] == 0xff && octets[3] == 0x9b)  // NAT64 (RFC 6052)
    return kind_of_v4(ip::address_v4{{octets[12], octets[13], octets[14], octets[15]}});
  if ((octets[0] & 0xe0) == 0x20) return AddressKind::global;
  return AddressKind::other;
}

bool network_holds(std::string_view network, const ip::address& address) {
  boost::system::error_code error;
  if (address.is_v4()) {
    auto parsed = ip::make_network_v4(std::string{network}, error);
    return !error && ip::network_v4{address.to_v4(), parsed.prefix_length()}.canonical() == parsed.canonical();
  }
  auto parsed = ip::make_network_v6(std::string{network}, error);
  return !error && ip::network_v6{address.to_v6(), parsed.prefix_length()}.canonical() == parsed.canonical();
}

bool entry_spares(std::string_view entry, std::string_view host, const std::optional<ip::address>& address) {
  if (entry == "*") return true;
  if (entry.starts_with("[") && entry.ends_with("]")) entry = entry.substr(1, entry.size() - 2);
  if (address) return entry.find('/') != entry.npos ? network_holds(entry, *address) : as_address(entry) == address;
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with(".")) entry.remove_prefix(1);
  if (entry.empty() || host.size() < entry.size()) return false;
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const std::string_view tail = host.substr(host.size() - entry.size());
  for (std::size_t i = 0; i < tail.size(); ++i)
    if (lower(tail[i]) != lower(entry[i])) return false;
  return tail.size() == host.size() || host[host.size() - tail.size() - 1] == '.';
}

}  // namespace

AddressKind kind_of_address(std::string_view text) {
  const auto address = as_address(text);
  if (!address) return AddressKind::other;
  return address->is_v4() ? kind_of_v4(address->to_v4()) : kind_of_v6(address->to_v6());
}

std::string_view name(AddressKind kind) {
  switch (kind) {
    case AddressKind::global:
      return "a public address";
    case AddressKind::private_use:
      return "a private address";
    case AddressKind::loopback:
      return "a loopback address";
    case AddressKind::link_local:
      return "a link-local address";
    case AddressKind::other:
      break;
  }
  return "no address of a host";
}

bool is_metadata_address(std::string_view text) {
  const auto address = as_address(text);
  if (!address || !address->is_v6()) return false;
  const auto octets = address->to_v6().to_bytes();
  return octets[0] == 0xfd && octets[1] == 0 && octets[2] == 0x0e && octets[3] == 0xc2;
}

bool spared_by_no_proxy(std::string_view no_proxy, std::string_view host) {
  const auto address = as_address(host);
  while (!no_proxy.empty()) {
    const auto end = no_proxy.find_first_of(", \t");
    const auto entry = no_proxy.substr(0, end);
    if (!entry.empty() && entry_spares(entry, host, address)) return true;
    if (end == no_proxy.npos) break;
    no_proxy.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace certferry
