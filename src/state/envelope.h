#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace certferry {

// A sealed secret as it is stored: {"format": 1, "sealing", "key", "key_arn", "data_key", "sealed"}; docs/journal.md.
struct Envelope {
  std::string sealing;  // "kms" or "file": whose seal
  std::string key;      // which key of it
  std::string key_arn;  // KMS: what that name meant then; "" in older ones
  Bytes data_key;       // KMS: the encrypted data key
  Bytes sealed;         // AES-256-GCM, authenticated with the store's key
};
Bytes to_bytes(const Envelope&);
std::string seal_of(BytesView text);  // whose it says that it is; "" where it is no envelope
// Throws Failure (refused): no envelope, a newer format, or another kind of seal than `sealing`.
Envelope parse_envelope(BytesView text, std::string_view sealing, std::string_view context);

}  // namespace certferry
