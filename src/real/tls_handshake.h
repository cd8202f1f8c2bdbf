#pragma once

#include <memory>
#include <string>

#include "base/certificate_spec.h"
#include "base/peer_chain.h"
#include "base/task.h"
#include "outside/transport.h"

namespace certferry {

class AddressLookup;

// Shakes hands to see which certificate is shown; verifies nothing, sends nothing. Hundreds may be under way at once:
// one TLS context per kind of key, no CA files read.
class TlsHandshake {
 public:
  explicit TlsHandshake(Duration deadline = std::chrono::seconds{10});
  ~TlsHandshake();

  // `sni` empty: none is sent. `key`: offers only signature algorithms (and TLS 1.2 suites) of that kind, ECDSA or RSA.
  // The addresses of a name are tried in turn within the deadline. TLS 1.0 and weak keys are spoken too: what is there
  // is to be seen. May be repeated. Failure: transient.
  Task<PeerChain> look(const Endpoint& endpoint, const std::string& sni, KeyType key);

 private:
  struct Contexts;
  Duration deadline_;
  std::unique_ptr<Contexts> contexts_;
  std::unique_ptr<AddressLookup> lookup_;
};

}  // namespace certferry
