#include "crypto/sealed.h"

#include <openssl/crypto.h>
#include <span>

#include "base/failure.h"
#include "crypto/openssl.h"

namespace certferry {
namespace {

using OwnedCipherContext = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr char sealed_version = 1;
constexpr std::size_t key_size = 32, nonce_size = 12, tag_size = 16;
constexpr std::size_t header_size = 1 + nonce_size;

void require_key(const Secret& key) {
  if (key.reveal().size() != key_size)
    throw Failure(Failure::Kind::refused, "Sealing a secret: the sealing key is not 32 octets long",
                  "Restore the store's key from where it was made.");
}

Failure not_opened() {
  return Failure(Failure::Kind::refused,
                 "Opening a sealed secret: it was sealed with another key or for another place, or it was changed",
                 "Restore the secret, or the store's key, from a backup.");
}

}  // namespace

Bytes seal(const Secret& key, const Secret& plain, BytesView context, Entropy& entropy) {
  require_key(key);
  const BytesView text = plain.reveal();
  Bytes sealed(header_size + text.size() + tag_size, '\0');
  sealed[0] = sealed_version;
  entropy.fill(std::as_writable_bytes(std::span{sealed}.subspan(1, nonce_size)));
  const unsigned char* nonce = octets(sealed) + 1;
  unsigned char* body = octets(sealed) + header_size;
  const OwnedCipherContext cipher{EVP_CIPHER_CTX_new()};
  int length = 0;
  const bool well =
      cipher && EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), octets(key.reveal()), nonce, nullptr) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, octets(context), static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &length, octets(text), static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + text.size(), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, body + text.size()) == 1;
  if (!well) openssl_failed("seal a secret");
  return sealed;
}

Secret unseal(const Secret& key, BytesView sealed, BytesView context) {
  require_key(key);
  if (sealed.size() < header_size + tag_size || sealed[0] != sealed_version) throw not_opened();
  const unsigned char* nonce = octets(sealed) + 1;
  const BytesView body = sealed.substr(header_size, sealed.size() - header_size - tag_size);
  Bytes tag{sealed.substr(sealed.size() - tag_size)};
  Bytes plain(body.size(), '\0');
  const OwnedCipherContext cipher{EVP_CIPHER_CTX_new()};
  int length = 0;
  const bool well =
      cipher && EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), octets(key.reveal()), nonce, nullptr) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, octets(context), static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), octets(plain), &length, octets(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), octets(plain) + plain.size(), &length) == 1;
  if (!well) {
    OPENSSL_cleanse(plain.data(), plain.size());
    openssl_reason();
    throw not_opened();
  }
  return Secret{std::move(plain)};
}

}  // namespace certferry
