#include "wire/host_port.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace certferry {
namespace {

std::optional<std::uint16_t> parsed_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return {};
  return port;
}

bool fit_for_a_host(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](unsigned char octet) {
    return octet <= ' ' || octet == 0x7f || octet == '/' || octet == '@' || octet == '[' || octet == ']';
  });
}

}  // namespace

bool is_address(std::string_view host) {
  if (host.contains(':')) return true;
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::optional<HostPort> parse_host_port(std::string_view text, std::uint16_t usual_port) {
  std::string_view host = text, port;
  bool port_given = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return {};
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!host.contains(':') || (!rest.empty() && !rest.starts_with(':'))) return {};
    port_given = !rest.empty();
    if (port_given) port = rest.substr(1);
  } else if (std::ranges::count(text, ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
    port_given = true;
  }
  if (!fit_for_a_host(host)) return {};
  const auto number = port_given ? parsed_port(port) : std::optional{usual_port};
  if (!number) return {};
  return HostPort{std::string{host}, *number};
}

std::string text_of(const HostPort& place) {
  return place.host.contains(':') ? fmt::format("[{}]:{}", place.host, place.port)
                                  : fmt::format("{}:{}", place.host, place.port);
}

}  // namespace certferry
