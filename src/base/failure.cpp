#include "base/failure.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/secret.h"

namespace certferry {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // 0: these bytes are no UTF-8
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint first_code_point(std::string_view text) {
  auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = octet(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t value = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (octet(i) & 0x3fU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

// Control characters, and those that turn the reading direction or break lines unseen.
bool deceives(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

std::string shown(CodePoint c, std::string_view bytes) {
  if (c.length == 0) return fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
  if (!deceives(c.value)) return std::string{bytes.substr(0, c.length)};
  switch (c.value) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  return c.value < 0x80 ? fmt::format("\\x{:02x}", static_cast<unsigned>(c.value))
                        : fmt::format("\\u{:04x}", static_cast<unsigned>(c.value));
}

// How much of it, from its first character on, is shown as it is.
std::size_t plain_run(std::string_view text) {
  const auto other = std::ranges::find_if(text, [](char c) { return c < ' ' || c > '~'; });
  return static_cast<std::size_t>(other - text.begin());
}

}  // namespace

Failure::Failure(Kind kind, std::string what, std::string next, std::optional<Duration> retry_after)
    : kind_(kind), what_(std::move(what)), next_(std::move(next)), retry_after_(retry_after) {}

Failure Failure::as_rationed() const {
  Failure copy = *this;
  copy.rationed_ = true;
  return copy;
}

Failure Failure::with_code(std::string code) const {
  Failure coded = *this;
  coded.code_ = std::move(code);
  return coded;
}

Failure Failure::within(std::string_view context) const {
  Failure wider = *this;
  wider.what_ = fmt::format("{}: {}", context, what_);
  return wider;
}

std::string_view name(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::transient:
      return "transient";
    case Failure::Kind::throttled:
      return "throttled";
    case Failure::Kind::outcome_unknown:
      return "outcome_unknown";
    case Failure::Kind::conflict:
      return "conflict";
    case Failure::Kind::dead_generation:
      return "dead_generation";
    case Failure::Kind::refused:
      return "refused";
    case Failure::Kind::fenced:
      return "fenced";
  }
  return "unknown";
}

std::string quoted(std::string_view foreign, std::size_t limit) {
  std::string whole = redacted(foreign);  // before the cut, which could leave the first half of a secret
  std::string_view rest = whole;
  std::string result;
  while (!rest.empty()) {
    if (const std::size_t plain = plain_run(rest)) {
      if (result.size() + plain > limit) return result.append(rest.substr(0, limit - result.size())) + "...";
      result += rest.substr(0, plain);
      rest.remove_prefix(plain);
      continue;
    }
    CodePoint next = first_code_point(rest);
    std::string piece = shown(next, rest);
    if (result.size() + piece.size() > limit) return result + "...";
    result += piece;
    rest.remove_prefix(next.length == 0 ? 1 : next.length);
  }
  return result;
}

}  // namespace certferry
