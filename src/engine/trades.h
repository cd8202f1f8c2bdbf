#pragma once

#include <functional>
#include <string>

#include "acme/certificate_authority.h"
#include "dns/challenges.h"
#include "engine/agreed_time.h"
#include "engine/installs.h"
#include "engine/shelves.h"
#include "keys/key_ring.h"
#include "outside/outside.h"
#include "plan/permit.h"

namespace certferry {

// The verbs that one certificate's life is told in (renewal.h).
struct Trades {
  Outside& outside;
  acme::CertificateAuthority& ca;
  KeyRing& keys;
  Challenges& challenges;
  Shelves& shelves;
  Installs& installs;   // of this certificate
  RecordEntry& record;  // of this certificate
  AgreedTime& time;
  const Roots& roots;
  PermitOptions permits;
  bool retry = false;  // --retry: no pause after a rollback holds it back
  // Has `ca` use another account than this one, which the CA has no longer; Failure: none can be registered.
  std::function<Task<>(std::string lost)> replace_account;
};

}  // namespace certferry
