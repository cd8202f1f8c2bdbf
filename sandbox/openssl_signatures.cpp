#include "sandbox/openssl_signatures.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sandbox/openssl_entropy.h"
#include "sandbox/seeded_entropy.h"

// OpenSSL's own ECDSA stays at work below: an EC_KEY_METHOD is the one place through which certificates, requests and
// JWS alike pass. Deprecated in favour of providers, as is RAND_METHOD (openssl_entropy).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace certferry::sandbox {
namespace {

constexpr std::size_t most_remembered = 200'000;  // of each kind, some 60 MB; then it begins afresh
constexpr std::size_t largest_number = 66;        // octets of a P-521 scalar

using OwnedRsa = std::unique_ptr<RSA, decltype(&RSA_free)>;

// What OpenSSL does, below what is done here.
struct EcdsaOriginals {
  using Setup = int (*)(EC_KEY*, BN_CTX*, BIGNUM**, BIGNUM**);
  using Sign = int (*)(int, const unsigned char*, int, unsigned char*, unsigned int*, const BIGNUM*, const BIGNUM*,
                       EC_KEY*);
  using SignToPair = ECDSA_SIG* (*)(const unsigned char*, int, const BIGNUM*, const BIGNUM*, EC_KEY*);
  using Verify = int (*)(int, const unsigned char*, int, const unsigned char*, int, EC_KEY*);
  using VerifyPair = int (*)(const unsigned char*, int, const ECDSA_SIG*, EC_KEY*);
  using Generate = int (*)(EC_KEY*);

  Setup setup = nullptr;
  Sign sign = nullptr;
  SignToPair sign_to_pair = nullptr;
  Verify verify = nullptr;
  VerifyPair verify_pair = nullptr;
  Generate generate = nullptr;
};

// An EC_KEY_METHOD carries no context.
struct OpensslState {
  EcdsaOriginals openssl;
  SignatureCounts counts;
  bool fixed = false, remembering = false;
  std::unordered_map<std::string, std::string> made;           // by key and digest
  std::unordered_map<std::string, int> verified;               // by key, digest and signature
  std::uint64_t rsa_keys_given = 0;                            // to the world there is
  std::map<std::pair<int, std::uint64_t>, OwnedRsa> rsa_keys;  // by bits, and by how many came before in their world

  void forget() {
    made.clear();
    verified.clear();
    rsa_keys.clear();
  }
  template <class Map, class Value>
  void remember(Map& map, std::string key, Value value) {
    if (map.size() >= most_remembered) map.clear();
    map.insert_or_assign(std::move(key), std::move(value));
  }
};

OpensslState& openssl_state() {
  static OpensslState one;
  return one;
}

std::string_view ecdsa_octets(const unsigned char* bytes, int length) {
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

std::string private_name(const EC_KEY* key, std::string_view digest) {
  const BIGNUM* scalar = EC_KEY_get0_private_key(key);
  std::string name(scalar == nullptr ? 0 : static_cast<std::size_t>(BN_num_bytes(scalar)), '\0');
  if (scalar != nullptr) BN_bn2bin(scalar, reinterpret_cast<unsigned char*>(name.data()));
  return name.append(digest);
}

using OwnedNumber = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

// A key that was decoded stands as it was written, its third coordinate 1: an inversion less than OpenSSL's encoding,
// which costs half as much as a signature.
std::string public_name(const EC_KEY* key, std::string_view digest, std::string_view signature) {
  const EC_GROUP* group = EC_KEY_get0_group(key);
  const EC_POINT* point = EC_KEY_get0_public_key(key);
  const OwnedNumber x{BN_new(), BN_free}, y{BN_new(), BN_free}, z{BN_new(), BN_free};
  std::string name(2 * largest_number, '\0');
  auto* octets = reinterpret_cast<unsigned char*>(name.data());
  const auto numbers_are_there = [&] {
    return EC_POINT_get_Jprojective_coordinates_GFp(group, point, x.get(), y.get(), z.get(), nullptr) == 1 &&
           (BN_is_one(z.get()) || EC_POINT_get_affine_coordinates(group, point, x.get(), y.get(), nullptr) == 1) &&
           BN_bn2binpad(x.get(), octets, largest_number) > 0 &&
           BN_bn2binpad(y.get(), octets + largest_number, largest_number) > 0;
  };
  if (point == nullptr || !numbers_are_there()) throw std::logic_error("a key whose point is nowhere");
  return name.append(digest).append(signature);
}

// Bytes that follow from key and digest, for everything that the signature needs.
SeededEntropy entropy_for(std::string_view key_and_digest) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(key_and_digest.data()), key_and_digest.size(), digest);
  std::uint64_t seed = 0;
  std::memcpy(&seed, digest, sizeof seed);
  return SeededEntropy{seed};
}

int ecdsa_sign(int type, const unsigned char* digest, int length, unsigned char* signature, unsigned int* size,
               const BIGNUM* inverse, const BIGNUM* r, EC_KEY* key) {
  OpensslState& all = openssl_state();
  if (!all.fixed) return all.openssl.sign(type, digest, length, signature, size, inverse, r, key);
  const std::string name = private_name(key, ecdsa_octets(digest, length));
  if (all.remembering) {
    if (const auto known = all.made.find(name); known != all.made.end()) {
      ++all.counts.remembered;
      std::ranges::copy(known->second, signature);
      *size = static_cast<unsigned int>(known->second.size());
      return 1;
    }
  }
  SeededEntropy bytes = entropy_for(name);
  const OpensslEntropyMeanwhile meanwhile{bytes};
  ++all.counts.made;
  const int done = all.openssl.sign(type, digest, length, signature, size, inverse, r, key);
  if (done == 1 && all.remembering) {
    const std::string made{ecdsa_octets(signature, static_cast<int>(*size))};
    all.remember(all.verified, public_name(key, ecdsa_octets(digest, length), made), 1);
    all.remember(all.made, name, made);
  }
  return done;
}

int ecdsa_verify(int type, const unsigned char* digest, int length, const unsigned char* signature, int size,
                 EC_KEY* key) {
  OpensslState& all = openssl_state();
  // OpenSSL blinds inversions on some curves: a verification, remembered or not, takes nothing of the world's
  // randomness.
  SeededEntropy blinding{0};
  const OpensslEntropyMeanwhile meanwhile{blinding};
  if (!all.remembering) {
    ++all.counts.verified;
    return all.openssl.verify(type, digest, length, signature, size, key);
  }
  std::string name = public_name(key, ecdsa_octets(digest, length), ecdsa_octets(signature, size));
  if (const auto known = all.verified.find(name); known != all.verified.end()) {
    ++all.counts.remembered;
    return known->second;
  }
  ++all.counts.verified;
  const int said = all.openssl.verify(type, digest, length, signature, size, key);
  if (said >= 0) all.remember(all.verified, std::move(name), said);
  return said;
}

// From the world's bytes, where there is a world.
int ecdsa_generate(EC_KEY* key) {
  ++openssl_state().counts.keys_made;
  if (entropy_of_keys() == nullptr) return openssl_state().openssl.generate(key);
  const OpensslEntropyMeanwhile meanwhile{*entropy_of_keys()};
  return openssl_state().openssl.generate(key);
}

// An RSA_METHOD that makes keys takes the place of OpenSSL's making: the key is given to OpenSSL's own for that time.
int rsa_made_by_openssl(RSA* key, int bits, BIGNUM* exponent, BN_GENCB* told) {
  const RSA_METHOD* ours = RSA_get_method(key);
  if (RSA_set_method(key, RSA_PKCS1_OpenSSL()) != 1) return 0;
  const int done = RSA_generate_key_ex(key, bits, exponent, told);
  return RSA_set_method(key, ours) == 1 ? done : 0;
}

int rsa_copied(const RSA* from, RSA* to) {
  std::array<const BIGNUM*, 8> parts{};
  auto& [n, e, d, p, q, dmp1, dmq1, iqmp] = parts;
  RSA_get0_key(from, &n, &e, &d);
  RSA_get0_factors(from, &p, &q);
  RSA_get0_crt_params(from, &dmp1, &dmq1, &iqmp);
  return RSA_set0_key(to, BN_dup(n), BN_dup(e), BN_dup(d)) == 1 && RSA_set0_factors(to, BN_dup(p), BN_dup(q)) == 1 &&
                 RSA_set0_crt_params(to, BN_dup(dmp1), BN_dup(dmq1), BN_dup(iqmp)) == 1
             ? 1
             : 0;
}

// The n-th RSA key of any world is the same: it costs as much as a whole world, and so may be remembered.
int rsa_generate(RSA* key, int bits, BIGNUM* exponent, BN_GENCB* told) {
  OpensslState& all = openssl_state();
  if (!all.fixed) return rsa_made_by_openssl(key, bits, exponent, told);
  const auto asked = std::pair{bits, all.rsa_keys_given++};
  const auto known = all.rsa_keys.find(asked);
  if (known != all.rsa_keys.end()) return rsa_copied(known->second.get(), key);
  SeededEntropy bytes{asked.second};
  const OpensslEntropyMeanwhile meanwhile{bytes};
  const int done = rsa_made_by_openssl(key, bits, exponent, told);
  if (done != 1 || !all.remembering) return done;
  OwnedRsa kept{RSA_new(), RSA_free};
  if (rsa_copied(key, kept.get()) == 1) all.rsa_keys.emplace(asked, std::move(kept));
  return done;
}

// Keys hold their method for as long as they live: it is made once, and stays.
void install_method() {
  [[maybe_unused]] static const bool installed = [] {
    EC_KEY_METHOD* method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (method == nullptr) throw std::logic_error("OpenSSL gives no EC_KEY_METHOD");
    EcdsaOriginals& openssl = openssl_state().openssl;
    EC_KEY_METHOD_get_sign(method, &openssl.sign, &openssl.setup, &openssl.sign_to_pair);
    EC_KEY_METHOD_get_verify(method, &openssl.verify, &openssl.verify_pair);
    EC_KEY_METHOD_get_keygen(method, &openssl.generate);
    EC_KEY_METHOD_set_sign(method, ecdsa_sign, openssl.setup, openssl.sign_to_pair);
    EC_KEY_METHOD_set_verify(method, ecdsa_verify, openssl.verify_pair);
    EC_KEY_METHOD_set_keygen(method, ecdsa_generate);
    EC_KEY_set_default_method(method);
    RSA_METHOD* rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    if (rsa == nullptr || RSA_meth_set_keygen(rsa, rsa_generate) != 1)
      throw std::logic_error("OpenSSL gives no RSA_METHOD");
    RSA_set_default_method(rsa);
    return true;
  }();
}

}  // namespace

const SignatureCounts& signature_counts() { return openssl_state().counts; }

SignatureMemory::SignatureMemory() {
  if (openssl_state().remembering) throw std::logic_error("signatures are remembered already");
  install_method();
  openssl_state().remembering = true;
}

SignatureMemory::~SignatureMemory() {
  openssl_state().remembering = false;
  openssl_state().forget();
}

void follow_from_the_world(bool fixed) {
  if (fixed) install_method();
  openssl_state().fixed = fixed;
  openssl_state().rsa_keys_given = 0;
}

}  // namespace certferry::sandbox

#pragma GCC diagnostic pop
