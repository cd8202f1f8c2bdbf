#include "crypto/sealed.h"

#include <gtest/gtest.h>

#include "base/failure.h"

namespace certferry {
namespace {

// Never the same octets twice, as far as these tests draw.
class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& octet : bytes) octet = static_cast<std::byte>(next_++);
  }

 private:
  unsigned next_ = 0;
};

Bytes sealed_now(const Secret& key, const Secret& plain, BytesView context) {
  static CountingEntropy entropy;
  return seal(key, plain, context, entropy);
}

Secret sealing_key(char octet = 'k') { return Secret{std::string(32, octet)}; }

TEST(Sealed, OpensWithItsKeyAndContext) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{10'000}}) {
    const Bytes sealed = sealed_now(sealing_key(), Secret{std::string(size, 'p')}, "secret/www/1");
    EXPECT_EQ(sealed.size(), 1 + 12 + size + 16);
    EXPECT_EQ(unseal(sealing_key(), sealed, "secret/www/1").reveal(), std::string(size, 'p'));
  }
  EXPECT_EQ(unseal(sealing_key(), sealed_now(sealing_key(), Secret{"plain"}, ""), "").reveal(), "plain");
}

TEST(Sealed, IsNeverTheSameTwice) {
  const Bytes first = sealed_now(sealing_key(), Secret{"plain"}, "c"),
              second = sealed_now(sealing_key(), Secret{"plain"}, "c");
  EXPECT_NE(first.substr(1, 12), second.substr(1, 12));
  EXPECT_NE(first.substr(13), second.substr(13));
}

TEST(Sealed, StaysShutWhereKeyContextOrABitDiffers) {
  const Bytes sealed = sealed_now(sealing_key(), Secret{"plain text"}, "context");
  EXPECT_THROW(unseal(sealing_key('x'), sealed, "context"), Failure);
  EXPECT_THROW(unseal(sealing_key(), sealed, "Context"), Failure);
  EXPECT_THROW(unseal(sealing_key(), sealed, ""), Failure);
  for (std::size_t at = 0; at < sealed.size() * 8; ++at) {
    Bytes changed = sealed;
    changed[at / 8] = static_cast<char>(changed[at / 8] ^ (1 << (at % 8)));
    EXPECT_THROW(unseal(sealing_key(), changed, "context"), Failure) << "bit " << at;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_THROW(unseal(sealing_key(), sealed.substr(0, size), "context"), Failure) << size << " octets";
}

TEST(Sealed, RefusesAKeyOfAnotherSize) {
  EXPECT_THROW(sealed_now(Secret{"short"}, Secret{"plain"}, ""), Failure);
  EXPECT_THROW(unseal(Secret{std::string(33, 'k')}, Bytes(64, '\1'), ""), Failure);
}

}  // namespace
}  // namespace certferry
