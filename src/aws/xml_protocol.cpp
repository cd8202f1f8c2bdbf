#include "aws/xml_protocol.h"

#include <fmt/format.h>
#include <optional>

#include "aws/errors.h"
#include "base/failure.h"
#include "base/limits/aws.h"

namespace certferry::aws {

Call rest_xml_call(std::string service, std::string operation, std::string object, std::string method, std::string path,
                   Bytes document) {
  Call call{.service = std::move(service),
            .operation = std::move(operation),
            .object = std::move(object),
            .method = std::move(method),
            .path = std::move(path)};
  if (!document.empty()) call.headers.set("content-type", "text/xml");
  call.body = std::move(document);
  return call;
}

Xml xml_answer(const Call& call, const http::Response& answer, std::string_view root) {
  std::optional<Xml> read;
  try {
    read = Xml::parse(answer.body, "the answer", limits::aws::answer_bytes);
  } catch (const Failure& failure) {
    throw unfit_answer(call, failure.what());
  }
  if (read->name() != (root.empty() ? call.operation + "Response" : root))
    throw unfit_answer(call, fmt::format("the answer is a <{}>", quoted(read->name(), 60)));
  return std::move(*read);
}

Xml expected(const Call& call, const Xml& answer, std::string_view path) {
  auto found = answer.path(path);
  if (!found) throw unfit_answer(call, fmt::format("the answer has no {}", path));
  return std::move(*found);
}

Arn answered_arn(const Call& call, const std::string& text) {
  try {
    return Arn::parse(text);
  } catch (const Failure&) {
    throw Failure(call.repeatable ? Failure::Kind::refused : Failure::Kind::outcome_unknown,
                  fmt::format("{}: what it answered is no ARN: \"{}\"", description(call), quoted(text, 100)),
                  "Look at what answers at the endpoint, a proxy perhaps: it does not speak as AWS does");
  }
}

}  // namespace certferry::aws
