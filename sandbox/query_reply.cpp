#include "sandbox/query_reply.h"

#include <charconv>
#include <fmt/format.h>

#include "base/failure.h"
#include "sandbox/world.h"
#include "wire/base64.h"

namespace certferry::sandbox {
namespace {

constexpr std::string_view kMarkerWord = "page:";

http::Response reply_of(const World& world, int status, std::string_view type, Bytes body, WallTime now) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", std::string{type});
  response.headers.set("Date", http_date(now));
  response.headers.set("x-amzn-RequestId", request_id(world));
  response.body = std::move(body);
  return response;
}

Bytes query_error(const World& world, const QueryService& service, const Refusal& refusal) {
  XmlWriter xml{"ErrorResponse", service.namespace_uri};
  xml.open("Error").text("Type", refusal.status >= 500 ? "Receiver" : "Sender");
  xml.text("Code", refusal.code).text("Message", refusal.message).close();
  xml.text("RequestId", request_id(world));
  return xml.done();
}

Bytes query_result(const World& world, const QueryService& service, const QueryCall& call,
                   const QueryOperation& operation, Outcome& outcome) {
  XmlWriter xml{call.action() + "Response", service.namespace_uri};
  xml.open(call.action() + "Result");
  outcome = operation(call, xml);
  xml.close();
  xml.open("ResponseMetadata").text("RequestId", request_id(world)).close();
  return xml.done();
}

// What a refused call was about, for its event.
std::string object_in(const QueryCall& call) {
  for (std::string_view name :
       {"ServerCertificateName", "LoadBalancerName", "ListenerArn", "LoadBalancerArn", "RoleArn",
        "LoadBalancerNames.member.1", "Names.member.1", "ListenerArns.member.1", "LoadBalancerArns.member.1"})
    if (auto object = call.find(name)) return *object;
  return "";
}

}  // namespace

QueryCall::QueryCall(const http::Request& request)
    : parameters_(parse_query(request.body.empty() ? request.url.query() : request.body, true)) {
  action_ = text("Action");
}

std::optional<std::string> QueryCall::find(std::string_view name) const {
  for (const auto& [key, value] : parameters_)
    if (key == name) return value;
  return {};
}

std::string QueryCall::text(std::string_view name) const { return find(name).value_or(""); }

std::string QueryCall::required(std::string_view name) const {
  auto found = find(name);
  if (!found || found->empty())
    throw Refusal{400, "ValidationError",
                  fmt::format("1 validation error detected: Value null at '{}' failed to satisfy constraint: Member "
                              "must not be null",
                              name)};
  return *found;
}

std::vector<std::string> QueryCall::members(std::string_view list) const {
  std::vector<std::string> found;
  while (auto member = find(fmt::format("{}.member.{}", list, found.size() + 1))) found.push_back(*member);
  return found;
}

bool QueryCall::any_with_prefix(std::string_view prefix) const {
  for (const auto& [key, value] : parameters_)
    if (key.starts_with(prefix)) return true;
  return false;
}

std::size_t QueryCall::page_size(std::string_view name, std::size_t usual, std::size_t most) const {
  auto said = find(name);
  if (!said) return usual;
  std::size_t size = 0;
  auto [end, error] = std::from_chars(said->data(), said->data() + said->size(), size);
  if (error != std::errc{} || end != said->data() + said->size() || size < 1 || size > most)
    throw Refusal{
        400, "ValidationError",
        fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must "
                    "have value between 1 and {}",
                    *said, name, most)};
  return size;
}

http::Response answer_query(World& world, const QueryService& service, const http::Request& request, WallTime now,
                            const QueryOperation& operation) {
  QueryCall call{request};
  Outcome outcome;
  Bytes body;
  int status = 200;
  try {
    if (call.action().empty()) throw Refusal{400, "MissingAction", "The request must contain the parameter Action."};
    body = query_result(world, service, call, operation, outcome);
  } catch (const Refusal& refusal) {
    status = refusal.status;
    outcome.object = object_in(call);
    body = query_error(world, service, refusal);
  }
  auto response = reply_of(world, status, "text/xml", std::move(body), now);
  world.record({now, std::string{service.name}, call.action(), outcome.object, status, outcome.changed});
  return response;
}

http::Response answer_json(World& world, std::string_view service, const http::Request& request, WallTime now,
                           const JsonOperation& operation) {
  std::string target = request.headers.get("X-Amz-Target").value_or("");
  std::string name = target.substr(target.find('.') + 1);
  Outcome outcome;
  Bytes body;
  std::string error;
  int status = 200;
  try {
    Json input;
    try {
      input = Json::parse(request.body, "the request");
    } catch (const Failure&) {
      throw Refusal{400, "SerializationException", "The request is no JSON."};
    }
    body = operation(name, input, outcome).dump();
  } catch (const Refusal& refusal) {
    status = refusal.status;
    error = refusal.code;
    body = Json::object({{"__type", refusal.code}, {"message", refusal.message}}).dump();
  }
  auto response = reply_of(world, status, "application/x-amz-json-1.1", std::move(body), now);
  if (!error.empty()) response.headers.set("x-amzn-ErrorType", error);
  world.record({now, std::string{service}, name, outcome.object, status, outcome.changed});
  return response;
}

std::string page_marker(std::string_view next_item) { return base64url(fmt::format("{}{}", kMarkerWord, next_item)); }

std::string item_of_marker(const std::string& marker) {
  if (marker.empty()) return "";
  auto item = parse_base64url(marker);
  if (!item || !item->starts_with(kMarkerWord)) throw Refusal{400, "ValidationError", "Invalid Marker."};
  return item->substr(kMarkerWord.size());
}

std::string request_id(const World& world) {
  return fmt::format("5a4db0c5-0000-4000-8000-{:012x}", world.events().size() + 1);
}

}  // namespace certferry::sandbox
