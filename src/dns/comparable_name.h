#pragma once

#include <string>
#include <string_view>

namespace certferry {

// A name of the DNS as names compare: without final dot, and without regard to case (RFC 4343), in which servers
// answer as they please.
inline std::string comparable_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string plain{name};
  for (char& c : plain)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return plain;
}

}  // namespace certferry
