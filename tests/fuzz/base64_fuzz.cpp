#include "fuzzing.h"
#include "wire/base64.h"

using certferry::fuzz::hold;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = certferry::fuzz::view(data, size);
  hold(certferry::parse_base64(certferry::base64(text)) == text, "base64 returns what it was given");
  hold(certferry::parse_base64url(certferry::base64url(text)) == text, "base64url returns what it was given");
  hold(certferry::parse_hex(certferry::hex(text)) == text, "hex returns what it was given");
  if (auto bytes = certferry::parse_base64url(text))
    hold(certferry::base64url(*bytes) == text, "base64url has one spelling of each value");
  if (auto bytes = certferry::parse_base64(text))
    hold(certferry::parse_base64(certferry::base64(*bytes)) == bytes, "what was read is spelled anew");
  certferry::parse_hex(text);
  return 0;
}
