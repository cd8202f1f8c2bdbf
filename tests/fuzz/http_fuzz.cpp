#include "base/failure.h"
#include "fuzzing.h"
#include "wire/http.h"

namespace http = certferry::http;
using certferry::fuzz::hold;

namespace {

// The input as a request, whole and one octet short.
void request(std::string_view text) {
  try {
    auto parsed = http::parse_request(text, 1 << 16);
    if (!parsed) return;
    hold(parsed->consumed <= text.size(), "no more is consumed than there is");
    auto exact = http::parse_request(text.substr(0, parsed->consumed), 1 << 16);
    hold(exact && exact->body == parsed->body, "what follows a request changes nothing in it");
    hold(!http::parse_request(text.substr(0, parsed->consumed - 1), 1 << 16), "a cut request waits for more");
  } catch (const certferry::Failure&) {
  }
}

// The input as the value of response fields.
void fields(std::string_view text) {
  std::string value{text};
  http::Response response{
      .status = 429, .headers = {{"Retry-After", value}, {"Link", value}, {"Date", value}}, .body = {}};
  if (auto wait = http::retry_after(response, certferry::WallTime{}))
    hold(*wait >= certferry::Duration::zero() && *wait <= certferry::days(1), "a wait is within a day");
  for (const std::string& target : http::links(response, "alternate"))
    hold(target.size() < value.size(), "a target is a part of its field");
  http::media_type({{"Content-Type", value}});
  std::string head = http::to_bytes(response, true);
  hold(head.find("\r\n\r\n") == head.size() - 4, "no value ends the head");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  request(certferry::fuzz::view(data, size));
  fields(certferry::fuzz::view(data, size));
  return 0;
}
