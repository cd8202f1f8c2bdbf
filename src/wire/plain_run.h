#pragma once

#include <cstdint>
#include <cstring>

namespace certferry {

// Where, from `at` on, the first octet stands that is no visible ASCII letter or a blank, or is a quote or a backslash:
// what JSON writes as it is goes up to there. Eight octets at a time, since most of what is stored is PEM.
inline const char* end_of_plain_run(const char* at, const char* end) {
  constexpr std::uint64_t ones = 0x0101010101010101, tops = ones << 7;
  const auto any_is = [](std::uint64_t octets, unsigned char wanted) {
    const std::uint64_t different = octets ^ (ones * wanted);
    return (different - ones) & ~different & tops;
  };
  for (std::uint64_t octets = 0; end - at >= static_cast<std::ptrdiff_t>(sizeof octets); at += sizeof octets) {
    std::memcpy(&octets, at, sizeof octets);
    const std::uint64_t below_blank = (octets - ones * ' ') & ~octets & tops, above_ascii = octets & tops;
    if ((below_blank | above_ascii | any_is(octets, '"') | any_is(octets, '\\') | any_is(octets, 0x7f)) != 0) break;
  }
  while (at != end && *at >= ' ' && *at <= '~' && *at != '"' && *at != '\\') ++at;
  return at;
}

}  // namespace certferry
