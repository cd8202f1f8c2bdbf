#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/challenge_record.h"
#include "base/names.h"
#include "base/time.h"
#include "wire/json.h"

namespace certferry::acme {

enum class AuthorizationStatus { pending, valid, invalid, deactivated, expired, revoked };
std::string_view name(AuthorizationStatus);

// Pending and processing are the CA's; valid and invalid are final.
enum class ChallengeStatus { pending, processing, valid, invalid };

// Whether we control a name (RFC 8555 section 7.1.4), with the one challenge that we can answer.
struct Authorization {
  std::string url;
  AuthorizationStatus status = AuthorizationStatus::pending;
  DomainName identifier;  // without wildcard
  std::optional<WallTime> expires;
  struct Challenge {
    std::string url, token;
    ChallengeStatus status = ChallengeStatus::pending;
    std::string error;  // in words
  };
  std::vector<Challenge> dns;        // the dns-01 challenge, or none
  std::vector<std::string> offered;  // types of all challenges, as given
  std::string error;                 // of its challenges, in words
  bool looked_at = false;            // some challenge is invalid, or bears an error, be it without words
};
// It is not valid, and cannot become so.
inline bool has_ended(const Authorization& proof) {
  return proof.status != AuthorizationStatus::pending && proof.status != AuthorizationStatus::valid;
}
// It has ended, or the one challenge of it that we can answer failed for good, whatever it says of itself.
inline bool has_failed(const Authorization& proof) {
  return has_ended(proof) || (!proof.dns.empty() && proof.dns.front().status == ChallengeStatus::invalid);
}
// The CA looked and found nothing, and looks again only where it is told to (RFC 8555 section 8.2).
inline bool failed_for_now(const Authorization& proof) {
  return proof.status == AuthorizationStatus::pending && !proof.dns.empty() &&
         proof.dns.front().status == ChallengeStatus::pending && !proof.dns.front().error.empty();
}
// Challenges of other types may look as they like. Throws Failure (refused) where the identifier or a dns-01 challenge
// is not what sections 7.1.4, 8 and 8.4 say: a token is base64url of at least 128 bits.
Authorization parse_authorization(const std::string& url, const Json& body);
// Of a challenge's own document; processing where it does not say.
ChallengeStatus challenge_status(BytesView body);

// A challenge to be met.
struct OpenChallenge {
  std::string authorization, url;
  ChallengeRecord record;
  bool answered = false;  // the CA was told before: what is left is to keep its record published
};

}  // namespace certferry::acme
