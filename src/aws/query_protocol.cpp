#include "aws/query_protocol.h"

#include "aws/errors.h"
#include "base/failure.h"

namespace certferry::aws {

Call query_call(std::string service, std::string version, std::string operation, std::string object,
                QueryParameters parameters) {
  QueryParameters form = {{"Action", operation}, {"Version", std::move(version)}};
  form.insert(form.end(), std::make_move_iterator(parameters.begin()), std::make_move_iterator(parameters.end()));
  Call call{.service = std::move(service), .operation = std::move(operation), .object = std::move(object)};
  call.body = form_encoded(form);
  return call;
}

Xml xml_answer(const Call& call, const http::Response& answer) {
  try {
    return Xml::parse(answer.body, "the answer", 8 << 20);
  } catch (const Failure& failure) {
    auto kind = call.repeatable ? Failure::Kind::transient : Failure::Kind::outcome_unknown;
    throw Failure(kind, description(call) + ": " + failure.what(),
                  "Run again; if it stays, look for a proxy that answers in the service's place");
  }
}

Xml query_result(const Call& call, const http::Response& answer) {
  Xml root = xml_answer(call, answer);
  return root.path(call.operation + "Result").value_or(root);
}

}  // namespace certferry::aws
