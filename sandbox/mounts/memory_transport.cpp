#include "sandbox/mounts/memory_transport.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "base/failure.h"
#include "wire/json.h"

namespace certferry::sandbox {
namespace {

constexpr Duration kLatest = minutes(14);                       // AWS takes a signature for 15
constexpr Duration kSlowest = minutes(3), kSlow = seconds(20);  // an answer, and one in time as a rule
constexpr int kEven = 50;                                       // percent

// Of the query protocol's form, which spells these names without escapes; "" where there is none.
std::string query_action(const http::Request& request) {
  constexpr std::string_view field = "Action=";
  const std::string_view body = request.body;
  std::size_t at = body.find(field);
  while (at != std::string_view::npos && at > 0 && body[at - 1] != '&') at = body.find(field, at + 1);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = body.substr(at + field.size());
  return std::string{rest.substr(0, rest.find('&'))};
}

std::string json_operation(const http::Request& request) {
  std::string target = request.headers.get("X-Amz-Target").value_or("");
  return target.substr(target.find('.') + 1);
}

std::string signed_service(const http::Request& request) {
  std::string field = request.headers.get("Authorization").value_or("");
  auto end = field.find("/aws4_request");
  if (end == std::string::npos) return "";
  auto begin = field.rfind('/', end - 1) + 1;
  return field.substr(begin, end - begin);
}

bool posts_as_get(const http::Request& request) {
  if (http::media_type(request.headers) != "application/jose+json") return false;
  try {
    return Json::parse(request.body, "a JWS").text("payload") == "";
  } catch (const Failure&) {
    return false;
  }
}

bool reads_alone(const std::string& operation) {
  static constexpr std::string_view kReading[] = {"Describe", "List", "Get", "Encrypt", "Decrypt", "GenerateDataKey"};
  return std::ranges::any_of(kReading, [&](std::string_view word) { return operation.starts_with(word); });
}

http::Response throttled_reply(WallTime now) {
  http::Response response;
  response.status = 400;
  response.headers.set("Content-Type", "text/xml");
  response.headers.set("Date", http_date(now));
  response.headers.set("x-amzn-ErrorType", "ThrottlingException");
  response.body =
      "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
      "<RequestId>5a4db0c5-0000-4000-8000-000000000000</RequestId></ErrorResponse>";
  return response;
}

http::Response throttled_json_reply(WallTime now) {
  http::Response response = throttled_reply(now);
  response.headers.set("Content-Type", "application/x-amz-json-1.1");
  response.body = R"({"__type":"ThrottlingException","message":"Rate exceeded"})";
  return response;
}

// Cut in the middle, or a page of somebody who stands between.
void spoil(http::Response& reply) {
  if (reply.body.size() % 2 == 0) {
    reply.body.resize(reply.body.size() / 2);
    return;
  }
  reply.headers.set("Content-Type", "text/html");
  reply.body = "<html><body><h1>Welcome to this network</h1></body></html>";
}

bool same_family(KeyType left, KeyType right) {
  auto elliptic = [](KeyType type) { return type == KeyType::p256 || type == KeyType::p384; };
  return elliptic(left) == elliptic(right);
}

}  // namespace

std::string request_name(const http::Request& request) {
  std::string service = signed_service(request);
  std::string operation = query_action(request);
  if (operation.empty()) operation = json_operation(request);
  if (!operation.empty()) return fmt::format("{} {}", service.empty() ? "sts" : service, operation);
  return fmt::format("{} {} {}", service.empty() ? request.url.host() : service, request.method, request.url.path());
}

bool may_change(const http::Request& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  if (posts_as_get(request)) return false;
  std::string operation = query_action(request);
  if (operation.empty()) operation = json_operation(request);
  return operation.empty() || !reads_alone(operation);
}

Task<http::Response> MemoryTransport::send(http::Request request) {
  std::string host = request.url.host();
  if (!request.headers.get("User-Agent")) request.headers.set("User-Agent", "certferry (simulated)");  // a door's part
  if (network_.heard_request) network_.heard_request(request);
  Dice& dice = network_.dice;
  const std::string service = signed_service(request);
  const WallTime now = effects_.time().now();
  const bool ca_down = request.trust == http::Trust::ca && network_.ca_is_down(now);
  const bool aws_down = !service.empty() && network_.is_down(service, now);
  if (request.trust == http::Trust::metadata || ca_down || aws_down || network_.strikes(&Faults::connection_refused)) {
    co_await effects_.time().sleep(network_.one_way());
    throw Failure{Failure::Kind::transient, fmt::format("{} {}: connection refused", request.method, host),
                  "Try again later."};
  }
  Effect effect{.name = request_name(request),
                .numbered = may_change(request),
                .there = network_.one_way(),
                .back = network_.one_way(),
                .outlives_sender = true};
  bool request_lost = network_.strikes(&Faults::request_lost);
  effect.reply_lost = request_lost || network_.strikes(&Faults::reply_lost);
  const bool late = network_.strikes(&Faults::request_late);
  if (late) {
    effect.there = dice.between(request.deadline, kLatest);
    effect.reply_lost = true;
  }
  if (network_.strikes(&Faults::reply_slow)) {
    effect.back = dice.between(seconds(1), dice.percent(kEven) ? kSlow : kSlowest);
    effects_.trace().line(fmt::format("  the answer to {} takes {}", effect.name, humane(effect.back)));
  }
  bool unavailable = network_.strikes(&Faults::service_unavailable);
  bool throttle = !service.empty() && network_.strikes(&Faults::throttled);
  const bool spoiled = network_.strikes(&Faults::reply_spoiled);
  const bool twice = network_.strikes(&Faults::delivered_twice);
  auto reply = std::make_shared<std::optional<http::Response>>();
  auto sent = std::make_shared<const http::Request>(std::move(request));
  effect.happens = [&world = network_.world, &time = effects_.time(), &log = effects_.log(), reply, sent, request_lost,
                    unavailable, throttle, spoiled, twice, late] {
    if (request_lost) return;
    if (unavailable)
      *reply = http::Response{503, {{"Date", http_date(time.now())}}, ""};
    else if (throttle)
      *reply = sent->headers.get("X-Amz-Target") ? throttled_json_reply(time.now()) : throttled_reply(time.now());
    else
      *reply = world.handle(*sent, time.now(), late || log.late);
    if (spoiled) spoil(**reply);
    if (twice) world.handle(*sent, time.now(), late || log.late);
  };
  if (effect.reply_lost || effect.there + effect.back > sent->deadline) {
    Work exchange = [&] { return effects_.perform(effect); };
    Work deadline = [&] { return effects_.time().sleep(sent->deadline); };
    if (co_await race(exchange, deadline) == 1)
      throw Failure{Failure::Kind::outcome_unknown,
                    fmt::format("{} {}: no answer within {}", sent->method, host, humane(sent->deadline)),
                    "Look whether it was done before trying again."};
  } else {
    co_await effects_.perform(std::move(effect));
  }
  if ((*reply)->body.size() > sent->body_limit)
    throw Failure{Failure::Kind::outcome_unknown,
                  fmt::format("{} {}: the answer is longer than {} bytes", sent->method, host, sent->body_limit),
                  "Check that the endpoint is the right one."};
  if (sent->method == "HEAD") (*reply)->body.clear();
  co_return std::move(**reply);
}

Task<PeerChain> MemoryTransport::handshake(Endpoint endpoint, std::string sni, KeyType key) {
  const auto [host, which] = network_.addresses.place_of(endpoint.host);
  auto shown = std::make_shared<std::optional<Chain>>();
  Effect look{.name = fmt::format("handshake {}:{}", host, endpoint.port),
              .numbered = false,
              .there = network_.one_way(),
              .back = network_.one_way()};
  look.happens = [&network = network_, &time = effects_.time(), shown, host, which, endpoint, sni] {
    *shown = network.shown_by_machine(endpoint.host);
    if (*shown) return;
    if (auto presented = network.world.presented(host, endpoint.port, sni, time.now(), which))
      *shown = std::move(presented->chain);
  };
  co_await effects_.perform(std::move(look));
  auto refuse = [&](std::string_view why) {
    return Failure{Failure::Kind::transient,
                   fmt::format("TLS handshake with {}:{}: {}", endpoint.host, endpoint.port, why), "Try again later."};
  };
  if (network_.strikes(&Faults::handshake_failed)) throw refuse("connection reset by peer");
  if (!*shown) throw refuse("connection refused");
  if (!same_family((*shown)->leaf.public_key().type().value_or(KeyType::p256), key))
    throw refuse("no signature algorithm in common");
  PeerChain chain;
  chain.certificates.push_back((*shown)->leaf.der());
  for (const auto& certificate : (*shown)->intermediates) chain.certificates.push_back(certificate.der());
  const auto given = network_.addresses.all_of(host);
  chain.address = fmt::format("{}:{}", given.empty() ? endpoint.host : given[which], endpoint.port);
  chain.protocol = "TLSv1.3";
  co_return chain;
}

}  // namespace certferry::sandbox
