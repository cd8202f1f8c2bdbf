#pragma once

#include <string>
#include <vector>

#include "crypto/certificate.h"

namespace certferry {

// A leaf and the certificates that lead towards a root, as a CA sends them or a listener shows them.
struct Chain {
  Certificate leaf;
  std::vector<Certificate> intermediates;  // each certifies the one before it
  std::string leaf_pem() const;
  std::string intermediates_pem() const;  // "" where there are none
  std::string pem() const;
  bool operator==(const Chain&) const = default;
};

// application/pem-certificate-chain (RFC 8555 section 9.1): CERTIFICATE blocks alone, at most 10 and 256 KiB. Throws
// Failure (refused) on anything else between or after them.
Chain parse_chain(BytesView pem);
// What a handshake showed; in whatever order, the leaf first.
Chain parse_chain(const std::vector<Bytes>& der);

// Roots that a chain may lead to. Loading the system's takes some milliseconds: make it once. Cheap to copy.
class Roots {
 public:
  static Roots system();                 // OpenSSL's default file and directory; SSL_CERT_FILE and SSL_CERT_DIR too
  static Roots from_pem(BytesView pem);  // one or more certificates; throws Failure (refused)
  static Roots none();
  Roots with(const Roots& more) const;
  // Empty where `chain` leads to one of them at `when`, for serverAuth (RFC 5280 section 6); else why not, in words.
  // Names are not looked at.
  std::optional<std::string> objection(const Chain& chain, WallTime when) const;

 private:
  struct Set;
  explicit Roots(std::shared_ptr<const Set> set) : set_(std::move(set)) {}
  std::shared_ptr<const Set> set_;
};

}  // namespace certferry
