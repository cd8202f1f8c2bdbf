#pragma once

#include <string>

#include "base/bytes.h"

namespace certferry {

// What stands in an object of the S3 store: the value, and a random token that tells our own write from another's.
struct S3Body {
  std::string token;
  Bytes value;
};
Bytes to_bytes(const S3Body&);                                // {"token", "value": text} or {"token", "base64"}
S3Body parse_s3_body(BytesView body, const std::string& at);  // throws Failure (refused); at: "s3://bucket/key"

std::string s3_prefix(std::string prefix);  // "" or with one slash at its end

}  // namespace certferry
