#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace certferry {

std::string base64(BytesView bytes);                       // RFC 4648 section 4, padded
std::optional<Bytes> parse_base64(std::string_view text);  // blanks and line ends skipped, padding optional at the end
std::string base64url(BytesView bytes);                    // section 5, no padding, as RFC 7515 wants
std::optional<Bytes> parse_base64url(std::string_view text);  // padding, blanks and non-zero spare bits refused
std::string hex(BytesView bytes);                             // lower case
std::optional<Bytes> parse_hex(std::string_view text);        // either case, even length

}  // namespace certferry
