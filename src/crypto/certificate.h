#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/names.h"
#include "base/time.h"
#include "crypto/public_key.h"

struct x509_st;

namespace certferry {

// One X.509 certificate, read. Cheap to copy. The latest read are held, for OpenSSL takes some 0.1 ms for each, and
// records, chains and looks bring the same ones again and again.
class Certificate {
 public:
  static Certificate from_der(BytesView der);  // throws Failure (refused); trailing bytes are refused
  static Certificate from_pem(BytesView pem);  // exactly one block

  const Bytes& der() const;
  std::string pem() const;
  std::vector<DomainName> names() const;  // DNS SANs that are valid names, sorted; else the CN where it is one
  WallTime not_before() const;
  WallTime not_after() const;
  Duration lifetime() const { return not_after() - not_before(); }
  Serial serial() const;            // DER content octets, a leading 00 kept
  Fingerprint fingerprint() const;  // SHA-256 of der()
  PublicKey public_key() const;
  std::string issuer() const;  // its CN, or O, or the whole name; for people
  std::string subject() const;
  bool self_signed() const;  // issuer and subject equal, and its own key verifies it
  bool is_ca() const;
  bool allows_server_auth() const;                  // EKU has serverAuth, or there is no EKU
  std::optional<Bytes> authority_key_id() const;    // its keyIdentifier
  bool issued_by(const Certificate& issuer) const;  // names match and the signature verifies
  bool covers(const DomainName& host) const;        // by one of names(); a wildcard asked for needs the same wildcard
  bool operator==(const Certificate& other) const { return read_ == other.read_ || der() == other.der(); }

  x509_st* get() const;

 private:
  struct Read;
  explicit Certificate(std::shared_ptr<const Read> read) : read_(std::move(read)) {}
  std::shared_ptr<const Read> read_;
};

// RFC 9773 section 4.1: base64url(AKI keyIdentifier) "." base64url(serial). Throws Failure (refused) without an AKI.
std::string ari_certificate_id(const Certificate&);

}  // namespace certferry
