#pragma once

#include <string>

#include "aws/credentials.h"
#include "wire/http.h"

namespace certferry::aws {

struct SigningScope {
  std::string region;   // of the signature, e.g. us-east-1 for Route 53
  std::string service;  // signing name
};

struct SigningOptions {
  bool encode_path_twice = true;  // false for S3
  bool normalize_path = true;     // false for S3
  bool content_sha256 = false;    // send x-amz-content-sha256; S3 demands it
  bool sign_token = true;         // false: the session token is added after signing
  bool hash_body = true;          // false: UNSIGNED-PAYLOAD, which S3 wants of the presigned form
};

// AWS Signature Version 4 over OpenSSL's SHA-256 and HMAC (AWS General Reference, "Signing AWS API requests").
// canonical_request and string_to_sign are exposed because the published vectors state them.
std::string canonical_request(const http::Request&, const SigningOptions&);
std::string string_to_sign(std::string_view canonical_request, const SigningScope&, WallTime now);

// Adds x-amz-date, the session token, Host and Authorization (and x-amz-content-sha256 where asked for). Signs every
// field present but for those that proxies and transports may change (user-agent, connection, te, ...). The request
// must then be sent byte for byte. May be repeated with a later `now`.
void sign(http::Request& request, const Credentials&, const SigningScope&, WallTime now, const SigningOptions& = {});

// The presigned form: the signature in the query, valid for `expires`.
void presign(http::Request& request, const Credentials&, const SigningScope&, WallTime now, Duration expires,
             const SigningOptions& = {});

}  // namespace certferry::aws
