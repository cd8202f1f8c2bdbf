#pragma once

#include <cstddef>

namespace certferry::limits::kms {

// source: KMS API reference, Encrypt, 2026-11-23
inline constexpr std::size_t plaintext_longest = 4096, ciphertext_longest = 6144;
// Larger secrets are sealed with a data key of so many bytes (GenerateDataKey, AES_256).
// source: KMS API reference, GenerateDataKey, 2026-11-23
inline constexpr std::size_t data_key = 32;
// source: the PEM of an RSA key of 4096 bits in PKCS#8, measured, 2026-11-23
inline constexpr std::size_t largest_key_pem = 3300;

static_assert(plaintext_longest < ciphertext_longest);
static_assert(largest_key_pem < plaintext_longest, "every account key fits without a data key");

}  // namespace certferry::limits::kms
