#include "crypto/private_key.h"

#include <array>
#include <fmt/format.h>
#include <mutex>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <optional>

#include "base/failure.h"
#include "crypto/curve.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "crypto/recently_read.h"
#include "crypto/signature.h"

namespace certferry {
namespace {

using OwnedKeyInfo = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

constexpr std::size_t living_keys_known = 256;  // some hundred octets each

Failure private_key_refused(std::string_view what) {
  return Failure(Failure::Kind::refused, fmt::format("Reading a private key: {}", what),
                 "Give an unencrypted PEM private key: P-256, P-384, or RSA of 2048, 3072 or 4096 bits.");
}

// What stands where a private key should, by its labels alone: nothing of the content is ever shown.
std::string_view what_it_is_instead(BytesView text) {
  struct Known {
    std::string_view sign, what;
  };
  static constexpr std::array known{
      Known{"-----BEGIN ENCRYPTED PRIVATE KEY-----", "it is encrypted with a passphrase"},
      Known{"Proc-Type: 4,ENCRYPTED", "it is encrypted with a passphrase"},
      Known{"-----BEGIN OPENSSH PRIVATE KEY-----", "it is in OpenSSH's own form"},
      Known{"-----BEGIN PUBLIC KEY-----", "it is a public key"},
      Known{"-----BEGIN CERTIFICATE REQUEST-----", "it is a certificate request"},
      Known{"-----BEGIN CERTIFICATE-----", "it is a certificate"},
      Known{"PRIVATE KEY-----", "its PEM block is damaged"},
  };
  if (text.empty()) return "it is empty";
  for (const Known& one : known)
    if (text.find(one.sign) != BytesView::npos) return one.what;
  return "it is no PEM";
}

// Without a callback OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Failure halves_apart() { return private_key_refused("its public half does not belong to its private half"); }

// Takes only what we can use: a type of ours, and an EC key whose halves belong together (a decoder believes the public
// half that stands beside the private one; RSA's are checked by its own arithmetic as it signs).
std::shared_ptr<EVP_PKEY> usable(OwnedPkey key) {
  const bool ec = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC;
  const std::string kind = fmt::format("{} of {} bits", ec ? "EC" : quoted(EVP_PKEY_get0_type_name(key.get()), 20),
                                       EVP_PKEY_get_bits(key.get()));
  std::shared_ptr<EVP_PKEY> shared{key.release(), EVP_PKEY_free};
  if (!key_type_of(shared.get())) throw private_key_refused(fmt::format("its kind is {}", kind));
  if (ec) {
    const OwnedPkeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, shared.get(), nullptr)};
    if (!context || EVP_PKEY_pairwise_check(context.get()) != 1) {
      openssl_reason();
      throw halves_apart();
    }
  }
  return shared;
}

// PKCS#8 as der() and most others write it; null for any other form. Multiplies once where OpenSSL's check of a pair
// takes six times as long.
OwnedPkey key_in_our_form(BytesView der) {
  for (const Curve& curve : our_curves()) {
    const std::size_t scalar = curve.pkcs8_prefix.size(), between = scalar + curve.coordinate;
    const std::size_t point = between + curve.pkcs8_between.size();
    if (der.size() != point + 1 + 2 * curve.coordinate || !der.starts_with(curve.pkcs8_prefix) ||
        !der.substr(between).starts_with(curve.pkcs8_between))
      continue;
    if (!point_belongs_to(curve, der.substr(scalar, curve.coordinate), der.substr(point))) throw halves_apart();
    return private_key_from(curve, der.substr(scalar, curve.coordinate), der.substr(point));
  }
  return {};
}

// PKCS#8 of any other form; null for what is none.
OwnedPkey key_in_pkcs8(BytesView der) {
  const unsigned char* at = octets(der);
  const OwnedKeyInfo info{d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size()))};
  OwnedPkey key{info && at == octets(der) + der.size() ? EVP_PKCS82PKEY(info.get()) : nullptr};
  if (!key) openssl_reason();
  return key;
}

// The same octets as OpenSSL's encoder writes, for keys on our curves, twenty times as fast; else empty.
std::optional<Secret> in_our_form(const EVP_PKEY* key) {
  const Curve* curve = curve_of(key);
  BIGNUM* number = nullptr;
  if (curve == nullptr || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1) return {};
  const Owned<BIGNUM, BN_clear_free> owned{number};
  Bytes der{curve->pkcs8_prefix};
  const std::size_t scalar = der.size(), point = scalar + curve->coordinate;
  der.reserve(point + curve->pkcs8_between.size() + 1 + 2 * curve->coordinate);  // it never moves
  der.resize(point);
  if (BN_bn2binpad(number, octets(der) + scalar, static_cast<int>(curve->coordinate)) < 0)
    openssl_failed("encode a private key");
  der.append(curve->pkcs8_between).append(point_of(key, *curve));
  return Secret{std::move(der)};
}

// What the first PEM block of this label holds; empty where it is another, or encrypted.
std::optional<Secret> content_of_pem(BytesView text, std::string_view label) {
  const OwnedBio bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  char *name = nullptr, *header = nullptr;
  unsigned char* content = nullptr;
  long length = 0;
  if (!bio || PEM_read_bio_ex(bio.get(), &name, &header, &content, &length, PEM_FLAG_SECURE) != 1) {
    openssl_reason();
    return {};
  }
  const auto size = static_cast<std::size_t>(length);
  std::optional<Secret> found;
  if (name == label && *header == '\0') found.emplace(Bytes{reinterpret_cast<const char*>(content), size});
  OPENSSL_secure_free(name);
  OPENSSL_secure_free(header);
  OPENSSL_secure_clear_free(content, size);
  return found;
}

OwnedBio secret_bio() {
  OwnedBio bio{BIO_new(BIO_s_secmem())};  // wiped as it grows and as it goes
  if (!bio) openssl_failed("encode a private key");
  return bio;
}

}  // namespace

struct PrivateKey::Held {
  std::shared_ptr<EVP_PKEY> key;
  mutable std::once_flag public_part_read;
  mutable std::optional<PublicKey> public_part;

  explicit Held(std::shared_ptr<EVP_PKEY> its_key) : key(std::move(its_key)) {}
};

PrivateKey::PrivateKey(std::shared_ptr<EVP_PKEY> key) : PrivateKey(std::make_shared<const Held>(std::move(key))) {}

EVP_PKEY* PrivateKey::get() const { return held_->key.get(); }

PrivateKey PrivateKey::generate(KeyType type) {
  EVP_PKEY* key = nullptr;
  switch (type) {
    case KeyType::p256:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
      break;
    case KeyType::p384:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
      break;
    case KeyType::rsa2048:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
      break;
    case KeyType::rsa3072:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072});
      break;
    case KeyType::rsa4096:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{4096});
      break;
  }
  if (key == nullptr) openssl_failed("generate a private key");
  return PrivateKey{{key, EVP_PKEY_free}};
}

// A key that somebody holds still is the same one again, found by a digest, which tells nothing of it: vaults, shelves
// and their examinations read the same keys, and one on P-384 takes a millisecond.
std::optional<PrivateKey> PrivateKey::from_pkcs8(BytesView der) {
  static auto& living = *new RecentlyRead<std::weak_ptr<const Held>>{living_keys_known};
  const Bytes digest = sha256(der);
  if (const auto known = living.find(digest))
    if (auto held = known->lock()) return PrivateKey{std::move(held)};
  std::shared_ptr<EVP_PKEY> key;
  if (OwnedPkey ours = key_in_our_form(der))
    key = {ours.release(), EVP_PKEY_free};
  else if (OwnedPkey other = key_in_pkcs8(der))
    key = usable(std::move(other));
  if (!key) return {};
  PrivateKey read{std::move(key)};
  living.keep(digest, std::make_shared<const std::weak_ptr<const Held>>(read.held_));
  return read;
}

PrivateKey PrivateKey::from_pem(const Secret& pem) {
  const BytesView text = pem.reveal();
  if (const auto pkcs8 = content_of_pem(text, PEM_STRING_PKCS8INF))
    if (auto key = from_pkcs8(pkcs8->reveal())) return *std::move(key);
  const OwnedBio bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  if (!bio) openssl_failed("read a private key");
  OwnedPkey key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)};
  if (!key) {
    openssl_reason();
    throw private_key_refused(what_it_is_instead(text));
  }
  return PrivateKey{usable(std::move(key))};
}

PrivateKey PrivateKey::from_der(const Secret& pkcs8) {
  const BytesView der = pkcs8.reveal();
  if (auto key = from_pkcs8(der)) return *std::move(key);
  const unsigned char* at = octets(der);
  OwnedPkey key{d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size()))};
  if (!key) {
    openssl_reason();
    throw private_key_refused(der.empty() ? "it is empty" : "it is no private key in DER");
  }
  if (at != octets(der) + der.size()) throw private_key_refused("something follows the key");
  return PrivateKey{usable(std::move(key))};
}

Secret PrivateKey::pem() const {
  const OwnedBio bio = secret_bio();
  if (const auto quick = in_our_form(get())) {
    const BytesView der = quick->reveal();
    if (PEM_write_bio(bio.get(), PEM_STRING_PKCS8INF, "", octets(der), static_cast<long>(der.size())) <= 0)
      openssl_failed("encode a private key");
  } else if (PEM_write_bio_PKCS8PrivateKey(bio.get(), get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    openssl_failed("encode a private key");
  return Secret{std::string{written(bio.get())}};
}

Secret PrivateKey::der() const {
  if (auto quick = in_our_form(get())) return std::move(*quick);
  const OwnedBio bio = secret_bio();
  if (i2d_PKCS8PrivateKey_bio(bio.get(), get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    openssl_failed("encode a private key");
  return Secret{std::string{written(bio.get())}};
}

// A key of its own, so that holding the public part does not hold the private one.
PublicKey PrivateKey::public_part() const {
  std::call_once(held_->public_part_read,
                 [this] { held_->public_part.emplace(PublicKey::from_spki(PublicKey{held_->key}.spki())); });
  return *held_->public_part;
}

KeyType PrivateKey::type() const {
  const auto type = key_type_of(get());
  if (!type) throw private_key_refused("its kind is none of ours");
  return *type;
}

SignatureAlgorithm PrivateKey::algorithm() const { return algorithm_for(type()); }

Bytes PrivateKey::sign(BytesView data) const {
  const SignatureAlgorithm by = algorithm();
  const OwnedDigestContext context{EVP_MD_CTX_new()};
  std::size_t length = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, digest_for(by), nullptr, get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, octets(data), data.size()) != 1)
    openssl_failed("sign with a private key");
  Bytes signature(length, '\0');
  if (EVP_DigestSign(context.get(), octets(signature), &length, octets(data), data.size()) != 1)
    openssl_failed("sign with a private key");
  signature.resize(length);
  if (by == SignatureAlgorithm::rs256) return signature;
  const auto raw = raw_signature(signature, by);
  if (!raw) openssl_failed("sign with a private key");
  return *raw;
}

}  // namespace certferry
