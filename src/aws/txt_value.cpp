#include <fmt/format.h>

#include "aws/route53.h"
#include "base/limits/route53.h"

namespace certferry::aws {
namespace {

constexpr std::size_t longest_string = limits::route53::txt_string_longest;

bool octal_digit(char c) { return c >= '0' && c <= '7'; }

// One possibly escaped octet at `at`, which moves behind it: \", \\, \ooo (octal), or itself.
std::optional<char> octet_at(std::string_view text, std::size_t& at) {
  char c = text[at++];
  if (c != '\\') return c;
  if (at >= text.size()) return std::nullopt;
  if (!octal_digit(text[at])) return text[at++];
  if (at + 3 > text.size() || !octal_digit(text[at + 1]) || !octal_digit(text[at + 2])) return std::nullopt;
  int value = (text[at] - '0') * 64 + (text[at + 1] - '0') * 8 + (text[at + 2] - '0');
  at += 3;
  return value < 256 ? std::optional{static_cast<char>(value)} : std::nullopt;
}

}  // namespace

std::string txt_quoted(std::string_view bytes) {
  std::string out = "\"";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0 && i % longest_string == 0) out += "\" \"";
    unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += bytes[i];
    } else if (c < 0x20 || c > 0x7e) {
      out += fmt::format("\\{:03o}", c);
    } else {
      out += bytes[i];
    }
  }
  return out + "\"";
}

std::optional<std::string> txt_unquoted(std::string_view value) {
  std::string out;
  std::size_t at = 0;
  bool any = false;
  while (at < value.size()) {
    if (value[at] == ' ' || value[at] == '\t') {
      ++at;
      continue;
    }
    if (value[at++] != '"') return std::nullopt;
    while (at < value.size() && value[at] != '"') {
      auto octet = octet_at(value, at);
      if (!octet) return std::nullopt;
      out += *octet;
    }
    if (at++ >= value.size()) return std::nullopt;
    any = true;
  }
  return any ? std::optional{out} : std::nullopt;
}

}  // namespace certferry::aws
