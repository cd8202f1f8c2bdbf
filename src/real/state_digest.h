#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace certferry {

// SHA-256 of what the state's database holds; those of several things together by exclusive or, so that their order
// does not matter and one can be taken out again. Against disks and memory that lose a bit, not against people.
class StateDigest {
 public:
  static constexpr std::size_t size = 32;

  StateDigest() = default;  // of nothing
  static StateDigest of_value(BytesView value);
  static StateDigest of_entry(std::string_view key, std::int64_t version, const StateDigest& value);
  static StateDigest of_last_version(std::int64_t version);
  static StateDigest from_octets(std::string_view octets);  // another number of octets than `size`: of nothing

  StateDigest& operator^=(const StateDigest& other);
  std::string_view octets() const { return {octets_.data(), octets_.size()}; }
  bool operator==(const StateDigest&) const = default;

 private:
  std::array<char, size> octets_{};
};

}  // namespace certferry
