#include "base/failure.h"
#include "fuzzing.h"
#include "wire/json.h"

using certferry::Json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    Json json = Json::parse(certferry::fuzz::view(data, size), "the input", 1 << 16);
    std::string text = json.dump();
    Json again = Json::parse(text, "our own text", text.size());
    certferry::fuzz::hold(again == json, "what is dumped parses as what it was");
    certferry::fuzz::hold(again.dump() == text, "the same value has the same text");
  } catch (const certferry::Failure& failure) {
    certferry::fuzz::hold(!std::string_view{failure.what()}.contains("our own text"), "what is dumped parses");
  }
  return 0;
}
