#pragma once

#include <optional>
#include <string>

#include "base/time.h"

namespace certferry {

// What a CA says of when to renew one certificate (RFC 9773 section 4.2).
struct RenewalInfo {
  struct Window {
    WallTime start, end;  // start < end
    bool operator==(const Window&) const = default;
  };
  std::optional<Window> window;  // the suggested one; empty where the CA suggests none
  std::string explanation_url;   // for people; "" where there is none
  WallTime ask_again;            // not earlier, and then soon: the CA's Retry-After, within reason
  bool operator==(const RenewalInfo&) const = default;
};

}  // namespace certferry
