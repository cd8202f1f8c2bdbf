#include "sandbox/authorities.h"

#include <span>

#include "crypto/certificate_template.h"

namespace certferry::sandbox {
namespace {

constexpr std::size_t longest_common_name = 64;  // RFC 5280 appendix A, ub-common-name

Certificate authority_certificate(const std::string& name, const PublicKey& key, const PrivateKey& issuer_key,
                                  const Certificate* issuer, WallTime from, Duration lifetime, Entropy& entropy) {
  CertificateTemplate wanted;
  wanted.common_name = name;
  wanted.not_before = from;
  wanted.not_after = from + lifetime;
  wanted.ca = true;
  wanted.serial = random_serial(entropy);
  return sign_certificate(wanted, key, issuer_key, issuer);
}

}  // namespace

Authority Authority::make(const std::string& name, WallTime now, Entropy& entropy) {
  const WallTime from = now - days(1);
  PrivateKey root_key = PrivateKey::generate(KeyType::p256);
  PrivateKey key = PrivateKey::generate(KeyType::p256);
  Certificate root =
      authority_certificate(name + " Root", root_key.public_part(), root_key, nullptr, from, 20 * days(365), entropy);
  Certificate intermediate =
      authority_certificate(name + " Intermediate", key.public_part(), root_key, &root, from, 10 * days(365), entropy);
  return {std::move(root_key), std::move(key), std::move(root), std::move(intermediate)};
}

Authorities Authorities::make(WallTime now, Entropy& entropy) {
  Authority own = Authority::make("Sandbox", now, entropy);
  Authority foreign = Authority::make("Some Other CA", now - days(365), entropy);
  const Roots foreign_alone = Roots::from_pem(foreign.root.pem());
  const Roots both = foreign_alone.with(Roots::from_pem(own.root.pem()));
  return {std::move(own), std::move(foreign), both, foreign_alone};
}

Chain Authority::issue(const PublicKey& key_of_leaf, const std::vector<DomainName>& names, WallTime not_before,
                       WallTime not_after, Bytes serial) const {
  CertificateTemplate wanted;
  if (!names.empty() && names.front().text().size() <= longest_common_name) wanted.common_name = names.front().text();
  wanted.names = names;
  wanted.not_before = std::chrono::floor<std::chrono::seconds>(not_before);
  wanted.not_after = std::chrono::floor<std::chrono::seconds>(not_after);
  wanted.serial = std::move(serial);
  return {sign_certificate(wanted, key_of_leaf, key, &intermediate), {intermediate}};
}

Bytes random_serial(Entropy& entropy) {
  Bytes serial(16, '\0');
  do {
    entropy.fill(std::as_writable_bytes(std::span{serial}));
  } while (serial.front() == '\0');  // DER keeps no octet that says nothing
  if ((static_cast<unsigned char>(serial.front()) & 0x80) != 0) serial.insert(serial.begin(), '\0');
  return serial;
}

}  // namespace certferry::sandbox
