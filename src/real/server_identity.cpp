#include "real/server_identity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/failure.h"

namespace certferry {

struct ServerIdentity::Parts {
  X509* leaf = nullptr;
  STACK_OF(X509) * others = sk_X509_new_null();
  EVP_PKEY* key = nullptr;
  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    X509_free(leaf);
    sk_X509_pop_free(others, X509_free);
    EVP_PKEY_free(key);
  }
};

std::shared_ptr<const ServerIdentity> ServerIdentity::from_pem(const std::string& chain, const Secret& key) {
  auto parts = std::make_shared<Parts>();
  using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
  const Bio certificates{BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())), &BIO_free};
  parts->leaf = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr);
  while (X509* other = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr))
    sk_X509_push(parts->others, other);
  const Bio secret{BIO_new_mem_buf(key.reveal().data(), static_cast<int>(key.reveal().size())), &BIO_free};
  parts->key = PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr);
  const bool good = parts->leaf && parts->key && X509_check_private_key(parts->leaf, parts->key) == 1;
  ERR_clear_error();
  if (!good)
    throw Failure(Failure::Kind::refused,
                  "The certificate to serve and its key are unreadable or do not belong together",
                  "Give a PEM chain, the leaf first, and the leaf's own key.");
  return std::shared_ptr<const ServerIdentity>{new ServerIdentity{std::move(parts)}};
}

bool ServerIdentity::present(SSL* connection) const {
  return SSL_use_cert_and_key(connection, parts_->leaf, parts_->key, parts_->others, 1) == 1;
}

}  // namespace certferry
