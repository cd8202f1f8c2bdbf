#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace certferry {

// What a TLS handshake showed: certificates as sent, DER, leaf first. Nothing about it is verified.
struct PeerChain {
  std::vector<Bytes> certificates;
  std::string address;   // whom we spoke to, "192.0.2.1:443"
  std::string protocol;  // "TLSv1.3"
};

}  // namespace certferry
