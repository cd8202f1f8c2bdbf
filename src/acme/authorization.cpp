#include "acme/authorization.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "acme/problem.h"
#include "base/limits/acme.h"

namespace certferry::acme {
namespace {

constexpr std::pair<std::string_view, AuthorizationStatus> authorization_words[] = {
    {"pending", AuthorizationStatus::pending}, {"valid", AuthorizationStatus::valid},
    {"invalid", AuthorizationStatus::invalid}, {"deactivated", AuthorizationStatus::deactivated},
    {"expired", AuthorizationStatus::expired}, {"revoked", AuthorizationStatus::revoked}};
constexpr std::pair<std::string_view, ChallengeStatus> challenge_words[] = {{"pending", ChallengeStatus::pending},
                                                                            {"processing", ChallengeStatus::processing},
                                                                            {"valid", ChallengeStatus::valid},
                                                                            {"invalid", ChallengeStatus::invalid}};

Failure bad_authorization(std::string_view url, std::string_view why) {
  return Failure(Failure::Kind::refused, fmt::format("the authorization {} {}", quoted(url), why),
                 "Report it to the CA, or to certferry where the CA is right");
}

template <class Words>
auto status_of(std::string_view url, const Json& body, const Words& words) {
  const std::string text = body.text("status").value_or("");
  for (const auto& [word, status] : words)
    if (word == text) return status;
  throw bad_authorization(url, fmt::format("has the unknown status \"{}\"", quoted(text, 40)));
}

DomainName authorized_name(std::string_view url, const Json& body) {
  const Json* identifier = body.find("identifier");
  const auto type = identifier ? identifier->text("type") : std::nullopt;
  const auto value = identifier ? identifier->text("value") : std::nullopt;
  if (type != "dns" || !value) throw bad_authorization(url, "is for no DNS name");
  try {
    return DomainName::parse(*value).without_wildcard();
  } catch (const Failure& failure) {
    throw bad_authorization(url, fmt::format("is for what is no name: {}", failure.what()));
  }
}

bool fits_a_token(std::string_view text) {
  const auto base64url_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return text.size() >= limits::acme::token_shortest && text.size() <= limits::acme::token_longest &&
         std::ranges::all_of(text, base64url_letter);
}

// "" where there is none.
std::string error_of(const Json& challenge) {
  const Json* error = challenge.find("error");
  return error && error->is_object() ? parse_problem(*error).words() : "";
}

Authorization::Challenge dns_challenge(std::string_view url, const Json& body) {
  Authorization::Challenge challenge{.url = body.text("url").value_or(""),
                                     .token = body.text("token").value_or(""),
                                     .status = status_of(url, body, challenge_words),
                                     .error = error_of(body)};
  if (challenge.url.empty()) throw bad_authorization(url, "has a dns-01 challenge without URL");
  if (!fits_a_token(challenge.token))
    throw bad_authorization(url, "has a dns-01 challenge whose token is not base64url of at least 128 bits");
  return challenge;
}

}  // namespace

std::string_view name(AuthorizationStatus status) {
  for (const auto& [word, one] : authorization_words)
    if (one == status) return word;
  return "unknown";
}

Authorization parse_authorization(const std::string& url, const Json& body) {
  Authorization proof{
      .url = url, .status = status_of(url, body, authorization_words), .identifier = authorized_name(url, body)};
  if (const auto expires = body.text("expires")) proof.expires = parse_iso8601(*expires);
  for (const Json& challenge : body.elements("challenges")) {
    const std::string type = challenge.text("type").value_or("");
    if (!type.empty()) proof.offered.push_back(type);
    if (const std::string error = error_of(challenge); !error.empty())
      proof.error += (proof.error.empty() ? "" : "; ") + error;
    const Json* why = challenge.find("error");
    if (challenge.text("status") == "invalid" || (why && !why->is_null())) proof.looked_at = true;
    if (type == "dns-01" && proof.dns.empty() && proof.status == AuthorizationStatus::pending)
      proof.dns.push_back(dns_challenge(url, challenge));
  }
  return proof;
}

ChallengeStatus challenge_status(BytesView body) {
  try {
    return status_of("", Json::parse(body, "the challenge"), challenge_words);
  } catch (const Failure&) {
    return ChallengeStatus::processing;
  }
}

}  // namespace certferry::acme
