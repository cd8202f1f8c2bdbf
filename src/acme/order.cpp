#include "acme/order.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "acme/problem.h"
#include "base/certificate_spec.h"
#include "base/limits/acme.h"

namespace certferry::acme {
namespace {

constexpr std::pair<std::string_view, OrderStatus> order_words[] = {{"pending", OrderStatus::pending},
                                                                    {"ready", OrderStatus::ready},
                                                                    {"processing", OrderStatus::processing},
                                                                    {"valid", OrderStatus::valid},
                                                                    {"invalid", OrderStatus::invalid},
                                                                    // Pebble, as Boulder once did, of an order of
                                                                    // which an authorization was deactivated
                                                                    {"deactivated", OrderStatus::invalid}};

Failure bad_order(const OrderUrl& url, std::string_view why) {
  return Failure(Failure::Kind::refused, fmt::format("the order {} {}", quoted(url.text()), why),
                 "Report it to the CA, or to certferry where the CA is right");
}

OrderStatus order_status(const OrderUrl& url, const Json& body) {
  const auto text = body.text("status");
  if (!text) throw bad_order(url, "has no status");
  for (const auto& [word, status] : order_words)
    if (word == *text) return status;
  throw bad_order(url, fmt::format("has the unknown status \"{}\"", quoted(*text, 40)));
}

DomainName identifier_of(const OrderUrl& url, const Json& identifier) {
  const auto type = identifier.text("type"), value = identifier.text("value");
  if (!type || !value) throw bad_order(url, "has an identifier without type or value");
  if (*type != "dns") throw bad_order(url, fmt::format("is for an identifier of type \"{}\"", quoted(*type, 40)));
  try {
    return DomainName::parse(*value);
  } catch (const Failure& failure) {
    throw bad_order(url, fmt::format("is for what is no name: {}", failure.what()));
  }
}

}  // namespace

std::string_view name(OrderStatus status) {
  for (const auto& [word, one] : order_words)
    if (one == status) return word;
  return "unknown";
}

Order parse_order(const OrderUrl& url, const Json& body) {
  if (!body.is_object()) throw bad_order(url, "is no object");
  Order order{.url = url, .status = order_status(url, body)};
  for (const Json& identifier : body.elements("identifiers")) order.names.push_back(identifier_of(url, identifier));
  if (order.names.empty()) throw bad_order(url, "has no identifiers");
  order.names = sorted_names(std::move(order.names));
  for (const Json& authorization : body.elements("authorizations")) {
    if (!authorization.is_string()) throw bad_order(url, "has an authorization that is no URL");
    order.authorizations.push_back(authorization.as_text());
  }
  if (order.authorizations.size() > limits::acme::authorizations_an_order)
    throw bad_order(url, fmt::format("has {} authorizations", order.authorizations.size()));
  std::ranges::sort(order.authorizations);
  const auto twice = std::ranges::unique(order.authorizations);
  order.authorizations.erase(twice.begin(), twice.end());
  order.finalize = body.text("finalize").value_or("");
  if (order.finalize.empty()) throw bad_order(url, "has no finalize URL");
  order.certificate = body.text("certificate").value_or("");
  if (const auto expires = body.text("expires")) order.expires = parse_iso8601(*expires);
  order.profile = body.text("profile").value_or("");
  if (const Json* error = body.find("error"); error && error->is_object()) order.error = parse_problem(*error).words();
  return order;
}

}  // namespace certferry::acme
