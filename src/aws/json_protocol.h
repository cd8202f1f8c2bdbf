#pragma once

#include <string>
#include <string_view>

#include "aws/client.h"
#include "base/failure.h"
#include "wire/json.h"

namespace certferry::aws {

// A call of the JSON protocol 1.1 (KMS): the operation stands in X-Amz-Target, behind the service's `target_prefix`.
Call json_call(std::string service, std::string_view target_prefix, std::string operation, std::string object,
               const Json& input);

// A call of REST JSON that has a body (IAM Identity Center's token service); one without needs no serializer.
Call rest_json_call(std::string service, std::string operation, std::string object, std::string path,
                    const Json& input);

// The answer's body. Failure as xml_answer: transient for what cannot be read, outcome_unknown where the call may not
// be repeated; without the text, which may hold half a secret.
Json json_answer(const Call& call, const http::Response& answer);

// The same failure, for an answer in which something is missing.
Failure unreadable_answer(const Call& call);

}  // namespace certferry::aws
