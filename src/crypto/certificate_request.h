#pragma once

#include <vector>

#include "base/names.h"
#include "crypto/private_key.h"

namespace certferry {

// A PKCS#10 request in DER: empty subject, every name as a SAN (RFC 8555 section 7.4).
Bytes certificate_request(const PrivateKey& key, const std::vector<DomainName>& names);

// What a request asks for, after its signature was verified. Throws Failure (refused).
struct RequestedCertificate {
  std::vector<DomainName> names;  // sorted
  PublicKey key;
};
RequestedCertificate parse_certificate_request(BytesView der);

}  // namespace certferry
