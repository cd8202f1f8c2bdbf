#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/secret.h"

struct ssl_st;

namespace certferry {

// A certificate, what leads up from it, and its key, as a TLS server shows them. Read once, shared.
class ServerIdentity {
 public:
  // PEM: the leaf first. Failure (refused): unreadable, or the key is another one's.
  static std::shared_ptr<const ServerIdentity> from_pem(const std::string& chain, const Secret& key);
  bool present(ssl_st* connection) const;

 private:
  struct Parts;
  explicit ServerIdentity(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

// What a client says before a certificate is chosen for it.
struct ClientWish {
  std::string sni;  // "" where it sent none
  bool accepts_ecdsa = true, accepts_rsa = true;
};

// Asked at every handshake, so what it answers may change at any time. Null: the handshake fails.
using IdentityChooser = std::function<std::shared_ptr<const ServerIdentity>(const ClientWish&)>;

}  // namespace certferry
