#include "aws/query_protocol.h"

#include <fmt/format.h>

namespace certferry::aws {

Call query_call(std::string service, std::string version, std::string operation, std::string object,
                QueryParameters parameters) {
  QueryParameters form = {{"Action", operation}, {"Version", std::move(version)}};
  form.insert(form.end(), std::make_move_iterator(parameters.begin()), std::make_move_iterator(parameters.end()));
  Call call{.service = std::move(service), .operation = std::move(operation), .object = std::move(object)};
  call.headers.set("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  call.body = form_encoded(form);
  return call;
}

void add_members(QueryParameters& parameters, const std::string& list, const std::vector<std::string>& members) {
  int index = 0;
  for (const std::string& member : members) parameters.emplace_back(fmt::format("{}.member.{}", list, ++index), member);
}

Task<> carry_out(Client& client, Call call) {
  const http::Response answer = co_await client.send(call);
  call.repeatable = false;  // it was answered: what an unfit answer means is not found by repeating it at once
  xml_answer(call, answer);
}

Xml query_result(const Call& call, const http::Response& answer) {
  Xml root = xml_answer(call, answer);
  return root.path(call.operation + "Result").value_or(root);
}

}  // namespace certferry::aws
