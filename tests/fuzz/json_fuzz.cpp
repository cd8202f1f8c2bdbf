#include "base/failure.h"
#include "fuzzing.h"
#include "wire/json.h"

using certferry::Json;

namespace {

std::optional<Json> read(const std::string& text) {
  try {
    return Json::parse(text, "the input");
  } catch (const certferry::Failure&) {
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A text with such an escape is the library's to read: it and our own reader say the same.
  const std::string between = "[" + std::string{certferry::fuzz::view(data, size)} + ",";
  certferry::fuzz::hold(read(between + R"("A"])") == read(between + R"("\u0041"])"), "both readers read the same");
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
