#pragma once

#include <cstdint>
#include <string>

#include "base/certificate_spec.h"
#include "base/names.h"
#include "base/peer_chain.h"
#include "base/task.h"
#include "wire/http.h"

namespace certferry {

// Plain text that a server speaks before it offers TLS.
enum class StartTls { none, smtp, imap, ldap, postgres };

struct Endpoint {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  StartTls starttls = StartTls::none;
};

// One request, one answer. No redirects, no retries: whoever asks decides.
class Transport {
 public:
  virtual ~Transport() = default;
  // Failure: transient where the request surely did not reach the other side (no address, refused, TLS failed),
  // outcome_unknown where it may have (a lost reply, the deadline, an answer over its limit); refused where the door
  // itself says no (scheme, address, certificate of the server not trusted).
  virtual Task<http::Response> send(http::Request request) = 0;
  // Which certificate is shown there for `sni` (empty: none is sent), to a client that can use `key` alone. Nothing is
  // verified. Failure: transient.
  virtual Task<PeerChain> handshake(Endpoint endpoint, std::string sni, KeyType key) = 0;
};

}  // namespace certferry
