#include "base/failure.h"
#include "fuzzing.h"
#include "wire/dns.h"

namespace dns = certferry::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto message = dns::parse(certferry::fuzz::view(data, size));
  if (!message) return 0;
  certferry::Bytes wire;
  try {
    wire = dns::encode(*message);
  } catch (const certferry::Failure& failure) {
    // Names once compressed may no longer fit; nothing else may keep a message that was read from being written.
    certferry::fuzz::hold(std::string_view{failure.what()}.contains("65,535"), "what is read can be written");
    return 0;
  }
  auto again = dns::parse(wire);
  certferry::fuzz::hold(again.has_value(), "what is written can be read");
  certferry::fuzz::hold(again->questions == message->questions && again->answers == message->answers &&
                            again->authorities == message->authorities && again->additionals == message->additionals,
                        "what is written is read as it was");
  return 0;
}
