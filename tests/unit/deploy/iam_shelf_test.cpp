#include "deploy/iam_shelf.h"

#include "deploy/object_name.h"
#include "sandbox/permissions.h"
#include "tests/unit/deploy/scene.h"

namespace certferry {
namespace {

class IamShelfTest : public Scene {
 protected:
  void on_shelf(const std::function<Task<>(Shelf&)>& life) {
    const std::function<Task<>(Deployer&)> whole = [&life](Deployer& deployer) -> Task<> {
      co_await life(*co_await deployer.deployment.shelf("iam/aws/123456789012/certferry"));
    };
    run(whole);
  }
  auto& certificates() { return world.server_certificates().by_name; }
};

TEST_F(IamShelfTest, UploadsUnderOurPathByNameDayAndDigest) {
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Shelved shelved = co_await shelf.put(issued, fresh.key, {});
    EXPECT_EQ(shelved.name, name_of_issued());
    EXPECT_EQ(shelved.reference, "arn:aws:iam::123456789012:server-certificate/certferry/" + name_of_issued());
    EXPECT_EQ(shelved.fingerprint, issued.fingerprint());
    EXPECT_TRUE(shelf.ours(shelved.reference));
    EXPECT_FALSE(shelf.ours(before_arn));
    EXPECT_FALSE(shelf.ours("no arn"));
  });
  ASSERT_TRUE(certificates().contains(name_of_issued()));
  EXPECT_EQ(certificates().find(name_of_issued())->second.content.chain, issued.chain);
}

TEST_F(IamShelfTest, KnowsWhatAPutWouldAnswer) {
  EXPECT_EQ(IamShelf::reference_in("iam/aws/123456789012/certferry", name_of_issued()),
            "arn:aws:iam::123456789012:server-certificate/certferry/" + name_of_issued());
  EXPECT_EQ(IamShelf::reference_in("iam/aws-cn/123456789012/certferry", "www"),
            "arn:aws-cn:iam::123456789012:server-certificate/certferry/www");
  EXPECT_EQ(IamShelf::reference_in("files/host/3f2a/etc/ssl/www", "www"), "");
}

TEST_F(IamShelfTest, FindsWhatIsThereWhenPutAgain) {
  on_shelf([&](Shelf& shelf) -> Task<> {
    EXPECT_FALSE(co_await shelf.find(issued));
    const Shelved first = co_await shelf.put(issued, fresh.key, {});
    EXPECT_EQ(co_await shelf.put(issued, fresh.key, {}), first);
    EXPECT_EQ(co_await shelf.find(issued), first);
  });
  EXPECT_EQ(certificates().size(), 2U);
}

TEST_F(IamShelfTest, AsksOnceForWhatIsReadSideBySide) {
  on_shelf([&](Shelf& shelf) -> Task<> {
    std::vector<Work> works;
    int read = 0;
    for (int i = 0; i < 5; ++i)
      works.push_back([&]() -> Task<> { read += co_await shelf.read(before_arn) == before.chain; });
    co_await all_settled(std::move(works));
    EXPECT_EQ(read, 5);
  });
  EXPECT_EQ(world.count("iam", "GetServerCertificate"), 1U);
}

TEST_F(IamShelfTest, IsThrottledByNobodyHoweverManyAreReadAtOnce) {
  constexpr int many = 300;
  std::vector<std::string> arns;
  for (int i = 0; i < many; ++i) arns.push_back(world.server_certificates().put("/", fmt::format("one-{}", i), before));
  on_shelf([&](Shelf& shelf) -> Task<> {
    std::vector<Work> works;
    int read = 0;
    for (const std::string& arn : arns)
      works.push_back([&]() -> Task<> { read += co_await shelf.read(arn) == before.chain; });
    co_await all_settled(std::move(works));
    EXPECT_EQ(read, many);
  });
  EXPECT_EQ(world.count("iam", "refused:Throttling"), 0U);
}

TEST_F(IamShelfTest, TakesAnUploadWhoseReplyWasLostForDone) {
  world.on_event([&](const sandbox::Event& event) {
    if (event.operation == "UploadServerCertificate") simulation.faults().reply_lost = 0;
  });
  on_shelf([&](Shelf& shelf) -> Task<> {
    simulation.faults().reply_lost = 100;
    const Shelved shelved = co_await shelf.put(issued, fresh.key, {});
    EXPECT_EQ(shelved.name, name_of_issued());
  });
  EXPECT_EQ(world.count("iam", "UploadServerCertificate"), 1U);
  EXPECT_EQ(certificates().size(), 2U);
}

TEST_F(IamShelfTest, NamesTheQuotaOfAFullShelf) {
  world.settings().server_certificate_quota = 1;
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Work put = [&]() -> Task<> { co_await shelf.put(issued, fresh.key, {}); };
    const auto failure = co_await failure_of(put);
    EXPECT_EQ(failure.value().kind(), Failure::Kind::refused);
    EXPECT_NE(std::string{failure->what()}.find("ServerCertificatesPerAccount"), std::string::npos);
    EXPECT_NE(failure->next().find("quota"), std::string::npos);
  });
  EXPECT_EQ(certificates().size(), 1U);
}

TEST_F(IamShelfTest, RefusesANameThatAnotherCertificateHas) {
  world.server_certificates().put("/certferry/", name_of_issued(), before);
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Work put = [&]() -> Task<> { co_await shelf.put(issued, fresh.key, {}); };
    EXPECT_EQ((co_await failure_of(put)).value().kind(), Failure::Kind::refused);
  });
  EXPECT_EQ(certificates().find(name_of_issued())->second.content.chain, before.chain);
}

TEST_F(IamShelfTest, ReadsAnyServerCertificateOnceAndNothingElse) {
  on_shelf([&](Shelf& shelf) -> Task<> {
    EXPECT_EQ((co_await shelf.read(before_arn)).value(), before.chain);
    EXPECT_EQ((co_await shelf.read(before_arn)).value(), before.chain);
    EXPECT_FALSE(co_await shelf.read("arn:aws:acm:eu-west-1:123456789012:certificate/1234"));
    EXPECT_FALSE(co_await shelf.read("arn:aws:iam::123456789012:server-certificate/gone"));
  });
  EXPECT_EQ(world.count("iam", "GetServerCertificate"), 2U);
}

TEST_F(IamShelfTest, RemovesOursWhenNothingUsesIt) {
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Shelved shelved = co_await shelf.put(issued, fresh.key, {});
    world.classic().add("web", shelved.reference);
    EXPECT_FALSE(co_await shelf.remove(shelved.name, shelved.reference));
    EXPECT_TRUE(world.server_certificates().by_name.contains(shelved.name));
    world.classic().by_name.clear();
    EXPECT_TRUE(co_await shelf.remove(shelved.name, shelved.reference));
    EXPECT_TRUE(co_await shelf.remove(shelved.name, shelved.reference));
    EXPECT_TRUE(co_await shelf.remove("never-there", ""));
  });
  EXPECT_FALSE(certificates().contains(name_of_issued()));
}

TEST_F(IamShelfTest, TakesARemovalWhoseReplyWasLostForDone) {
  lose("Action=DeleteServerCertificate", &sandbox::Faults::reply_lost);
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Shelved shelved = co_await shelf.put(issued, fresh.key, {});
    EXPECT_TRUE(co_await shelf.remove(shelved.name, shelved.reference));
  });
  EXPECT_EQ(world.count("iam", "DeleteServerCertificate"), 1U);
  EXPECT_FALSE(certificates().contains(name_of_issued()));
}

// The policy that `certferry policy` writes allows it by the path, which IAM does not know of what is gone.
TEST_F(IamShelfTest, TakesWhatIsGoneForRemovedThoughIamRefusesToRemoveIt) {
  world.permissions().attach_to_identity(world.permissions().user(), R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["sts:*","iam:UploadServerCertificate","iam:GetServerCertificate"],"Resource":"*"},
    {"Effect":"Allow","Action":"iam:DeleteServerCertificate","Resource":"arn:aws:iam::*:server-certificate/certferry/*"}
  ]})");
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Shelved shelved = co_await shelf.put(issued, fresh.key, {});
    EXPECT_TRUE(co_await shelf.remove(shelved.name, shelved.reference));
    EXPECT_TRUE(co_await shelf.remove(shelved.name, shelved.reference));
  });
  EXPECT_EQ(world.permissions().refused().size(), 1U);
}

// Its CA dates nothing back, and IAM's clock is a little behind.
TEST_F(IamShelfTest, WaitsForACertificateToBeginThatIamCallsMalformed) {
  fresh = world.foreign({shop}, world.now() + seconds(40), world.now() + days(89));
  issued.chain = fresh.chain;
  on_shelf([&](Shelf& shelf) -> Task<> {
    EXPECT_EQ((co_await shelf.put(issued, fresh.key, {})).fingerprint, issued.fingerprint());
  });
  EXPECT_GE(world.now(), fresh.chain.leaf.not_before());
}

TEST_F(IamShelfTest, SaysThatARemovalWasNotHeardWhereALookFindsTheCertificate) {
  lose("Action=DeleteServerCertificate", &sandbox::Faults::request_lost);
  on_shelf([&](Shelf& shelf) -> Task<> {
    const Shelved shelved = co_await shelf.put(issued, fresh.key, {});
    const Work removing = [&]() -> Task<> { co_await shelf.remove(shelved.name, shelved.reference); };
    EXPECT_EQ((co_await failure_of(removing)).value().kind(), Failure::Kind::outcome_unknown);
  });
  EXPECT_EQ(lost, 1);
  EXPECT_TRUE(certificates().contains(name_of_issued()));
}

TEST_F(IamShelfTest, NeverRemovesWhatOthersPutThere) {
  on_shelf([&](Shelf& shelf) -> Task<> {
    EXPECT_FALSE(co_await shelf.remove("by-hand", before_arn));
    EXPECT_FALSE(co_await shelf.remove("by-hand", ""));
  });
  EXPECT_TRUE(certificates().contains("by-hand"));
}

TEST_F(IamShelfTest, CallsAWildcardStarAndCutsLongNames) {
  const auto named = [&](const std::string& name) {
    return object_name({world.foreign({DomainName::parse(name)}, world.now(), world.now() + days(89)).chain, "", 1});
  };
  EXPECT_TRUE(named("*.shop.example").starts_with("star.shop.example-2027"));
  const std::string longest = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
  EXPECT_TRUE(named(longest).starts_with(std::string(60, 'a') + "-2027"));
  EXPECT_EQ(sni_for(DomainName::parse("*.shop.example")), "certferry.shop.example");
  EXPECT_EQ(sni_for(shop), "shop.example");
}

}  // namespace
}  // namespace certferry
