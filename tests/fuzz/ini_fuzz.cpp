#include "aws/profile_files.h"
#include "base/failure.h"
#include "fuzzing.h"
#include "wire/ini.h"

namespace aws = certferry::aws;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = certferry::fuzz::view(data, size);
  try {
    int line = 0;
    for (const auto& section : certferry::parse_ini(text, "the input", 1 << 16)) {
      certferry::fuzz::hold(section.line > line, "sections come in order");
      line = section.line;
      for (const auto& property : section.properties) {
        certferry::fuzz::hold(property.line > line, "properties come in order");
        certferry::fuzz::hold(!property.name.empty(), "a property has a name");
        line = property.nested.empty() ? property.line : property.nested.back().line;
      }
    }
    aws::parse_profiles({.file = "config", .text = text}, {.file = "credentials", .text = text});
  } catch (const certferry::Failure& failure) {
    certferry::fuzz::hold(failure.kind() == certferry::Failure::Kind::refused, "what is broken is refused");
  }
  return 0;
}
