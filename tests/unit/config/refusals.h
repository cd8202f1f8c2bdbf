#pragma once

#include <string>

#include "base/failure.h"
#include "config/config.h"

namespace certferry {

// "what -> next" of the refusal, "" where it was taken.
inline std::string refusal(const std::string& toml) {
  try {
    parse_config(toml, "certferry.toml");
    return "";
  } catch (const Failure& failure) {
    return std::string{failure.what()} + " -> " + failure.next();
  }
}

inline std::string refusal(const Flags& flags) {
  try {
    config_from_flags(flags);
    return "";
  } catch (const Failure& failure) {
    return std::string{failure.what()} + " -> " + failure.next();
  }
}

}  // namespace certferry
