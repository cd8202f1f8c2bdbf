#include "sandbox/openssl_entropy.h"

#include <openssl/rand.h>
#include <stdexcept>
#include <utility>

#include "sandbox/openssl_signatures.h"

// OpenSSL 3 calls these deprecated in favour of providers, which cannot be given a callback without being one.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace certferry::sandbox {
namespace {

// A RAND_METHOD carries no context: here, and in openssl_signatures, something is reached without being passed.
Entropy* openssl_feed = nullptr;
Entropy* openssl_keys = nullptr;

int feed(unsigned char* out, int length) {
  if (openssl_feed == nullptr || length < 0) return 0;
  openssl_feed->fill(std::as_writable_bytes(std::span{out, static_cast<std::size_t>(length)}));
  return 1;
}

int always_seeded() { return 1; }

const RAND_METHOD feeding_method{nullptr, feed, nullptr, nullptr, feed, always_seeded};

}  // namespace

Entropy* entropy_of_keys() { return openssl_keys; }

OpensslEntropy::OpensslEntropy(Entropy& keys) : former_(RAND_get_rand_method()) {
  if (openssl_feed != nullptr) throw std::logic_error("OpenSSL is fed by another world already");
  openssl_feed = &blinding_;
  openssl_keys = &keys;
  RAND_set_rand_method(&feeding_method);
  follow_from_the_world(true);
}

OpensslEntropy::~OpensslEntropy() {
  follow_from_the_world(false);
  RAND_set_rand_method(static_cast<const RAND_METHOD*>(former_));
  openssl_feed = nullptr;
  openssl_keys = nullptr;
}

OpensslEntropyMeanwhile::OpensslEntropyMeanwhile(Entropy& entropy)
    : former_(std::exchange(openssl_feed, &entropy)),
      former_keys_(std::exchange(openssl_keys, &entropy)),
      method_(RAND_get_rand_method()) {
  RAND_set_rand_method(&feeding_method);
}

OpensslEntropyMeanwhile::~OpensslEntropyMeanwhile() {
  RAND_set_rand_method(static_cast<const RAND_METHOD*>(method_));
  openssl_feed = former_;
  openssl_keys = former_keys_;
}

}  // namespace certferry::sandbox

#pragma GCC diagnostic pop
