#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace certferry {

// "s3://bucket/rest" taken apart.
struct S3Place {
  std::string bucket;
  std::string key;  // without the leading slash; "" for the bucket itself

  // Empty for whatever does not begin with "s3://".
  static std::optional<S3Place> parse(std::string_view text);
  std::string prefix() const;  // the key as the prefix of others: with "/" at its end, or ""
};

// Whether this lies in S3, and not in a directory or a file.
bool in_s3(std::string_view place);

}  // namespace certferry
