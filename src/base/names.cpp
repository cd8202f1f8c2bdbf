#include "base/names.h"

#include <algorithm>
#include <fmt/format.h>
#include <idn2.h>
#include <libpsl.h>
#include <memory>

#include "base/failure.h"

namespace certferry {
namespace {

constexpr std::size_t kLongestName = 253, kLongestLabel = 63;  // RFC 1035 section 2.3.4, without the root's octets

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }
bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Failure refuse_name(std::string_view kind, std::string_view text, std::string_view reason, std::string_view next) {
  return {Failure::Kind::refused, fmt::format("\"{}\" is no {}: {}", quoted(text, 300), kind, reason),
          std::string{next}};
}

Failure refuse_domain(std::string_view text, std::string_view reason) {
  return refuse_name("DNS name", text, reason, "Write a DNS name such as www.example.com or *.example.com");
}

// The dots that UTS 46 section 4 reads as label separators.
std::string with_plain_dots(std::string text) {
  for (std::string_view dot : {"\u3002", "\uff0e", "\uff61"})
    for (auto at = text.find(dot); at != std::string::npos; at = text.find(dot, at)) text.replace(at, dot.size(), ".");
  return text;
}

// A label as it goes on the wire. UTS 46, non-transitional: ß stays ß.
std::string ascii_label(std::string_view whole, std::string_view label) {
  std::string result{label};
  if (!is_ascii(label)) {
    char* converted = nullptr;
    int outcome = idn2_to_ascii_8z(result.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    std::unique_ptr<char, decltype(&idn2_free)> owner{converted, &idn2_free};
    if (outcome != IDN2_OK)
      throw refuse_domain(whole, fmt::format("label \"{}\": {}", quoted(label), idn2_strerror(outcome)));
    result = converted;
  }
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

void check_label(std::string_view whole, std::string_view label) {
  auto refuse = [&](std::string_view reason) {
    throw refuse_domain(whole, fmt::format("label \"{}\" {}", quoted(label), reason));
  };
  auto allowed = [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; };
  if (label.empty()) throw refuse_domain(whole, "a label is empty");
  if (label == "*") refuse("may only be the first of several");
  if (!std::ranges::all_of(label, allowed)) refuse("may hold letters, digits, \"-\" and \"_\" only");
  if (label.size() > kLongestLabel) refuse(fmt::format("is longer than {} octets", kLongestLabel));
  if (label.front() == '-' || label.back() == '-') refuse("begins or ends with \"-\"");
}

std::string word_of(std::string_view kind, std::string_view text, std::string_view prefix, std::size_t longest,
                    bool (*allowed)(char), std::string_view next) {
  std::string_view word = text;
  if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
  if (word.empty()) throw refuse_name(kind, text, "it is empty", next);
  if (word.size() > longest)
    throw refuse_name(kind, text, fmt::format("it is longer than {} characters", longest), next);
  if (auto bad = std::ranges::find_if_not(word, allowed); bad != word.end())
    throw refuse_name(kind, text, fmt::format("it holds \"{}\"", quoted(std::string_view{bad, bad + 1})), next);
  return std::string{word};
}

bool is_alphanumeric(char c) { return is_digit(c) || is_upper(c) || is_lower(c); }
bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

// Hex digits with or without colons between the octets, as openssl and browsers show them.
std::string hex_word(std::string_view kind, std::string_view text, std::size_t longest, std::string_view next) {
  std::string digits{text};
  std::erase(digits, ':');
  digits = word_of(kind, digits, "", longest, is_hex, next);
  if (digits.size() % 2 != 0) throw refuse_name(kind, text, "it has half an octet", next);
  return digits;
}

}  // namespace

DomainName DomainName::parse(std::string_view text) {
  if (text.size() > 4 * kLongestName)
    throw refuse_domain(text, fmt::format("it is longer than {} octets", kLongestName));
  std::string plain = with_plain_dots(std::string{text});
  if (plain.ends_with('.')) plain.pop_back();
  if (plain.empty()) throw refuse_domain(text, "it is empty");

  std::string_view rest = plain;
  std::string result;
  if (rest.starts_with("*.")) {
    result = "*.";
    rest.remove_prefix(2);
  }
  std::string label;
  for (bool more = true; more;) {
    std::size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    label = ascii_label(text, rest.substr(0, dot));
    check_label(text, label);
    result += label;
    if (more) {
      result += '.';
      rest.remove_prefix(dot + 1);
    }
  }
  if (result.size() > kLongestName) throw refuse_domain(text, fmt::format("it is longer than {} octets", kLongestName));
  if (std::ranges::all_of(label, is_digit))
    throw refuse_domain(text, "its last label is a number, as in an IP address");
  return DomainName{result};
}

DomainName DomainName::without_wildcard() const { return DomainName{wildcard() ? text_.substr(2) : text_}; }

std::vector<std::string_view> DomainName::labels() const {
  std::vector<std::string_view> result;
  std::string_view rest = text_;
  for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    result.push_back(rest.substr(0, dot));
    rest.remove_prefix(dot + 1);
  }
  result.push_back(rest);
  return result;
}

bool DomainName::within(const DomainName& zone) const {
  if (text_ == zone.text_) return true;
  return text_.size() > zone.text_.size() && text_.ends_with(zone.text_) &&
         text_[text_.size() - zone.text_.size() - 1] == '.';
}

std::optional<DomainName> DomainName::parent() const {
  auto dot = text_.find('.');
  return dot == std::string::npos ? std::nullopt : std::optional{DomainName{text_.substr(dot + 1)}};
}

DomainName DomainName::under(std::string_view label) const { return parse(fmt::format("{}.{}", label, text_)); }

bool DomainName::covered_by(const DomainName& certificate_name) const {
  if (*this == certificate_name) return true;
  if (!certificate_name.wildcard() || wildcard()) return false;
  auto above = parent();
  return above && *above == certificate_name.without_wildcard();
}

DomainName registered_domain(const DomainName& domain) {
  DomainName host = domain.without_wildcard();
  // The list compiled into libpsl: a newer one would have to be read from a file, and this room reads none.
  const char* registrable = psl_registrable_domain(psl_builtin(), host.text().c_str());
  return registrable ? DomainName::parse(registrable) : host;
}

Arn Arn::parse(std::string_view text) {
  constexpr std::string_view kNext = "Write the ARN as AWS shows it: arn:partition:service:region:account:resource";
  auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (!text.starts_with("arn:")) throw refuse_name("ARN", text, "it does not begin with \"arn:\"", kNext);
  if (text.size() > 2048) throw refuse_name("ARN", text, "it is longer than 2048 characters", kNext);
  if (!std::ranges::all_of(text, printable))
    throw refuse_name("ARN", text, "it holds blanks or control characters", kNext);
  if (std::ranges::count(text, ':') < 5) throw refuse_name("ARN", text, "it has less than six parts", kNext);
  Arn arn{std::string{text}};
  if (arn.partition().empty() || arn.service().empty() || arn.resource().empty())
    throw refuse_name("ARN", text, "its partition, service or resource is empty", kNext);
  return arn;
}

std::string_view Arn::part(int index) const {
  std::string_view rest = text_;
  for (int i = 0; i < index; ++i) rest.remove_prefix(rest.find(':') + 1);
  return index == 5 ? rest : rest.substr(0, rest.find(':'));
}

std::string HostedZoneIdTag::parse_word(std::string_view text) {
  return word_of(
      "hosted zone id", text, "/hostedzone/", 32, [](char c) { return is_upper(c) || is_digit(c); },
      "Write the id as Route 53 shows it, for example Z0123456789ABCDEFGHIJ");
}

std::string ChangeIdTag::parse_word(std::string_view text) {
  return word_of("Route 53 change id", text, "/change/", 64, is_alphanumeric,
                 "Look at what answers at the Route 53 endpoint: it does not speak as Route 53 does");
}

std::string OrderUrlTag::parse_word(std::string_view text) {
  constexpr std::string_view kNext = "Check [ca] directory: a CA must give https URLs (RFC 8555 section 6.1)";
  auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (!text.starts_with("https://")) throw refuse_name("order URL", text, "it does not begin with \"https://\"", kNext);
  return word_of("order URL", text, "", 2048, printable, kNext);
}

std::string SerialTag::parse_word(std::string_view text) {
  std::string digits = hex_word("certificate serial", text, 80, "Write the serial number in hexadecimal digits");
  std::ranges::transform(digits, digits.begin(), upper);
  return digits;
}

std::string CertificateIdTag::parse_word(std::string_view text) {
  constexpr std::string_view kNext =
      "Give the certificate a name of letters, digits, \".\", \"_\", \"*\", \"@\" and \"-\"";
  auto allowed = [](char c) { return is_alphanumeric(c) || std::string_view{"._*@-"}.contains(c); };
  if (text == "." || text == "..") throw refuse_name("certificate name", text, "it would be a path", kNext);
  return word_of("certificate name", text, "", 200, allowed, kNext);
}

std::string FingerprintTag::parse_word(std::string_view text) {
  constexpr std::string_view kNext = "Write the SHA-256 of the certificate in 64 hexadecimal digits";
  std::string digits = hex_word("certificate fingerprint", text, 64, kNext);
  if (digits.size() != 64) throw refuse_name("certificate fingerprint", text, "it is not 64 digits long", kNext);
  std::ranges::transform(digits, digits.begin(), lower);
  return digits;
}

}  // namespace certferry
