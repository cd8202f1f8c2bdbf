#pragma once

#include <chrono>
#include <functional>
#include <openssl/x509.h>
#include <string>
#include <vector>

#include "crypto/certificate_template.h"
#include "crypto/issued.h"

namespace certferry {

inline WallTime test_now() {
  using namespace std::chrono;
  return WallTime{sys_days{2026y / November / 23}} + std::chrono::hours{20};
}

inline std::vector<DomainName> names_of(const std::vector<std::string>& texts) {
  std::vector<DomainName> names;
  for (const std::string& text : texts) names.push_back(DomainName::parse(text));
  return names;
}

// A new key; of RSA always the same one, since making it takes its time.
inline PrivateKey test_key(KeyType type) {
  if (type != KeyType::rsa2048) return PrivateKey::generate(type);
  static const PrivateKey rsa = PrivateKey::generate(KeyType::rsa2048);
  return rsa;
}

// The same certificate, changed and signed again.
inline Certificate changed(const Certificate& original, const PrivateKey& issuer_key,
                           const std::function<void(X509*)>& change) {
  X509* copy = X509_dup(original.get());
  change(copy);
  X509_sign(copy, issuer_key.get(), EVP_sha256());
  unsigned char* der = nullptr;
  const int length = i2d_X509(copy, &der);
  const Bytes encoded{reinterpret_cast<const char*>(der), static_cast<std::size_t>(length)};
  OPENSSL_free(der);
  X509_free(copy);
  return Certificate::from_der(encoded);
}

inline Certificate without_extension(const Certificate& original, const PrivateKey& issuer_key, int nid) {
  return changed(original, issuer_key,
                 [nid](X509* copy) { X509_EXTENSION_free(X509_delete_ext(copy, X509_get_ext_by_NID(copy, nid, -1))); });
}

// A root, an intermediate below it, and what it issues: a leaf for shop.example and its wildcard, valid around
// test_now().
struct TestAuthority {
  PrivateKey root_key = PrivateKey::generate(KeyType::p384);
  PrivateKey intermediate_key = PrivateKey::generate(KeyType::p256);
  PrivateKey leaf_key = PrivateKey::generate(KeyType::p256);
  Certificate root = sign_certificate({.common_name = "Test Root",
                                       .not_before = test_now() - days(365),
                                       .not_after = test_now() + days(3650),
                                       .ca = true,
                                       .serial = "\x01"},
                                      root_key.public_part(), root_key, nullptr);
  Certificate intermediate = sign_certificate({.common_name = "Test Intermediate",
                                               .not_before = test_now() - days(300),
                                               .not_after = test_now() + days(1000),
                                               .ca = true,
                                               .serial = "\x02"},
                                              intermediate_key.public_part(), root_key, &root);
  std::vector<DomainName> names = names_of({"*.shop.example", "shop.example"});

  CertificateTemplate wanted() const {
    return {.names = names,
            .not_before = test_now() - days(1),
            .not_after = test_now() + days(89),
            .serial = "\xab\xcd\xef"};
  }
  Certificate leaf(const CertificateTemplate& like) const {
    return sign_certificate(like, leaf_key.public_part(), intermediate_key, &intermediate);
  }
  Certificate leaf() const { return leaf(wanted()); }
  Chain chain() const { return {leaf(), {intermediate}}; }
  Issued issued(Chain chain) const {
    return {.chain = std::move(chain), .url = "https://ca.example/cert/1", .generation = 3};
  }
  Issued issued() const { return issued(chain()); }
};

}  // namespace certferry
