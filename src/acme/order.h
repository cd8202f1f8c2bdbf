#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/names.h"
#include "base/time.h"
#include "wire/json.h"

namespace certferry::acme {

enum class OrderStatus { pending, ready, processing, valid, invalid };
std::string_view name(OrderStatus);

// An order as the CA states it (RFC 8555 section 7.1.3).
struct Order {
  OrderUrl url;
  OrderStatus status = OrderStatus::pending;
  std::vector<DomainName> names;            // sorted
  std::vector<std::string> authorizations;  // URLs, sorted
  std::string finalize, certificate;        // URLs, "" while there is none
  std::optional<WallTime> expires;
  std::string profile;  // "" where the CA does not say
  std::string error;    // its problem, in words
};
// The code of a failure by which an order ended though the CA refused nothing and found no name wanting: it, or an
// authorization of it, expired. The next may be begun at once.
inline constexpr std::string_view lapse_code = "lapsed";
inline bool is_lapse(const Failure& failure) { return failure.code() == lapse_code; }
inline Failure as_lapse(const Failure& failure) { return failure.with_code(std::string{lapse_code}); }
Order parse_order(const OrderUrl& url, const Json& body);  // throws Failure (refused) on what section 7.1.3 forbids

}  // namespace certferry::acme
