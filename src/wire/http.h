#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/url.h"

namespace certferry::http {

// Fields in order; names compare without case, repeated ones are kept.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  std::optional<std::string> get(std::string_view name) const;  // the first, blanks trimmed
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Whose word is trusted on the other side, and which addresses may be spoken to.
enum class Trust {
  ca,        // https only; the system's roots, or [ca] trust
  aws,       // https, or http where AWS_ENDPOINT_URL says so; AWS_CA_BUNDLE
  metadata,  // IMDS and container credentials: http to link-local and loopback addresses, or https; no proxy
};

struct Request {
  std::string method = "GET";
  Url url;
  Headers headers;
  Bytes body;
  Trust trust = Trust::aws;
  Duration deadline = std::chrono::seconds{30};  // for the whole exchange
  std::size_t body_limit = 1 << 20;              // a longer answer is a Failure
};

struct Response {
  int status = 0;
  Headers headers;
  Bytes body;
};

// The Retry-After of RFC 9110 section 10.2.3, seconds or date, relative to the response's own Date where it has one and
// to `now` else; clamped to [0, 1 day]; empty where absent or unreadable.
std::optional<Duration> retry_after(const Response&, WallTime now);
// Targets of the Link fields with this relation (RFC 8288), several in one field too.
std::vector<std::string> links(const Response&, std::string_view relation);
// The media type, lower case, without parameters.
std::string media_type(const Headers&);

// HTTP/1.1 messages as bytes, for what we serve. Parsing is bounded: 32 KiB of head, `body_limit` of body.
struct ParsedRequest {
  std::string method, target;  // target as sent: path and query
  Headers headers;
  Bytes body;
  std::size_t consumed = 0;  // bytes of the input
  bool keep_alive = true;
};
// Empty while more bytes are needed; throws Failure (refused) on what is no request. Content-Length and chunked bodies;
// both at once, folded fields and other transfer codings are refused.
std::optional<ParsedRequest> parse_request(std::string_view input, std::size_t body_limit);
// Of bytes that parse_request wants more of: whether their sender waits for "100 Continue" before it sends a body
// (RFC 9110 section 10.1.1). Throws as parse_request does.
bool awaits_continue(std::string_view input);
Bytes to_bytes(const Response&, bool keep_alive, bool head_only = false);  // with Content-Length
std::string_view reason(int status);

}  // namespace certferry::http
