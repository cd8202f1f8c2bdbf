#pragma once

#include <string>
#include <string_view>

#include "aws/credentials.h"

namespace certferry::aws {

// The JSON that IMDS, containers and credential_process give: AccessKeyId, SecretAccessKey, Token (or SessionToken),
// Expiration; Code, where there is one, must be "Success". Throws Failure (transient) that names `source`, never its
// text.
SharedCredentials credentials_document(std::string_view text, const std::string& source);

}  // namespace certferry::aws
