#include "state/vault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/configured_sealing.h"
#include "state/envelope.h"
#include "tests/unit/lease_in_hand.h"
#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

const std::string key_file = "/var/lib/certferry/store.key";

struct Sealed {
  Ground ground;
  LeaseInHand lease;
  std::unique_ptr<Sealing> sealing;
  Vault vault;
  explicit Sealed(bool kms)
      : sealing(kms ? kms_sealing(ground.outside, ground.client, "alias/certferry")
                    : file_sealing(ground.outside, key_file)),
        vault(ground.store, *sealing) {}
  void put(const std::string& text, int generation = 1) {
    ground.run([&]() -> Task<> { EXPECT_TRUE(co_await vault.put(www, generation, Secret{text}, lease)); });
  }
  std::string read(int generation = 1) {
    std::string text;
    ground.run([&]() -> Task<> {
      auto secret = co_await vault.get(www, generation);
      text = secret ? std::string{secret->reveal()} : "absent";
    });
    return text;
  }
  std::string failure_of_reading(int generation = 1) {
    return ground.failure_of([&]() -> Task<> { co_await vault.get(www, generation); });
  }
};

class Vaults : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BothSeals, Vaults, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Kms" : "File"; });

TEST_P(Vaults, GiveBackASecretThatStandsNowhereInTheStore) {
  Sealed sealed{GetParam()};
  sealed.put("a private key");
  EXPECT_EQ(sealed.read(), "a private key");
  EXPECT_EQ(sealed.read(2), "absent");
  EXPECT_EQ(sealed.ground.store.entries.at("secret/www/1").value.find("a private key"), std::string::npos);
}

TEST_P(Vaults, KeepTheFirstOfTwoSecrets) {
  Sealed sealed{GetParam()};
  sealed.put("first");
  sealed.ground.run(
      [&]() -> Task<> { EXPECT_FALSE(co_await sealed.vault.put(www, 1, Secret{"second"}, sealed.lease)); });
  EXPECT_EQ(sealed.read(), "first");
}

TEST_P(Vaults, DoNotOpenASecretThatWasMovedToAnotherPlace) {
  Sealed sealed{GetParam()};
  sealed.put("first");
  sealed.ground.store.write("secret/www/2", sealed.ground.store.entries.at("secret/www/1").value);
  EXPECT_THAT(sealed.failure_of_reading(2), ::testing::StartsWith("refused | "));
}

TEST_P(Vaults, RefuseWhatIsNoEnvelope) {
  Sealed sealed{GetParam()};
  sealed.put("first");
  const Bytes whole = sealed.ground.store.entries.at("secret/www/1").value;
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    sealed.ground.store.write("secret/www/1", whole.substr(0, size));
    EXPECT_THAT(sealed.failure_of_reading(), ::testing::StartsWith("refused | "));
  }
}

TEST_P(Vaults, ForgetASecretAndASecretThatIsNotThere) {
  Sealed sealed{GetParam()};
  sealed.put("first");
  sealed.ground.run([&]() -> Task<> {
    co_await sealed.vault.remove(www, 1, sealed.lease);
    co_await sealed.vault.remove(www, 1, sealed.lease);
  });
  EXPECT_TRUE(sealed.ground.store.entries.empty());
}

// Meanwhile others may have forgotten the certificate, and begun it anew.
TEST_P(Vaults, RemoveNoSecretThatWasReadOnceTheLeaseHasEnded) {
  Sealed sealed{GetParam()};
  sealed.put("first");
  sealed.ground.store.before_get = [&](const Store::Key& key) {
    sealed.lease.lasts = false;
    sealed.ground.store.write(key, sealed.ground.store.entries.at(key).value);
  };
  const Work removal = [&]() -> Task<> { co_await sealed.vault.remove(www, 1, sealed.lease); };
  EXPECT_THAT(sealed.ground.failure_of(removal),
              ::testing::StartsWith("fenced | removing the private key of www, generation 1: not begun"));
  EXPECT_EQ(sealed.read(), "first");
}

// For so long that others have forgotten the certificate meanwhile.
struct SealingThatOutlasts final : Sealing {
  explicit SealingThatOutlasts(LeaseInHand& of_run) : lease(of_run) {}
  Task<Bytes> seal(Secret, std::string) override {
    lease.lasts = false;
    co_return "sealed";
  }
  Task<Secret> open(Bytes, std::string) override { co_return Secret{""}; }
  LeaseInHand& lease;
};

TEST(Vault, StoresNoSecretThatWasSealedOnlyWhenTheLeaseHadEnded) {
  Ground ground;
  LeaseInHand lease;
  SealingThatOutlasts sealing{lease};
  Vault vault{ground.store, sealing};
  EXPECT_THAT(ground.failure_of([&]() -> Task<> { co_await vault.put(www, 1, Secret{"first"}, lease); }),
              ::testing::StartsWith("fenced | storing the private key of www, generation 1: not begun"));
  EXPECT_TRUE(ground.store.entries.empty());
}

// That whoever seals may open, too, is not taken for granted: reading back asks KMS.
TEST(KmsSealing, AsksKmsOnceToSealASecretAndOnceToOpenIt) {
  Sealed sealed{true};
  sealed.put("first");
  EXPECT_EQ(sealed.ground.cloud.kms_calls, 1);
  sealed.read();
  sealed.read();
  EXPECT_EQ(sealed.ground.cloud.kms_calls, 2);
  sealed.sealing = kms_sealing(sealed.ground.outside, sealed.ground.client, "alias/certferry");  // the next process
  Vault vault{sealed.ground.store, *sealed.sealing};
  sealed.ground.run([&]() -> Task<> {
    EXPECT_EQ((co_await vault.get(www, 1))->reveal(), "first");
    EXPECT_EQ((co_await vault.get(www, 1))->reveal(), "first");
  });
  EXPECT_EQ(sealed.ground.cloud.kms_calls, 3);
}

// A state whose configuration gets a KMS key, or loses it.
struct ConfiguredAnew : ::testing::Test {
  Sealed sealed{false};
  void configure(const std::string& kms_key, bool aws_is_there = true, const Path& file = key_file) {
    vault.reset();
    sealing = configured_sealing(sealed.ground.outside, aws_is_there ? &sealed.ground.client : nullptr, kms_key, file);
    vault = std::make_unique<Vault>(sealed.ground.store, *sealing);
  }
  void put(const std::string& text, int generation) {
    sealed.ground.run(
        [&]() -> Task<> { EXPECT_TRUE(co_await vault->put(www, generation, Secret{text}, sealed.lease)); });
  }
  // What is read, or why it is not.
  std::string read(int generation) {
    std::string text;
    const std::string failure =
        sealed.ground.failure_of([&]() -> Task<> { text = (co_await vault->get(www, generation))->reveal(); });
    return text.empty() ? failure : text;
  }
  std::string seal(int generation) {
    return seal_of(sealed.ground.store.entries.at("secret/www/" + std::to_string(generation)).value);
  }
  std::unique_ptr<Sealing> sealing;
  std::unique_ptr<Vault> vault;
};

TEST_F(ConfiguredAnew, SealsByWhatIsConfiguredAndOpensWhatTheOtherSealed) {
  int generation = 0;
  for (const char* kms_key : {"", "alias/certferry", "", "alias/certferry"}) {
    configure(kms_key);
    ++generation;
    put("secret " + std::to_string(generation), generation);
    EXPECT_EQ(seal(generation), *kms_key == '\0' ? "file" : "kms");
    for (int former = 1; former <= generation; ++former) EXPECT_EQ(read(former), "secret " + std::to_string(former));
  }
}

TEST_F(ConfiguredAnew, SaysWhichKeyIsMissing) {
  configure("");
  put("first", 1);
  configure("alias/certferry");
  put("second", 2);
  sealed.ground.host.files.erase(key_file);
  EXPECT_EQ(read(1),
            "refused | sealed secret secret/www/1: its key file /var/lib/certferry/store.key is gone | Restore "
            "/var/lib/certferry/store.key from where it was backed up");
  EXPECT_EQ(read(2), "second");
  configure("", false);
  EXPECT_EQ(
      read(2),
      "refused | sealed secret secret/www/2: it was sealed by \"kms\", key alias/certferry, and is to be opened by "
      "\"file\" | Let certferry ask AWS for that key: `certferry doctor` says what is missing");
  configure("");
  sealed.ground.cloud.kms_denies = true;
  EXPECT_THAT(read(2), ::testing::AllOf(::testing::HasSubstr("sealed secret secret/www/2: KMS Decrypt on key "
                                                             "alias/certferry: "),
                                        ::testing::HasSubstr(" | Allow kms:Decrypt")));
}

TEST_F(ConfiguredAnew, OpensNothingOfAFileForAStateInS3) {
  configure("");
  put("first", 1);
  configure("alias/certferry", true, "");
  EXPECT_THAT(read(1), ::testing::StartsWith("refused | sealed secret secret/www/1: it was sealed by \"file\", key "));
  EXPECT_THAT(read(1), ::testing::EndsWith(" | Put the state back to where the store.key that sealed it is"));
}

TEST(FileSealing, MakesAKeyThatNobodyElseReads) {
  Sealed sealed{false};
  sealed.put("first");
  EXPECT_EQ(sealed.ground.host.files.at(key_file).mode, 0600u);
  EXPECT_EQ(sealed.ground.host.files.at(key_file).content.size(), 64u + 1u + 16u + 1u);
  const Bytes key = sealed.ground.host.files.at(key_file).content;
  sealed.put("second", 2);
  EXPECT_EQ(sealed.ground.host.files.at(key_file).content, key);
}

TEST(FileSealing, RefusesAKeyThatOthersMayRead) {
  Sealed sealed{false};
  sealed.put("first");
  sealed.ground.host.files.at(key_file).mode = 0644;
  EXPECT_EQ(sealed.failure_of_reading(),
            "refused | /var/lib/certferry/store.key: others may read it (mode 0644) | Type: chmod 600 "
            "/var/lib/certferry/store.key");
}

// What is sealed under a key that nobody has could never be opened once the file is restored.
TEST(FileSealing, SealsNothingUnderAKeyThatLostABit) {
  Sealed sealed{false};
  sealed.put("first");
  const Bytes good = sealed.ground.host.files.at(key_file).content;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes& content = sealed.ground.host.files.at(key_file).content = good;
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << bit % 8));
    const bool small_letter = good[bit / 8] >= 'a' && bit / 8 < 64 && bit % 8 == 5;
    if (small_letter) continue;  // a capital one means the same
    EXPECT_THROW(sealed.put("second", 2), Failure) << "bit " << bit;
  }
  sealed.ground.host.files.at(key_file).content = good.substr(0, 65);  // as it was written before it had a name
  EXPECT_EQ(sealed.read(1), "first");
}

TEST(FileSealing, SaysThatItsKeyIsGone) {
  Sealed sealed{false};
  sealed.put("first");
  sealed.ground.host.files.erase(key_file);
  EXPECT_EQ(sealed.failure_of_reading(),
            "refused | sealed secret secret/www/1: its key file /var/lib/certferry/store.key is gone | Restore "
            "/var/lib/certferry/store.key from where it was backed up");
  sealed.put("second", 2);
  EXPECT_EQ(sealed.read(2), "second");
  EXPECT_EQ(sealed.failure_of_reading(),
            "refused | sealed secret secret/www/1: /var/lib/certferry/store.key holds another key than the one that "
            "sealed it | Restore the former /var/lib/certferry/store.key from where it was backed up");
}

TEST(FileSealing, RefusesAFileThatIsNoKey) {
  Sealed sealed{false};
  sealed.put("first");
  sealed.ground.host.files.at(key_file).content = "0123";
  EXPECT_THAT(sealed.failure_of_reading(), ::testing::HasSubstr("this is no key of a store"));
}

}  // namespace
}  // namespace certferry::testing
