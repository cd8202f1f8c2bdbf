#include "aws/profile_chain.h"
#include "aws/role_credentials.h"
#include "base/failure.h"
#include "fuzzing.h"

namespace aws = certferry::aws;

// The input is a config file, a NUL, and a credentials file: every profile in them leads to a chain that ends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = certferry::fuzz::view(data, size);
  std::size_t end = std::min(text.find('\0'), text.size());
  std::string_view credentials = text.substr(std::min(end + 1, text.size()));
  aws::ProfileFiles files;
  try {
    files = aws::parse_profiles({.file = "config", .text = text.substr(0, end)},
                                {.file = "credentials", .text = credentials});
  } catch (const certferry::Failure&) {
    return 0;
  }
  for (const auto& [name, profile] : files.profiles) {
    try {
      auto chain = aws::profile_chain(files, name);
      certferry::fuzz::hold(!chain || chain->roles.size() <= files.profiles.size(), "a profile gives one role at most");
    } catch (const certferry::Failure& failure) {
      certferry::fuzz::hold(failure.kind() == certferry::Failure::Kind::refused, "what is wrong is refused");
    }
    for (const auto& [key, value] : profile) (void)aws::shell_words(value.text);
  }
  return 0;
}
