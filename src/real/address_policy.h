#pragma once

#include <string>
#include <string_view>

namespace certferry {

// What an address is for (RFC 6890), as far as it decides who may be spoken to.
enum class AddressKind { global, private_use, loopback, link_local, other };

// Of an IPv4 or IPv6 address as text; an IPv4 address mapped into IPv6 counts as itself. `other`: unspecified,
// multicast, reserved, or no address at all.
AddressKind kind_of_address(std::string_view address);
// "the loopback address", for messages.
std::string_view name(AddressKind);
// The addresses where AWS serves metadata and container credentials beside link-local ones: fd00:ec2::/32.
bool is_metadata_address(std::string_view address);

// Whether NO_PROXY takes `host` out of the proxy's way: "*", names with or without a leading dot (they cover what is
// below them too), addresses, and networks ("10.0.0.0/8"); separated by commas or blanks.
bool spared_by_no_proxy(std::string_view no_proxy, std::string_view host);

}  // namespace certferry
