#include "aws/json_protocol.h"

#include <fmt/format.h>

#include "aws/errors.h"

namespace certferry::aws {

Call json_call(std::string service, const JsonDialect& dialect, std::string operation, std::string object,
               const Json& input) {
  Call call{.service = std::move(service), .operation = std::move(operation), .object = std::move(object)};
  call.headers.set("content-type", fmt::format("application/x-amz-json-{}", dialect.version));
  call.headers.set("x-amz-target", fmt::format("{}.{}", dialect.target_prefix, call.operation));
  call.body = input.dump();
  return call;
}

Call rest_json_call(std::string service, std::string operation, std::string object, std::string path,
                    const Json& input) {
  Call call{.service = std::move(service),
            .operation = std::move(operation),
            .object = std::move(object),
            .path = std::move(path)};
  call.headers.set("content-type", "application/json");
  call.body = input.dump();
  return call;
}

Json json_answer(const Call& call, const http::Response& answer) {
  try {
    return Json::parse(answer.body, "the answer");
  } catch (const Failure&) {
    throw unfit_answer(call, "the answer is no JSON");
  }
}

}  // namespace certferry::aws
