// DER from a CA, a handshake, a request, a key file: read or refused, and what was read can be asked everything.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/failure.h"
#include "crypto/certificate_request.h"
#include "crypto/chain.h"
#include "crypto/verify_issued.h"
#include "fuzzing.h"

namespace {

template <class Attempt>
void refused_at_worst(Attempt attempt) {
  try {
    attempt();
  } catch (const certferry::Failure&) {
  }
}

void ask_everything(const certferry::Certificate& certificate) {
  using namespace certferry;
  fuzz::hold(Certificate::from_pem(certificate.pem()) == certificate, "a certificate survives PEM");
  for (const DomainName& name : certificate.names())
    fuzz::hold(certificate.covers(name), "a certificate covers its own names");
  certificate.serial();
  certificate.fingerprint();
  certificate.issuer();
  certificate.subject();
  certificate.self_signed();
  certificate.is_ca();
  certificate.allows_server_auth();
  certificate.issued_by(certificate);
  Roots::none().objection({certificate, {certificate}}, certificate.not_before());
  refused_at_worst([&] { ari_certificate_id(certificate); });
  refused_at_worst([&] { certificate.public_key().jwk(); });
  refused_at_worst([&] {
    verify_issued({.chain = {certificate, {certificate}}, .url = "", .generation = 0}, certificate.public_key(),
                  certificate.names(), certificate.not_after());
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace certferry;
  const BytesView der = fuzz::view(data, size);
  refused_at_worst([&] { ask_everything(Certificate::from_der(der)); });
  refused_at_worst([&] { parse_certificate_request(der); });
  refused_at_worst([&] {
    const PrivateKey key = PrivateKey::from_der(Secret{std::string{der}});
    fuzz::hold(PrivateKey::from_der(key.der()).public_part() == key.public_part(), "a private key survives DER");
  });
  refused_at_worst([&] {
    const PublicKey key = PublicKey::from_spki(der);
    fuzz::hold(PublicKey::from_spki(key.spki()) == key, "a public key survives DER");
  });
  return 0;
}
