#include "wire/url.h"

#include <algorithm>
#include <charconv>

#include "base/failure.h"
#include "wire/user_information.h"

namespace certferry {
namespace {

constexpr std::size_t longest_url = 4096;

[[noreturn]] void refuse_url(std::string_view text, std::string_view why) {
  throw Failure(Failure::Kind::refused,
                "the URL \"" + quoted(without_user_information(text), 200) + "\" " + std::string{why},
                "Give an absolute http or https URL, such as https://ca.example/directory");
}

bool ascii_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string lower_host(std::string_view text) {
  std::string lower{text};
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::uint16_t port_of(std::string_view digits, std::string_view whole) {
  unsigned port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535)
    refuse_url(whole, "has a bad port");
  return static_cast<std::uint16_t>(port);
}

bool names_a_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 &&
         std::ranges::all_of(host, [](char c) { return ascii_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

bool spells_ipv6(std::string_view inside) {
  return inside.size() >= 2 && inside.size() <= 45 &&
         std::ranges::all_of(inside,
                             [](char c) {
                               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                                      c == ':' || c == '.';
                             }) &&
         inside.contains(':');
}

int escape_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string query_part(std::string_view text, bool plus_is_blank) {
  const bool blanks_spelled = plus_is_blank && text.contains('+');
  if (!blanks_spelled && !text.contains('%')) return std::string{text};
  std::string blanks{text};
  if (blanks_spelled) std::ranges::replace(blanks, '+', ' ');
  auto decoded = percent_decoded(blanks);
  return decoded ? *decoded : blanks;
}

}  // namespace

Url Url::parse(std::string_view text) {
  if (text.size() > longest_url) refuse_url(text, "is over 4 KiB long");
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    refuse_url(text, "has a blank or control character");
  if (text.contains('#')) refuse_url(text, "has a fragment");

  Url url;
  url.text_ = text;
  std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) refuse_url(text, "is not absolute");
  std::string scheme = lower_host(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http") refuse_url(text, "is neither http nor https");
  url.secure_ = scheme == "https";

  std::string_view rest = text.substr(scheme_end + 3);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.contains('@')) refuse_url(text, "has user information");

  bool bracketed = authority.starts_with('[');
  std::size_t host_end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && host_end == std::string_view::npos) refuse_url(text, "has a bad host");
  std::string_view host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  std::string_view after = bracketed                     ? authority.substr(host_end + 1)
                           : host_end < authority.size() ? authority.substr(host_end)
                                                         : std::string_view{};
  if (bracketed ? !spells_ipv6(host) : !names_a_host(host)) refuse_url(text, "has a bad host");
  if (!after.empty() && after.front() != ':') refuse_url(text, "has a bad host");
  url.host_ = lower_host(host);
  url.port_ = after.empty() ? (url.secure_ ? 443 : 80) : port_of(after.substr(1), text);

  std::size_t question = rest.find('?');
  url.path_ = rest.substr(0, question);
  if (url.path_.empty()) url.path_ = "/";
  if (question != std::string_view::npos) url.query_ = rest.substr(question + 1);
  return url;
}

std::string Url::origin() const { return (secure_ ? "https://" : "http://") + authority(); }

std::string Url::authority() const {
  std::string host = host_.contains(':') ? "[" + host_ + "]" : host_;
  return port_ == (secure_ ? 443 : 80) ? host : host + ":" + std::to_string(port_);
}

std::string percent_encoded(std::string_view text, std::string_view keep) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (char c : text) {
    if (ascii_letter_or_digit(c) || keep.contains(c)) {
      encoded += c;
    } else {
      auto octet = static_cast<unsigned char>(c);
      encoded += {'%', digits[octet >> 4], digits[octet & 15]};
    }
  }
  return encoded;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (;;) {
    const std::size_t escape = std::min(text.find('%'), text.size());
    decoded.append(text.substr(0, escape));
    text.remove_prefix(escape);
    if (text.empty()) return decoded;
    if (text.size() < 3) return std::nullopt;
    int high = escape_digit(text[1]);
    int low = escape_digit(text[2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high << 4 | low);
    text.remove_prefix(3);
  }
}

std::string form_encoded(const QueryParameters& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!text.empty()) text += '&';
    text += percent_encoded(name) + "=" + percent_encoded(value);
  }
  return text;
}

QueryParameters parse_query(std::string_view query, bool plus_is_blank) {
  QueryParameters parameters;
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    std::size_t equals = pair.find('=');
    std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    parameters.emplace_back(query_part(pair.substr(0, equals), plus_is_blank), query_part(value, plus_is_blank));
  }
  return parameters;
}

}  // namespace certferry
