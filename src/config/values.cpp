#include "config/values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <vector>

#include "base/failure.h"
#include "base/s3_place.h"
#include "config/nearest.h"
#include "wire/host_port.h"
#include "wire/url.h"
#include "wire/user_information.h"

namespace certferry {
namespace {

constexpr std::size_t kShown = 200;  // of what the user wrote, in a complaint

constexpr std::string_view kKeyTypes[]{"p256", "p384", "rsa2048", "rsa3072", "rsa4096"};
constexpr std::string_view kVerifyWords[]{"auto", "handshake", "api"};
constexpr std::string_view kCaWords[]{"letsencrypt", "letsencrypt-staging"};

std::string or_list(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 == words.size() ? " or " : ", ", words[i]);
  return text;
}

// Of letters, digits and these signs, two at least.
bool is_word_of_sts(std::string_view text, std::size_t longest, std::string_view signs) {
  const auto fits = [signs](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || signs.contains(c);
  };
  return text.size() >= 2 && text.size() <= longest && std::ranges::all_of(text, fits);
}

// "Write "p256", …", or the word that was meant.
std::string remedy_among(const std::string& written, std::span<const std::string_view> words) {
  if (const auto meant = nearest(written, words)) return fmt::format("Write \"{}\"", *meant);
  return "Write " + or_list(words);
}

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0;;) {
    const auto end = text.find(separator, at);
    parts.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool lower_word(char c) { return (c >= 'a' && c <= 'z') || digit(c) || c == '-'; }

bool is_account(std::string_view number) { return number.size() == 12 && std::ranges::all_of(number, digit); }

// Words with "-" between them, of which the last is a number: "eu-west-1", "us-gov-east-1".
bool is_region(std::string_view text) {
  const auto parts = split_at(text, '-');
  const auto word = [](std::string_view part) { return !part.empty() && std::ranges::all_of(part, lower_word); };
  return text.size() <= 32 && parts.size() >= 3 && std::ranges::all_of(parts, word) && letter(text.front()) &&
         std::ranges::all_of(parts.back(), digit);
}

// 3 to 63 of lower-case letters, digits, "." and "-", as S3 names buckets.
bool is_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 &&
         std::ranges::all_of(name, [](char c) { return lower_word(c) || c == '.'; }) && name.front() != '.' &&
         name.front() != '-' && name.back() != '.' && name.back() != '-';
}

// Each parse of the ground throws a Failure that says what is wrong and what to write; here that is a complaint.
template <class Parse>
auto parsed(Complaints& complaints, const Place& place, Parse parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const Failure& failure) {
    complaints.add(place, failure.what(), failure.next());
    return {};
  }
}

// What was written, after the place, which is the flag itself where it was one.
std::string assigned(std::string_view key, const std::string& text, const Place& place) {
  return fmt::format("{}\"{}\"", place.file == key ? "" : fmt::format("{} = ", key), quoted(text, kShown));
}

}  // namespace

std::optional<std::string> Values::complain(const Place& place, std::string what, std::string remedy) const {
  complaints_.add(place, std::move(what), std::move(remedy));
  return {};
}

std::optional<DomainName> Values::domain(const std::string& text, const Place& place) const {
  return parsed(complaints_, place, [&] { return DomainName::parse(text); });
}

std::optional<CertificateId> Values::certificate_id(const std::string& text, const Place& place) const {
  return parsed(complaints_, place, [&] { return CertificateId::parse(text); });
}

std::optional<HostedZoneId> Values::zone_id(const std::string& text, const Place& place) const {
  return parsed(complaints_, place, [&] { return HostedZoneId::parse(text); });
}

std::optional<KeyType> Values::key_type(const std::string& text, const Place& place) const {
  if (const auto type = parse_key_type(text)) return type;
  complain(place, fmt::format("\"{}\" is no key type", quoted(text, kShown)), remedy_among(text, kKeyTypes));
  return {};
}

std::optional<KeyType> Values::account_key_type(const std::string& text, const Place& place) const {
  constexpr std::string_view kAccountKeyTypes[]{"p256", "rsa2048", "rsa4096"};
  if (std::ranges::find(kAccountKeyTypes, std::string_view{text}) != std::end(kAccountKeyTypes))
    return parse_key_type(text);
  complain(place, fmt::format("\"{}\" is no key type for an account", quoted(text, kShown)),
           "Write " + or_list(kAccountKeyTypes));
  return {};
}

std::optional<Duration> Values::duration(std::string_view key, const std::string& text, const Place& place) const {
  if (const auto value = parse_duration(text)) return value;
  complain(place, fmt::format("{} = \"{}\" is no duration", key, quoted(text, kShown)),
           "Write a number and a unit, such as \"24h\", \"30d\" or \"90s\"");
  return {};
}

std::optional<Duration> Values::timeout(std::string_view key, const std::string& text, const Place& place) const {
  const auto value = duration(key, text, place);
  if (!value || (*value >= seconds(1) && *value <= days(1))) return value;
  complain(place, fmt::format("{} = \"{}\" is no time that a command may take", key, quoted(text, kShown)),
           "Write one of a second to a day, such as \"5 min\"");
  return {};
}

std::optional<Verify> Values::verify(const std::string& text, const Place& place) const {
  if (text == "auto") return Verify::automatic;
  if (text == "handshake") return Verify::handshake;
  if (text == "api") return Verify::api;
  complain(place, fmt::format("\"{}\" is no way to verify", quoted(text, kShown)), remedy_among(text, kVerifyWords));
  return {};
}

std::optional<std::string> Values::mail_address(const std::string& text, const Place& place) const {
  const std::string_view address = std::string_view{text}.substr(text.starts_with("mailto:") ? 7 : 0);
  const bool plain =
      std::ranges::all_of(address, [](char c) { return c > ' ' && c < 0x7f && c != ',' && c != '?' && c != ':'; });
  if (plain && std::ranges::count(address, '@') == 1 && !address.starts_with('@') && !address.ends_with('@'))
    return fmt::format("mailto:{}", address);
  return complain(place, fmt::format("\"{}\" is no mail address", quoted(text, kShown)),
                  "Write an address such as \"ops@example.com\"");
}

std::optional<std::string> Values::role(const std::string& text, const Place& place) const {
  const auto arn = parsed(complaints_, place, [&] { return Arn::parse(text); });
  if (!arn) return {};
  if (arn->service() == "iam" && arn->resource().starts_with("role/") && !arn->resource().ends_with('/')) {
    if (is_account(arn->account())) return text;
    return complain(place, fmt::format("\"{}\" is of no AWS account", quoted(text, kShown)),
                    "Write the account's 12 digits, as in arn:aws:iam::123456789012:role/dns");
  }
  return complain(place, fmt::format("\"{}\" is no role", quoted(text, kShown)),
                  "Write the ARN of a role, such as arn:aws:iam::123456789012:role/dns");
}

// source: STS API reference, AssumeRole: RoleSessionName, ExternalId, 2026-11-29
std::optional<std::string> Values::session_name(const std::string& text, const Place& place) const {
  constexpr std::size_t longest = 64;
  if (is_word_of_sts(text, longest, "_+=,.@-")) return text;
  return complain(place, fmt::format("\"{}\" is no name of a session", quoted(text, kShown)),
                  "Write 2 to 64 letters, digits and _+=,.@-");
}

std::optional<std::string> Values::external_id(const std::string& text, const Place& place) const {
  constexpr std::size_t longest = 1224;
  if (is_word_of_sts(text, longest, "_+=,.@:/-")) return text;
  return complain(place, fmt::format("\"{}\" is no external ID", quoted(text, kShown)),
                  "Write what the role's trust policy asks for: 2 to 1,224 letters, digits and _+=,.@:/-");
}

std::optional<std::string> Values::region(const std::string& text, const Place& place) const {
  if (is_region(text)) return text;
  const std::string without_letter = text.substr(0, std::max<std::size_t>(text.size(), 1) - 1);
  if (is_region(without_letter) && letter(text.back()))
    return complain(place, fmt::format("\"{}\" is an availability zone of a region", text),
                    fmt::format("Write \"{}\"", without_letter));
  return complain(place, fmt::format("\"{}\" is no region", quoted(text, kShown)),
                  "Write a region such as \"eu-west-1\"");
}

std::optional<std::string> Values::account(const std::string& text, const Place& place) const {
  if (is_account(text)) return text;
  return complain(place, fmt::format("\"{}\" is no AWS account", quoted(text, kShown)),
                  "Write its number, such as \"123456789012\"");
}

std::optional<std::uint16_t> Values::port(std::int64_t number, const Place& place) const {
  if (number >= 1 && number <= std::numeric_limits<std::uint16_t>::max()) return static_cast<std::uint16_t>(number);
  complain(place, fmt::format("{} is no port", number), "Write a number from 1 to 65535");
  return {};
}

std::optional<std::string> Values::host_and_port(std::string_view key, const std::string& text,
                                                 const Place& place) const {
  constexpr std::uint16_t none = 0;
  if (const auto read = parse_host_port(text, none); read && read->port != none) return text;
  return complain(place, fmt::format("{} = \"{}\" is no host with a port", key, quoted(text, kShown)),
                  "Write it as \"host:443\", or \"[2001:db8::1]:443\"");
}

// "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353".
std::optional<ResolverConfig> Values::resolver(const std::string& text, const Place& place) const {
  const auto read = parse_host_port(text, ResolverConfig{}.port);
  std::array<char, sizeof(in6_addr)> octets{};
  const auto is = [&](int family) { return inet_pton(family, read->host.c_str(), octets.data()) == 1; };
  if (read && (is(AF_INET) || is(AF_INET6))) return ResolverConfig{read->host, read->port};
  complain(place, fmt::format("[challenge] resolvers: \"{}\" is no address of a resolver", quoted(text, kShown)),
           "Write an address, with a port where it is not 53: \"192.0.2.1\", \"127.0.0.1:5353\", \"[2001:db8::1]:53\"");
  return {};
}

std::optional<ListenerInstall> Values::listener(const std::string& text, const Place& place) const {
  auto arn = parsed(complaints_, place, [&] { return Arn::parse(text); });
  if (!arn) return {};
  const auto parts = split_at(arn->resource(), '/');
  const bool whole = is_account(arn->account()) && !arn->region().empty() && parts.size() == 5 &&
                     std::ranges::none_of(parts, [](std::string_view part) { return part.empty(); });
  const bool balanced = arn->service() == "elasticloadbalancing";
  if (balanced && whole && parts[0] == "listener" && (parts[1] == "app" || parts[1] == "net"))
    return ListenerInstall{*arn};
  const std::string shown = quoted(text, kShown);
  if (balanced && parts[0] == "loadbalancer") {
    complain(place, fmt::format("\"{}\" is the ARN of a load balancer, not of its listener", shown),
             "Write the ListenerArn that `aws elbv2 describe-listeners --load-balancer-arn ...` prints");
  } else if (balanced && parts[0] == "listener" && parts.size() > 1 && parts[1] == "gwy") {
    complain(place, fmt::format("\"{}\" is the listener of a gateway load balancer, which ends no TLS", shown),
             "Write the ARN of an application or network load balancer's listener");
  } else {
    complain(place, fmt::format("\"{}\" is no listener's ARN", shown),
             "Write the ListenerArn that `aws elbv2 describe-listeners` prints: "
             "arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener/app/NAME/ID/ID");
  }
  return {};
}

std::optional<std::string> Values::load_balancer(const std::string& text, const Place& place) const {
  if (text.starts_with("arn:")) {
    return complain(place,
                    fmt::format("\"{}\" is an ARN, and a classic load balancer has a name", quoted(text, kShown)),
                    "Write listener = \"arn:...\" for a listener of an application or network load balancer");
  }
  const bool named = !text.empty() && text.size() <= 32 && text.front() != '-' && text.back() != '-' &&
                     std::ranges::all_of(text, [](char c) { return letter(c) || digit(c) || c == '-'; });
  if (named) return text;
  return complain(place, fmt::format("\"{}\" is no classic load balancer's name", quoted(text, kShown)),
                  "Write the LoadBalancerName that `aws elb describe-load-balancers` prints");
}

std::optional<ElbInstall> Values::elb(const std::string& text, const Place& place) const {
  ElbInstall elb;
  const auto colon = text.starts_with("arn:") ? std::string::npos : text.find(':');
  const auto name = load_balancer(text.substr(0, colon), place);
  if (!name) return {};
  elb.load_balancer = *name;
  if (colon == std::string::npos) return elb;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, number);
  if (error != std::errc{} || last != end) {
    complain(place, fmt::format("\"{}\" has no port after the colon", quoted(text, kShown)),
             "Write it as --elb my-lb:443");
    return {};
  }
  const auto known = port(number, place);
  if (!known) return {};
  elb.port = *known;
  return elb;
}

std::optional<std::string> Values::bucket(const std::string& text, const Place& place) const {
  if (is_bucket(text)) return text;
  return complain(place, fmt::format("\"{}\" is no name of a bucket", quoted(text, kShown)),
                  "Write 3 to 63 lower-case letters, digits, \".\" and \"-\"");
}

std::optional<std::string> Values::directory(std::string_view key, const std::string& text, const Place& place) const {
  if (!text.starts_with('/') || text.contains('\0')) {
    return complain(place, fmt::format("{} is no absolute path", assigned(key, text, place)),
                    "Write the whole path, such as \"/etc/ssl/www\"");
  }
  std::string path;
  for (std::string_view part : split_at(text, '/')) {
    if (part == "..") {
      return complain(place, fmt::format("{} leads up with \"..\"", assigned(key, text, place)),
                      "Write the path without \"..\"");
    }
    if (!part.empty() && part != ".") path += fmt::format("/{}", part);
  }
  if (!path.empty()) return path;
  return complain(place, fmt::format("{} is the root directory", assigned(key, text, place)),
                  "Write a directory of its own, such as \"/etc/ssl/www\"");
}

void Values::ca(CaConfig& ca, const std::string& text, const Place& place) const {
  ca.directory = text;
  if (const auto url = directory_url(text)) {
    ca.url = *url;
    ca.test_ca = *url == *directory_url("letsencrypt-staging");
    return;
  }
  if (text.starts_with("http")) {
    try {
      Url::parse(text);
      complain(place, fmt::format("the directory \"{}\" is not https", quoted(without_user_information(text), kShown)),
               "Write the CA's https URL; ACME allows no other");
    } catch (const Failure& failure) {
      complain(place, failure.what(), failure.next());
    }
    return;
  }
  const auto meant = nearest(text, kCaWords);
  complain(place, fmt::format("\"{}\" is no CA that certferry knows", quoted(without_user_information(text), kShown)),
           meant ? fmt::format("Write \"{}\"", *meant)
                 : "Write " + or_list(kCaWords) + ", or the https URL of the CA's ACME directory");
}

std::optional<std::string> Values::whole_path(std::string_view key, const std::string& text, const Place& place) const {
  if (text.starts_with('/')) return text;
  return complain(place, fmt::format("{} is no absolute path", assigned(key, text, place)),
                  "Write the whole path: from another directory (cron's) it would be another place");
}

void Values::command(std::string_view key, const std::vector<std::string>& words, const Place& place) const {
  if (words.empty()) return;
  const std::string& program = words.front();
  if (program.empty()) {
    complain(place, fmt::format("{} begins with no program", key), "Write the program, and each of its words after it");
  } else if (words.size() == 1 && program.contains(' ') && !program.starts_with('/')) {
    std::vector<std::string> apart;
    for (std::string_view word : split_at(program, ' '))
      if (!word.empty()) apart.push_back(fmt::format("\"{}\"", quoted(word, kShown)));
    complain(place, fmt::format("{} is the one word \"{}\", and no shell takes it apart", key, quoted(program, kShown)),
             place.file == key ? fmt::format("Write {} {}", key, quoted(program, kShown))
                               : fmt::format("Write {} = [{}]", key, fmt::join(apart, ", ")));
  } else if (program.contains('/') && !program.starts_with('/')) {
    complain(place, fmt::format("{} is \"{}\", which is no absolute path", key, quoted(program, kShown)),
             "Write the whole path of the program: from another directory (cron's) it would be another");
  }
}

std::optional<std::string> Values::place_of_state(std::string_view key, const std::string& text,
                                                  const Place& place) const {
  if (!text.starts_with("s3:")) {
    if (text.contains("://") || text.contains('\0')) {
      return complain(place, fmt::format("{} is neither a path nor in S3", assigned(key, text, place)),
                      "Write a path, or s3://bucket/path");
    }
    return text.empty() ? text : whole_path(key, text, place);
  }
  if (const auto in_bucket = S3Place::parse(text); in_bucket && is_bucket(in_bucket->bucket)) return text;
  return complain(place, fmt::format("{} names no bucket", assigned(key, text, place)),
                  "Write s3://bucket/path; a bucket's name has 3 to 63 lower-case letters, digits, \".\" and \"-\"");
}

}  // namespace certferry
