#pragma once

#include <string>
#include <vector>

#include "crypto/chain.h"
#include "crypto/private_key.h"

namespace certferry {

// What a CA puts into a certificate; for the sandbox's CA, its TLS listeners and tests. Signs with `issuer_key`;
// without an issuer it is self-signed.
struct CertificateTemplate {
  std::string common_name;  // of the subject, "" for none
  std::vector<DomainName> names;
  WallTime not_before, not_after;
  bool ca = false;
  Bytes serial;  // content octets, positive
};
Certificate sign_certificate(const CertificateTemplate& wanted, const PublicKey& key, const PrivateKey& issuer_key,
                             const Certificate* issuer);

}  // namespace certferry
