#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crypto/certificate_request.h"
#include "crypto/chain.h"
#include "crypto/public_key.h"
#include "sandbox/authorities.h"
#include "wire/http.h"
#include "wire/json.h"

namespace certferry::sandbox {

class World;

// What an ACME server says no with (RFC 8555 section 6.7). Thrown inside the CA, and an error of orders and challenges.
struct CaProblem {
  int status = 400;
  std::string type, detail;              // "malformed", without the URN's beginning
  std::vector<std::string> identifiers;  // each becomes a subproblem of the same type
  Json to_json() const;
  http::Response response() const;  // application/problem+json, without a nonce: for interpose
};
// 503, as Let's Encrypt answers more requests a second than it takes: by the type of the limits that it counts by.
CaProblem busy();

struct CaChallenge {
  std::string type = "dns-01", token, status = "pending";
  std::optional<CaProblem> error;
  std::optional<WallTime> validated_at;
};
struct CaAuthorization {
  std::string url, account, status = "pending";
  DomainName identifier;  // without wildcard
  bool wildcard = false;
  WallTime expires;
  std::vector<CaChallenge> challenges;  // in the order that they are offered
  std::optional<WallTime> due;          // when the challenge that is processing ends
  CaChallenge& challenge(std::string_view type = "dns-01");
};
struct CaOrder {
  std::string url, account, status = "pending", profile, replaces;
  std::optional<CaProblem> error;
  std::vector<DomainName> names;
  std::vector<std::string> authorizations;
  WallTime created, expires;
  std::optional<WallTime> due;                    // when processing ends
  std::string certificate;                        // URL
  std::string csr;                                // DER
  std::optional<RequestedCertificate> requested;  // what it asks for
  bool answered = false;                          // some challenge of it was
};
struct CaAccount {
  std::string url;
  PublicKey key;
  std::string status = "valid";
  std::vector<std::string> contact;
};
struct CaCertificate {
  std::string url, account, order, ari_id;
  Chain chain;
  bool revoked = false;
  bool given_alone = false;  // the leaf, by a fault, once: who gets it twice must think that there is no more
  // The suggested window where it is not the usual one: 2 % of the lifetime, a third before the end.
  std::optional<std::pair<WallTime, WallTime>> window;
  std::string explanation;  // URL beside the window
};

// An ACME server (RFC 8555; renewal info of RFC 9773) over the world's own name servers: directory at
// /directory, CAA records heeded, strict about JWS (flattened JSON, ES256/ES384/RS256, nonce, url, jwk xor kid, content
// type, User-Agent), POST-as-GET, states and errors of the RFC. keyChange, external accounts and alternate chains are
// not there. Tables are open for tests and oracles to read, and to spoil.
class CertificateAuthority {
 public:
  CertificateAuthority(World& world, const Authority& authority);
  ~CertificateAuthority();

  http::Response handle(const http::Request& request, WallTime now);
  void advance(WallTime now);  // ends what is due

  std::string directory_url() const;
  std::map<std::string, CaAccount> accounts;  // by URL
  std::map<std::string, CaOrder> orders;      // by URL, which sorts by age
  std::map<std::string, CaAuthorization> authorizations;
  std::map<std::string, CaCertificate> certificates;
  std::set<DomainName> rejected;  // it issues for none of these, nor for names below them

  // Answers that are to be spoiled: consulted before each request; a response returned is sent instead.
  std::function<std::optional<http::Response>(const http::Request&, const std::string& operation)> interpose;
  // A hand in what is issued: for a certificate that is wrong in some way.
  std::function<Chain(Chain good, const RequestedCertificate&)> spoil_certificate;
  // For that hand: one of this CA for other names, as long as usual; nothing here knows of it.
  Chain issued_for(const PublicKey& key, const std::vector<DomainName>& names) const;
  // A validation or an issuance that fails although nothing is wrong with it.
  std::function<std::optional<CaProblem>(const CaAuthorization&)> fail_validation;
  std::function<std::optional<CaProblem>(const CaOrder&)> fail_issuance;

  // The TXT value that a challenge asks for (RFC 8555 sections 8.1 and 8.4).
  std::string txt_value(const CaAuthorization& proof, const CaChallenge& challenge) const;

  // When to renew, as renewalInfo says it (RFC 9773 section 4.2).
  std::pair<WallTime, WallTime> renewal_window(const CaCertificate& certificate, WallTime now) const;

 private:
  struct Session;  // certificate_authority_session.h
  std::string url_of(std::string_view kind, std::string_view id) const;
  std::string new_url(std::string_view kind);
  std::string fresh_nonce();
  bool asked_too_fast(WallTime now);
  void at(WallTime when, const std::string& url) { agenda_.emplace(when, url); }
  void end_validation(CaAuthorization& authorization, WallTime when);
  std::optional<CaProblem> dns_objection(const CaAuthorization& authorization, const CaChallenge& challenge,
                                         WallTime when) const;
  // Whether the CAA records that the world answers with let this CA in (RFC 8659, RFC 8657).
  std::optional<CaProblem> caa_objection(const CaAuthorization& authorization, WallTime when) const;
  void issue(CaOrder& order, WallTime when);
  void settle(CaOrder& order);  // pending becomes ready or invalid as its authorizations say
  void settle_orders_of(const CaAuthorization& authorization);
  World& world_;
  const Authority& authority_;
  std::set<std::string> nonces_;  // the oldest first
  std::uint64_t counter_ = 0;
  WallTime limit_used_until_;                    // what was asked last is counted until then
  std::multimap<WallTime, std::string> agenda_;  // URLs of what may be due or expire then
};

}  // namespace certferry::sandbox
