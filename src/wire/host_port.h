#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace certferry {

// Where somebody listens.
struct HostPort {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  auto operator<=>(const HostPort&) const = default;
};

// "host", "host:port", "192.0.2.1:port", "[2001:db8::1]:port", "2001:db8::1". Empty for anything else.
std::optional<HostPort> parse_host_port(std::string_view text, std::uint16_t usual_port);
std::string text_of(const HostPort&);    // with the port, IPv6 in brackets
bool is_address(std::string_view host);  // IPv4 or IPv6, as written without brackets; no SNI is sent for one

}  // namespace certferry
