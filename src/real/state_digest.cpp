#include "real/state_digest.h"

#include <algorithm>
#include <fmt/format.h>
#include <openssl/sha.h>

namespace certferry {

StateDigest StateDigest::of_value(BytesView value) {
  static_assert(size == SHA256_DIGEST_LENGTH);
  std::array<unsigned char, size> computed{};
  SHA256(reinterpret_cast<const unsigned char*>(value.data()), value.size(), computed.data());
  StateDigest digest;
  std::ranges::copy(computed, digest.octets_.begin());
  return digest;
}

StateDigest StateDigest::of_entry(std::string_view key, std::int64_t version, const StateDigest& value) {
  // A key holds no line feed: no two entries are written alike.
  return of_value(fmt::format("{}\n{}\n{}", key, version, value.octets()));
}

StateDigest StateDigest::of_last_version(std::int64_t version) { return of_value(fmt::to_string(version)); }

StateDigest StateDigest::from_octets(std::string_view octets) {
  StateDigest digest;
  if (octets.size() == size) std::ranges::copy(octets, digest.octets_.begin());
  return digest;
}

StateDigest& StateDigest::operator^=(const StateDigest& other) {
  for (std::size_t i = 0; i < size; ++i) octets_[i] = static_cast<char>(octets_[i] ^ other.octets_[i]);
  return *this;
}

}  // namespace certferry
