#include "aws/query_protocol.h"

#include <fmt/format.h>
#include <optional>

#include "aws/errors.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

constexpr std::string_view look_for_a_proxy =
    "Run again; if it stays, look for a proxy that answers in the service's place";

}  // namespace

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

Xml xml_answer(const Call& call, const http::Response& answer, std::string_view root) {
  const auto unfit = [&](std::string_view why) {
    auto kind = call.repeatable ? Failure::Kind::transient : Failure::Kind::outcome_unknown;
    return Failure(kind, fmt::format("{}: {}", description(call), why), std::string{look_for_a_proxy});
  };
  std::optional<Xml> read;
  try {
    read = Xml::parse(answer.body, "the answer", 8 << 20);
  } catch (const Failure& failure) {
    throw unfit(failure.what());
  }
  if (read->name() != (root.empty() ? call.operation + "Response" : root))
    throw unfit(fmt::format("the answer is a <{}>", quoted(read->name(), 60)));
  return std::move(*read);
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

Task<> carry_out(Client& client, Call call) {
  const http::Response answer = co_await client.send(call);
  call.repeatable = false;  // it was answered: what an unfit answer means is not found by repeating it at once
  xml_answer(call, answer);
}

Failure not_the_services_word(const Call& call, std::string_view why) {
  return {Failure::Kind::outcome_unknown, fmt::format("{}: {}", description(call), why), std::string{look_for_a_proxy}};
}

Xml query_result(const Call& call, const http::Response& answer) {
  Xml root = xml_answer(call, answer);
  return root.path(call.operation + "Result").value_or(root);
}

}  // namespace certferry::aws
