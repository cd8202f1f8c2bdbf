#pragma once

#include <string>
#include <string_view>

#include "aws/client.h"
#include "base/failure.h"
#include "wire/json.h"

namespace certferry::aws {

// How a service speaks the JSON protocol, as its model says: version "1.0" or "1.1", and what stands in X-Amz-Target
// before the operation.
struct JsonDialect {
  std::string_view version, target_prefix;
};

// A call of the JSON protocol (KMS).
Call json_call(std::string service, const JsonDialect& dialect, std::string operation, std::string object,
               const Json& input);

// A call of REST JSON that has a body (IAM Identity Center's token service); one without needs no serializer.
Call rest_json_call(std::string service, std::string operation, std::string object, std::string path,
                    const Json& input);

// The answer's body. Failure: unfit_answer, without the text, which may hold half a secret.
Json json_answer(const Call& call, const http::Response& answer);

}  // namespace certferry::aws
