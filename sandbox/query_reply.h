#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "wire/http.h"
#include "wire/json.h"
#include "wire/url.h"
#include "wire/xml.h"

namespace certferry::sandbox {

class World;

// What a service refuses, in its API's own words. An operation throws it; answer_query, answer_json and Buckets turn it
// into their protocol's error body in one place.
struct Refusal {
  int status = 400;
  std::string code, message;
};

// What an operation did, for the event that is recorded once a request.
struct Outcome {
  std::string object;    // certificate name, load balancer, key …
  bool changed = false;  // the service's state is not as before
};

// One call of the query protocol: Action, Version and flat parameters, from a form body or the query.
class QueryCall {
 public:
  explicit QueryCall(const http::Request& request);
  const std::string& action() const { return action_; }
  std::optional<std::string> find(std::string_view name) const;
  std::string text(std::string_view name) const;                  // "" where absent
  std::string required(std::string_view name) const;              // Refusal: ValidationError
  std::vector<std::string> members(std::string_view list) const;  // list.member.1, list.member.2 …
  bool any_with_prefix(std::string_view prefix) const;            // a parameter's name begins so
  std::size_t page_size(std::string_view name, std::size_t usual, std::size_t most) const;  // Refusal out of 1..most
  const QueryParameters& parameters() const { return parameters_; }

 private:
  std::string action_;
  QueryParameters parameters_;
};

// Which service answers, and as what its bodies declare themselves.
struct QueryService {
  std::string_view name;  // of the event: "iam"
  std::string_view namespace_uri;
};

// Answers a call: `operation` writes the members of <ActionResult> and says what it did, or throws Refusal. Records the
// event.
using QueryOperation = std::function<Outcome(const QueryCall& call, XmlWriter& result)>;
http::Response answer_query(World& world, const QueryService& service, const http::Request& request, WallTime now,
                            const QueryOperation& operation);

// The same for JSON 1.1 (X-Amz-Target: "TrentService.Decrypt"): `operation` is what follows the dot.
using JsonOperation = std::function<Json(const std::string& operation, const Json& input, Outcome& outcome)>;
http::Response answer_json(World& world, std::string_view service, const http::Request& request, WallTime now,
                           const JsonOperation& operation);

// A page of a sorted listing. Markers are opaque to clients: they hold where the next page begins.
std::string page_marker(std::string_view next_item);
std::string item_of_marker(const std::string& marker);  // "" for ""; Refusal (ValidationError) for what is none

// A request id that is another for each request of a world, and the same in each run of it.
std::string request_id(const World& world);

}  // namespace certferry::sandbox
