#include "base/failure.h"
#include "fuzzing.h"
#include "wire/host_port.h"
#include "wire/url.h"

using certferry::Url;
using certferry::fuzz::hold;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = certferry::fuzz::view(data, size);
  hold(certferry::percent_decoded(certferry::percent_encoded(text)) == text, "what is encoded decodes");
  auto parameters = certferry::parse_query(text, true);
  hold(certferry::parse_query(certferry::form_encoded(parameters)) == parameters, "a form is read as it was written");
  if (const auto place = certferry::parse_host_port(text, 443))
    hold(certferry::parse_host_port(text_of(*place), 443) == place, "a host and port are read as they were written");
  try {
    Url url = Url::parse(text);
    hold(url.text() == text, "a URL is kept as it was given");
    Url again = Url::parse(url.origin() + url.path() + (url.query().empty() ? "" : "?" + url.query()));
    hold(again.host() == url.host() && again.port() == url.port() && again.secure() == url.secure(), "the same origin");
    hold(again.path() == url.path() && again.query() == url.query(), "the same path and query");
  } catch (const certferry::Failure&) {
  }
  return 0;
}
