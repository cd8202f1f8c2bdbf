#pragma once

#include <string>
#include <string_view>

namespace certferry {

// Octets, of a body, a file, a key in DER. A std::string because every library around us speaks it; text that people
// read is std::string by its own name.
using Bytes = std::string;
using BytesView = std::string_view;

}  // namespace certferry
