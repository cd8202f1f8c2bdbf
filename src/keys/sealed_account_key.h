#pragma once

#include <string>

#include "aws/kms.h"

namespace certferry {

// An account key as it lies in S3: sealed by KMS, either in an envelope of ours,
// {"format": 1, "kms_key", "key_arn"?, "context", "ciphertext"}, whose ciphertext is bound to where it lies, or as the
// raw ciphertext that `aws kms encrypt` gives, bound to nothing. What is sealed is a PEM.

// place: "s3://bucket/key".
Task<Bytes> seal_account_key(aws::Kms kms, const std::string& kms_key, const std::string& place, const Secret& pem);
// Failure: refused for a plain key, another place's envelope, a newer format, what KMS does not open.
Task<Secret> unseal_account_key(aws::Kms kms, const std::string& kms_key, const std::string& place,
                                const Bytes& stored);

}  // namespace certferry
