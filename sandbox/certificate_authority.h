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

struct CaChallenge {
  std::string type = "dns-01", token, status = "pending", error;
  std::optional<WallTime> validated_at;
};
struct CaAuthorization {
  std::string url, account, status = "pending";
  DomainName identifier;  // without wildcard
  bool wildcard = false;
  WallTime expires;
  CaChallenge challenge;
  std::optional<WallTime> due;  // when an answered challenge ends
};
struct CaOrder {
  std::string url, account, status = "pending", profile, replaces, error;
  std::vector<DomainName> names;
  std::vector<std::string> authorizations;
  WallTime expires;
  std::optional<WallTime> due;  // when processing ends
  std::string certificate;      // URL
  std::string csr;              // DER
  bool answered = false;        // some challenge of it was
};
struct CaAccount {
  std::string url;
  PublicKey key;
  std::string status = "valid";
};
struct CaCertificate {
  std::string url, account, order;
  Chain chain;
};

// An ACME server (RFC 8555; renewal info of RFC 9773) over the world's own name servers: directory at
// /directory, strict about JWS (flattened JSON, ES256/ES384/RS256, nonce, url, jwk xor kid, content type, User-Agent),
// POST-as-GET, states and errors of the RFC. Tables are open for tests and oracles to read, and to spoil.
class CertificateAuthority {
 public:
  CertificateAuthority(World& world, const Authority& authority);
  ~CertificateAuthority();

  http::Response handle(const http::Request& request, WallTime now);
  void advance(WallTime now);  // ends what is due

  std::string directory_url() const;
  std::map<std::string, CaAccount> accounts;  // by URL
  std::map<std::string, CaOrder> orders;
  std::map<std::string, CaAuthorization> authorizations;
  std::map<std::string, CaCertificate> certificates;

  // Answers that are to be spoiled: consulted before each request; a response returned is sent instead.
  std::function<std::optional<http::Response>(const http::Request&, const std::string& operation)> interpose;
  // A hand in what is issued: for a certificate that is wrong in some way.
  std::function<Chain(Chain good, const RequestedCertificate&)> spoil_certificate;

 private:
  struct Session;
  World& world_;
  const Authority& authority_;
  std::set<std::string> nonces_;
  std::uint64_t counter_ = 0;
};

}  // namespace certferry::sandbox
