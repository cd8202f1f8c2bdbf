#include "stored_value.h"

#include <memory>
#include <openssl/evp.h>

#include "base/failure.h"
#include "sandbox/key_management.h"
#include "wire/base64.h"

namespace certferry::simulation {
namespace {

constexpr const char* key_file = "/var/lib/certferry/store.key";
constexpr std::size_t stored_value_longest = std::size_t{4} << 20;

// docs/journal.md, Secrets: version octet 1, nonce of 12 octets, AES-256-GCM ciphertext, tag of 16.
constexpr std::size_t nonce_octets = 12, tag_octets = 16, sealing_key_octets = 32;

const unsigned char* octets_of(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

std::optional<Bytes> opened_gcm(BytesView key, BytesView sealed, BytesView context) {
  if (key.size() != sealing_key_octets || sealed.size() < 1 + nonce_octets + tag_octets || sealed[0] != 1) return {};
  const BytesView nonce = sealed.substr(1, nonce_octets);
  const BytesView body = sealed.substr(1 + nonce_octets, sealed.size() - 1 - nonce_octets - tag_octets);
  Bytes tag{sealed.substr(sealed.size() - tag_octets)};
  Bytes plain(body.size(), '\0');
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher{EVP_CIPHER_CTX_new(),
                                                                               EVP_CIPHER_CTX_free};
  auto* out = reinterpret_cast<unsigned char*>(plain.data());
  int length = 0;
  const bool well =
      EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), octets_of(key), octets_of(nonce), nullptr) &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, octets_of(context), static_cast<int>(context.size())) &&
      EVP_DecryptUpdate(cipher.get(), out, &length, octets_of(body), static_cast<int>(body.size())) &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tag_octets, tag.data()) &&
      EVP_DecryptFinal_ex(cipher.get(), out + plain.size(), &length) == 1;
  if (!well) return {};
  return plain;
}

}  // namespace

std::optional<Bytes> sealing_key(sandbox::SimulatedWorld& simulated, const std::string& key, const Json& envelope) {
  if (envelope.text("sealing") == "kms") {
    const auto blob = parse_base64(envelope.text("data_key").value_or(""));
    if (!blob) return {};
    return Bytes{simulated.world().kms().opened(*blob, Json::object({{"certferry", key}})).reveal()};
  }
  const auto* file = simulated.machine().find(key_file);
  if (file == nullptr) return {};
  std::string digits = file->content.substr(0, file->content.find('\n'));
  std::erase(digits, '"');
  return parse_hex(digits);
}

bool StoredChange::is_record() const { return key.starts_with("certificate/") && key.ends_with("/record"); }
bool StoredChange::is_journal() const { return key.starts_with("certificate/") && key.contains("/generation/"); }
bool StoredChange::is_secret() const { return key.starts_with("secret/"); }

Json object_of(const Bytes& value) {
  try {
    Json json = Json::parse(value, "a stored value", stored_value_longest);
    if (!json.is_object()) return {};
    return json;
  } catch (const Failure&) {
    return {};
  }
}

std::optional<Bytes> unwrapped(const Bytes& body) {
  const Json json = object_of(body);
  if (auto value = json.text("value")) return value;
  return parse_base64(json.text("base64").value_or("*"));
}

std::optional<Bytes> unsealed(sandbox::SimulatedWorld& simulated, const std::string& key, const Bytes& value) {
  const Json envelope = object_of(value);
  const auto sealed = parse_base64(envelope.text("sealed").value_or("*"));
  if (!sealed) return {};
  try {
    const auto secret = sealing_key(simulated, key, envelope);
    return secret ? opened_gcm(*secret, *sealed, key) : std::nullopt;
  } catch (const sandbox::Refusal&) {
    return {};
  }
}

}  // namespace certferry::simulation
