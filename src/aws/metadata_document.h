#pragma once

#include <string>
#include <string_view>

#include "aws/credentials.h"

namespace certferry::aws {

// The JSON that IMDS and containers give: AccessKeyId, SecretAccessKey, Token (or SessionToken), Expiration; Code,
// where there is one, must be "Success", and Version 1. Throws Failure (transient) that names `source`, never its text.
SharedCredentials credentials_document(std::string_view text, const std::string& source);
// That of credential_process, which must have a Version.
// source: AWS SDKs and Tools Reference Guide, "Process credential provider", 2026-11-28
SharedCredentials process_document(std::string_view text, const std::string& source);

}  // namespace certferry::aws
