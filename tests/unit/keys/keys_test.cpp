#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>

#include "aws/access.h"
#include "base/failure.h"
#include "keys/account_key.h"
#include "keys/key_ring.h"
#include "keys/sealed_account_key.h"
#include "sandbox/buckets.h"
#include "sandbox/key_management.h"
#include "sandbox/mounts/simulated_world.h"
#include "state/s3_store.h"
#include "tests/unit/lease_in_hand.h"

namespace certferry {
namespace {

// A process with a vault whose secrets are sealed by a key file, and credentials of the world.
struct Keeper {
  Keeper(Outside& where, Store& store)
      : outside(where),
        access(where, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1", {}),
        sealing(file_sealing(where, "/var/lib/certferry/store.key")),
        vault(store, *sealing),
        ring(where, vault, lease),
        accounts(where, vault, access.client()) {}
  Outside& outside;
  testing::LeaseInHand lease;
  aws::Access access;
  std::unique_ptr<Sealing> sealing;
  Vault vault;
  KeyRing ring;
  AccountKeys accounts;
};

Task<std::optional<Failure>> keeping_failure(Work work) {
  try {
    co_await work();
  } catch (const Failure& failure) {
    co_return failure;
  }
  co_return std::nullopt;
}

class KeysTest : public ::testing::Test {
 protected:
  sandbox::SimulatedWorld simulation{5};
  sandbox::World& world = simulation.world();
  sandbox::Machine& machine = simulation.machine();
  CertificateId shop = CertificateId::parse("shop");
  AccountKeyPlace in_state{"", "", KeyType::p256, "https://ca.example/directory"};
  AccountKeyPlace in_s3{"s3://bucket/certferry/account.key", "alias/certferry", KeyType::p256, in_state.directory};
  AccountKeyPlace in_file{"/etc/certferry/account.key", "", KeyType::p256, in_state.directory};

  void SetUp() override {
    world.buckets().add("bucket");
    world.kms().add("alias/certferry");
  }
  std::map<std::string, std::set<std::string>> thumbprints;
  std::map<std::string, sandbox::SimulatedObject>& bucket() { return world.buckets().by_name.at("bucket"); }

  // In one process, started again after each kill; what it throws is thrown.
  void run(const std::function<Task<>(Keeper&)>& life) {
    const sandbox::Life whole = [&life](Outside& outside, Store& store) -> Task<> {
      Keeper keeper{outside, store};
      co_await life(keeper);
    };
    const sandbox::Ending ending = simulation.run_with_restarts(whole);
    if (ending.error) std::rethrow_exception(ending.error);
    ASSERT_EQ(ending.how, sandbox::Ending::How::finished);
  }
  // The Failure of open_or_make there.
  Failure refusal_at(const AccountKeyPlace& place) {
    std::optional<Failure> failure;
    run([&](Keeper& keeper) -> Task<> {
      const Work make = [&]() -> Task<> { co_await keeper.accounts.open_or_make(place); };
      failure = co_await keeping_failure(make);
    });
    return failure.value();
  }
};

TEST_F(KeysTest, KeyRingMakesOneKeyForAGenerationAndOpensIt) {
  run([&](Keeper& keeper) -> Task<> {
    const KeyRef first = co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::before);
    EXPECT_EQ(co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::before), first);
    const KeyRef second = co_await keeper.ring.create(shop, 2, KeyType::p384, KeyRing::Begun::before);
    EXPECT_NE(second.public_key, first.public_key);
    EXPECT_EQ((co_await keeper.ring.open(second)).type(), KeyType::p384);
    const PrivateKey key = co_await keeper.ring.open(first);
    const PrivateKey again = co_await keeper.ring.open(first);
    EXPECT_EQ(key.public_part(), again.public_part());
  });
}

TEST_F(KeysTest, KeyRingTakesNoKeyOfAnotherTypeForTheOneThatIsWanted) {
  run([&](Keeper& keeper) -> Task<> {
    co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::before);
    const Work wanting_another = [&]() -> Task<> {
      co_await keeper.ring.create(shop, 1, KeyType::p384, KeyRing::Begun::before);
    };
    const Failure said = (co_await keeping_failure(wanting_another)).value();
    EXPECT_EQ(said.kind(), Failure::Kind::dead_generation);
    EXPECT_STREQ(said.what(), "a private key of shop, generation 1, is there already: it is p256; wanted is p384");
  });
}

// As after it was sealed by a key that is gone.
TEST_F(KeysTest, KeyRingTakesNoKeyThatDoesNotOpenForTheOneThatIsWanted) {
  run([&](Keeper& keeper) -> Task<> {
    co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::before);
    auto& entries = simulation.state().entries;
    entries["secret/shop/2"] = entries.at("secret/shop/1");
    const Work again = [&]() -> Task<> { co_await keeper.ring.create(shop, 2, KeyType::p256, KeyRing::Begun::before); };
    const Failure said = (co_await keeping_failure(again)).value();
    EXPECT_EQ(said.kind(), Failure::Kind::dead_generation);
    EXPECT_TRUE(std::string_view{said.what()}.starts_with("a private key of shop, generation 2, is there already: "))
        << said.what();
  });
}

TEST_F(KeysTest, KeyRingTakesNoKeyThatWasThereBeforeItsGeneration) {
  run([&](Keeper& keeper) -> Task<> {
    co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::before);
    const Work again = [&]() -> Task<> { co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::now); };
    EXPECT_EQ((co_await keeping_failure(again)).value().kind(), Failure::Kind::dead_generation);
  });
}

TEST_F(KeysTest, KeyRingMakesRsaOnThePool) {
  run([&](Keeper& keeper) -> Task<> {
    const KeyRef ref = co_await keeper.ring.create(shop, 1, KeyType::rsa2048, KeyRing::Begun::before);
    EXPECT_EQ((co_await keeper.ring.open(ref)).type(), KeyType::rsa2048);
  });
}

TEST_F(KeysTest, KeyRingRefusesAKeyThatIsGoneOrAnother) {
  run([&](Keeper& keeper) -> Task<> {
    KeyRef ref = co_await keeper.ring.create(shop, 1, KeyType::p256, KeyRing::Begun::before);
    const KeyRef other = co_await keeper.ring.create(shop, 2, KeyType::p256, KeyRing::Begun::before);
    ref.public_key = other.public_key;
    const Work open_another = [&]() -> Task<> { co_await keeper.ring.open(ref); };
    EXPECT_EQ((co_await keeping_failure(open_another)).value().kind(), Failure::Kind::refused);
    co_await keeper.vault.remove(shop, 2, keeper.lease);
    const Work open_gone = [&]() -> Task<> { co_await keeper.ring.open(other); };
    EXPECT_EQ((co_await keeping_failure(open_gone)).value().kind(), Failure::Kind::dead_generation);
  });
}

TEST_F(KeysTest, KilledAnywhereAGenerationHasOneKeyForever) {
  for (long effect = 0; effect < 4; ++effect)
    for (const auto moment : {sandbox::Moment::before, sandbox::Moment::after_effect_before_reply}) {
      const long from = simulation.effects();
      simulation.kill_at({from + effect, moment});
      std::vector<KeyRef> made;
      const int generation = static_cast<int>(from) + 1;
      run([&](Keeper& keeper) -> Task<> {
        const KeyRef ref = co_await keeper.ring.create(shop, generation, KeyType::p256, KeyRing::Begun::before);
        made.push_back(ref);
        co_await keeper.ring.open(ref);
        co_await keeper.outside.host.replace("/tmp/after", "", {});
      });
      for (const KeyRef& ref : made) EXPECT_EQ(ref, made.front());
      ASSERT_FALSE(made.empty());
    }
}

TEST_F(KeysTest, AccountKeyIsMadeOnceInTheStateForEachDirectory) {
  run([&](Keeper& keeper) -> Task<> {
    EXPECT_FALSE(co_await keeper.accounts.open(in_state));
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_state);
    const PrivateKey again = co_await keeper.accounts.open_or_make(in_state);
    EXPECT_EQ(again.public_part(), key.public_part());
    EXPECT_EQ((co_await keeper.accounts.open(in_state)).value().public_part(), key.public_part());
    AccountKeyPlace elsewhere = in_state;
    elsewhere.directory = "https://other.example/directory";
    EXPECT_FALSE(co_await keeper.accounts.open(elsewhere));
  });
}

TEST_F(KeysTest, AccountKeyInS3LiesInAnEnvelopeBoundToItsPlace) {
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_s3);
    EXPECT_EQ((co_await keeper.accounts.open(in_s3)).value().public_part(), key.public_part());
  });
  const Json envelope = Json::parse(bucket().at("certferry/account.key").body, "the envelope");
  EXPECT_EQ(envelope.at("format").as_integer(), 1);
  EXPECT_EQ(envelope.at("kms_key").as_text(), "alias/certferry");
  EXPECT_EQ(envelope.at("context").at("certferry").as_text(), in_s3.key);
  bucket()["moved.key"] = bucket().at("certferry/account.key");
  AccountKeyPlace moved = in_s3;
  moved.key = "s3://bucket/moved.key";
  const Failure failure = refusal_at(moved);
  EXPECT_EQ(failure.kind(), Failure::Kind::refused);
  EXPECT_NE(std::string{failure.what()}.find(in_s3.key), std::string::npos);
}

// A new key behind the same alias is AWS's way to rotate one by hand.
TEST_F(KeysTest, SecretsOutliveAnAliasThatIsPointedToAnotherKey) {
  const auto life = [&](bool rotated) {
    run([&, rotated](Keeper& keeper) -> Task<> {
      const auto store = s3_store(keeper.outside, keeper.access.client(), "bucket", "certferry/");
      const auto sealing = kms_sealing(keeper.outside, keeper.access.client(), "alias/certferry");
      Vault vault{*store, *sealing};
      AccountKeys accounts{keeper.outside, vault, keeper.access.client()};
      if (!rotated) co_await vault.put(shop, 1, Secret{"sealed before"}, keeper.lease);
      if (rotated) co_await vault.put(shop, 2, Secret{"sealed after"}, keeper.lease);
      EXPECT_EQ((co_await vault.get(shop, 1)).value().reveal(), "sealed before");
      for (const AccountKeyPlace& place : {in_s3, in_state}) {
        const PrivateKey key = co_await accounts.open_or_make(place);
        thumbprints[place.key].insert(key.public_part().thumbprint());
      }
    });
  };
  life(false);
  world.kms().add("alias/certferry");
  life(true);
  EXPECT_EQ(thumbprints.at("").size(), 1U);
  EXPECT_EQ(thumbprints.at(in_s3.key).size(), 1U);
}

// As certferry wrote them before it recorded the key that an alias meant, and as `aws kms encrypt` makes them.
TEST_F(KeysTest, SecretsWithoutARecordedKeyOutliveANewAliasToo) {
  std::string made;
  const auto remember_no_key = [&](const std::string& name) {
    Json envelope = Json::parse(bucket().at(name).body, name);
    envelope.erase("key_arn");
    bucket().at(name).body = envelope.dump();
  };
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_s3);
    made = key.public_part().thumbprint();
    const aws::Encrypted raw = co_await aws::Kms{keeper.access.client()}.encrypt("alias/certferry", key.pem(), {});
    bucket()["raw.key"] = {raw.ciphertext, "\"1\"", world.now()};
  });
  remember_no_key("certferry/account.key");
  world.kms().add("alias/certferry");
  run([&](Keeper& keeper) -> Task<> {
    for (const std::string& place : {in_s3.key, std::string{"s3://bucket/raw.key"}}) {
      AccountKeyPlace there = in_s3;
      there.key = place;
      EXPECT_EQ((co_await keeper.accounts.open_or_make(there)).public_part().thumbprint(), made) << place;
    }
  });
  EXPECT_EQ(world.count("s3", "PutObject"), 1U);
}

// As when the state and its key were moved to another region: the envelopes name the key by its former ARN.
TEST_F(KeysTest, SecretsOfAMultiRegionKeyAreOpenedWhereItIsReplicated) {
  world.settings().other_regions = {"eu-central-1", "us-east-2"};
  const std::string id = world.kms().add_multi_region({"eu-central-1"});
  const std::string former = world.kms().arn(id, "eu-west-1"), context = "secret/www/1";
  const std::string place = "s3://bucket/account.key", absent = world.kms().arn(id, "us-east-2");
  run([&](Keeper& keeper) -> Task<> {
    const auto in = [&](const std::string& region) {
      return std::make_unique<aws::Access>(keeper.outside,
                                           std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"),
                                           region, aws::EndpointSettings{});
    };
    const auto there = in("eu-central-1"), nowhere = in("us-east-2");
    const auto sealing = kms_sealing(keeper.outside, keeper.access.client(), former);
    const Bytes secret = co_await sealing->seal(Secret{"hush"}, context);
    const Bytes account_key = co_await seal_account_key(aws::Kms{keeper.access.client()}, former, place, Secret{"pem"});
    const auto moved = kms_sealing(keeper.outside, there->client(), world.kms().arn(id, "eu-central-1"));
    EXPECT_EQ((co_await moved->open(secret, context)).reveal(), "hush");
    aws::Kms kms{there->client()};
    EXPECT_EQ((co_await unseal_account_key(kms, former, place, account_key)).reveal(), "pem");

    const auto lost = kms_sealing(keeper.outside, nowhere->client(), absent);
    const Work open = [&]() -> Task<> { co_await lost->open(secret, context); };
    const Failure failure = (co_await keeping_failure(open)).value();
    EXPECT_NE(std::string{failure.what()}.find(former), std::string::npos) << failure.what();
    EXPECT_NE(std::string{failure.what()}.find(absent), std::string::npos) << failure.what();
    EXPECT_EQ(failure.next(), "Replicate the KMS key into us-east-2, or run in eu-west-1 again");
  });
}

TEST_F(KeysTest, AccountKeyOfTwoThatMakeItAtOnceIsOne) {
  for (const AccountKeyPlace& place : {in_s3, in_file}) {
    std::vector<std::string> used;
    const sandbox::Life life = [&](Outside& outside, Store& store) -> Task<> {
      Keeper keeper{outside, store};
      const PrivateKey key = co_await keeper.accounts.open_or_make(place);
      used.push_back(key.public_part().thumbprint());
    };
    simulation.start(life, {"one", "main", "one"});
    simulation.start(life, {"two", "main", "two"});
    simulation.run_for(minutes(1));
    ASSERT_EQ(used.size(), 2U) << place.key;
    EXPECT_EQ(used[0], used[1]) << place.key;
  }
}

TEST_F(KeysTest, AccountKeyInS3SurvivesALostReply) {
  world.on_event([&](const sandbox::Event& event) {
    if (event.operation == "PutObject") simulation.faults().reply_lost = 0;
    if (event.operation == "Encrypt") simulation.faults().reply_lost = 100;
  });
  std::string used;
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_s3);
    EXPECT_EQ((co_await keeper.accounts.open(in_s3)).value().public_part(), key.public_part());
  });
  EXPECT_EQ(world.count("s3", "PutObject"), 1U);
}

TEST_F(KeysTest, AccountKeyAsTheRawCiphertextOfAPemIsRead) {
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    aws::Kms kms{keeper.access.client()};
    const Secret pem = key.pem();
    const aws::Encrypted sealed = co_await kms.encrypt("alias/certferry", pem, {});
    bucket()["certferry/account.key"] = {sealed.ciphertext, "\"1\"", world.now()};
    EXPECT_EQ((co_await keeper.accounts.open_or_make(in_s3)).public_part(), key.public_part());
  });
  EXPECT_EQ(world.count("s3", "PutObject"), 0U);
}

TEST_F(KeysTest, AccountKeyIsNeverMadeWhereItsAbsenceIsNotSure) {
  world.buckets().listing_allowed = false;
  EXPECT_EQ(refusal_at(in_s3).kind(), Failure::Kind::refused);
  AccountKeyPlace no_bucket = in_s3;
  no_bucket.key = "s3://no-such-bucket/account.key";
  EXPECT_EQ(refusal_at(no_bucket).kind(), Failure::Kind::refused);
  bucket()["certferry/account.key"] = {"neither of them", "\"1\"", world.now()};
  EXPECT_EQ(refusal_at(in_s3).kind(), Failure::Kind::refused);
  bucket()["certferry/account.key"].body = "{\"format\": 2}";
  EXPECT_EQ(refusal_at(in_s3).kind(), Failure::Kind::refused);
  EXPECT_EQ(world.count("s3", "PutObject"), 0U);
}

TEST_F(KeysTest, AccountKeyInS3IsRefusedUnsealedOrWithoutAKeyToSealIt) {
  bucket()["certferry/account.key"] = {Bytes{PrivateKey::generate(KeyType::p256).pem().reveal()}, "\"1\"", world.now()};
  const Failure unsealed = refusal_at(in_s3);
  EXPECT_EQ(unsealed.kind(), Failure::Kind::refused);
  EXPECT_EQ(std::string{unsealed.what()}.find("BEGIN"), std::string::npos);
  AccountKeyPlace no_key = in_s3;
  no_key.kms_key = "";
  EXPECT_NE(refusal_at(no_key).next().find("kms_key"), std::string::npos);
}

TEST_F(KeysTest, AccountKeyInAFileIsForUsAlone) {
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_file);
    EXPECT_EQ((co_await keeper.accounts.open(in_file)).value().public_part(), key.public_part());
  });
  ASSERT_NE(machine.find(in_file.key), nullptr);
  EXPECT_EQ(machine.find(in_file.key)->mode, 0600U);
  EXPECT_TRUE(machine.find(in_file.key)->content.starts_with("-----BEGIN PRIVATE KEY-----"));
  machine.nodes.at(in_file.key).mode = 0644;
  EXPECT_EQ(refusal_at(in_file).next(), "Type: chmod 600 /etc/certferry/account.key");
  machine.nodes.at(in_file.key) = {sandbox::Machine::Kind::file, "no key", 0600, true};
  EXPECT_EQ(refusal_at(in_file).kind(), Failure::Kind::refused);
  EXPECT_EQ(machine.find(in_file.key)->content, "no key");
}

// Of a volume with fsGroup they are open to its group at each mount.
TEST_F(KeysTest, KeyFilesThatTheirGroupWasLetIntoAreMadePrivateAgain) {
  const auto open_both = [](Keeper& keeper) -> Task<> {
    co_await keeper.vault.get(CertificateId::parse("shop"), 1);
    co_await keeper.accounts.open(AccountKeyPlace{"/etc/certferry/account.key", "", KeyType::p256, ""});
  };
  run([&](Keeper& keeper) -> Task<> {
    co_await keeper.accounts.open_or_make(in_file);
    co_await keeper.vault.put(shop, 1, Secret{"a secret"}, keeper.lease);
  });
  const std::vector<std::string> paths{in_file.key, "/var/lib/certferry/store.key"};
  for (const std::string& path : paths) machine.nodes.at(path).mode = 0660;
  run(open_both);
  const std::vector<std::string> warnings = simulation.said(simulation.processes() - 1);
  run(open_both);
  EXPECT_TRUE(simulation.said(simulation.processes() - 1).empty()) << "once";
  ASSERT_EQ(warnings.size(), paths.size());
  for (const std::string& path : paths) {
    EXPECT_EQ(machine.nodes.at(path).mode, 0600U);
    EXPECT_EQ(std::ranges::count_if(warnings, [&](const auto& line) { return line.starts_with("warning: " + path); }),
              1);
  }
}

TEST_F(KeysTest, KeyFilesOfSomebodyElseThatAGroupWasLetIntoAreRefusedWithTheirCause) {
  run([&](Keeper& keeper) -> Task<> { co_await keeper.accounts.open_or_make(in_file); });
  machine.nodes.at(in_file.key).mode = 0660;
  machine.nodes.at(in_file.key).ours = false;
  const std::string next = refusal_at(in_file).next();
  EXPECT_TRUE(next.contains("fsGroup") && next.contains("S3")) << next;
  EXPECT_EQ(machine.nodes.at(in_file.key).mode, 0660U);
}

TEST_F(KeysTest, KeyFilesBehindALinkAreJudgedByWhatTheyAre) {
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_file);
    thumbprints["made"].insert(key.public_part().thumbprint());
    co_await keeper.vault.put(shop, 1, Secret{"a secret"}, keeper.lease);
  });
  const std::string store_key = "/var/lib/certferry/store.key";
  for (const std::string& path : {in_file.key, store_key}) {  // as Kubernetes mounts a Secret
    const Path there = path + ".mounted";
    machine.nodes[there] = machine.nodes.at(path);
    machine.nodes[path] = {sandbox::Machine::Kind::link, there, 0777, true};
  }
  run([&](Keeper& keeper) -> Task<> {
    const PrivateKey key = co_await keeper.accounts.open_or_make(in_file);
    thumbprints["made"].insert(key.public_part().thumbprint());
    EXPECT_EQ((co_await keeper.vault.get(shop, 1)).value().reveal(), "a secret");
  });
  EXPECT_EQ(thumbprints.at("made").size(), 1U);
  for (const std::string& path : {in_file.key, store_key}) machine.nodes.at(path + ".mounted").mode = 0644;
  EXPECT_EQ(refusal_at(in_file).next(), "Type: chmod 600 " + in_file.key);
  run([&](Keeper& keeper) -> Task<> {
    const Work open = [&]() -> Task<> { co_await keeper.vault.get(shop, 1); };
    EXPECT_EQ((co_await keeping_failure(open)).value().next(), "Type: chmod 600 " + store_key);
  });
}

}  // namespace
}  // namespace certferry
