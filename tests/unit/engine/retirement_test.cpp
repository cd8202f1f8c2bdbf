#include "engine/retirement.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits/renewal.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/server_certificates.h"

namespace certferry {
namespace {

constexpr const char* shelf_of_account = "iam/aws/123456789012/certferry";
constexpr std::size_t old_ones = 20, load_balancers = 10;
// Classic load balancers, newer ones, the listeners of each, the certificates of each listener.
constexpr std::size_t requests_of_a_look = 1 + 1 + load_balancers + load_balancers;

// An account with twenty certificates of ours, forgotten and due, and ten load balancers that refer to none of them.
class RetirementTest : public testing::Test {
 protected:
  RetirementTest() {
    const std::string by_hand = world.server_certificates().put("/", "by-hand", served);
    for (std::size_t i = 0; i < load_balancers; ++i) world.load_balancers().add(name_of_load_balancer(i), by_hand);
    for (std::size_t i = 0; i < old_ones; ++i) {
      const std::string name = fmt::format("old-{:02}", i);
      references.push_back(world.server_certificates().put("/certferry/", name, served));
      entries.push_back(ShelfEntry{.name = name,
                                   .certificate = CertificateId::parse(name),
                                   .generation = 1,
                                   .fingerprint = served.chain.leaf.fingerprint(),
                                   .reference = references.back(),
                                   .written = world.now() - days(60),
                                   .unneeded_since = world.now() - days(2)});
    }
    world.server_certificates().notices_use = false;
  }

  static std::string name_of_load_balancer(std::size_t i) { return fmt::format("web-{}", i); }

  // As a run does it: what the plan tells, and then what is removed.
  void retire() {
    const sandbox::Life life = [this](Outside& outside, Store& store) -> Task<> {
      co_await ShelfLedger{store, shelf_of_account}.update([&](std::vector<ShelfEntry>& stored) { stored = entries; });
      aws::Access access{outside, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1",
                         aws::EndpointSettings{}};
      Deployment deployment{outside, access};
      AgreedTime time{outside.clock, outside.log};
      Shelves shelves{store, time};
      const auto alone = locked_instances(outside, [] { return true; }, [] { return std::string{}; }, Duration::zero());
      Claims claims{store, outside, *alone};
      Retirement retirement{outside, store, deployment, shelves, claims, time};
      const auto ledgers = co_await retirement.ledgers();
      co_await retirement.removable(ledgers, {});
      outcomes = co_await retirement.retire(ledgers, {});
    };
    const auto ending = simulated.run(life);
    if (ending.error) std::rethrow_exception(ending.error);
    ASSERT_EQ(ending.how, sandbox::Ending::How::finished);
  }

  void bind(const std::string& reference) {
    world.load_balancers().by_name.at(name_of_load_balancer(0)).listeners[0].listener.certificate = reference;
  }
  std::size_t left() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        references, [this](const std::string& one) { return world.server_certificates().by_arn(one) != nullptr; }));
  }
  std::size_t looked() const { return world.count("elb") + world.count("elbv2"); }

  sandbox::SimulatedWorld simulated{5};
  sandbox::World& world = simulated.world();
  const sandbox::Presented served =
      world.foreign({DomainName::parse("shop.example")}, world.now() - days(60), world.now() + days(30));
  std::vector<std::string> references;
  std::vector<ShelfEntry> entries;
  std::vector<Outcome> outcomes;
};

TEST_F(RetirementTest, ReadsTheAccountOnceForAllThatIsDueAndOnceMoreBeforeItDeletes) {
  retire();
  EXPECT_EQ(left(), 0U);
  EXPECT_EQ(outcomes.size(), old_ones);
  EXPECT_EQ(looked(), 2 * requests_of_a_look);
}

// A disk was full when the upload had been answered. (Random world 60363 complained.)
TEST_F(RetirementTest, LooksForWhatRefersToOneWhoseUploadWasNotWrittenDown) {
  entries[3].reference.clear();
  bind(references[3]);
  retire();
  EXPECT_NE(world.server_certificates().by_arn(references[3]), nullptr);
  EXPECT_EQ(left(), 1U);
  EXPECT_THAT(world.server_certificates().deleted_in_use, testing::IsEmpty());
}

TEST_F(RetirementTest, LooksAnewUnderTheClaims) {
  std::size_t heard = 0;
  simulated.network().heard_request = [&](const http::Request& request) {
    if (request.body.contains("DescribeListenerCertificates") && ++heard == load_balancers) bind(references[3]);
  };
  retire();
  EXPECT_NE(world.server_certificates().by_arn(references[3]), nullptr) << "given to a listener that was read already";
  EXPECT_EQ(left(), 1U);
  EXPECT_THAT(world.server_certificates().deleted_in_use, testing::IsEmpty());
}

TEST_F(RetirementTest, LooksAnewWhereDeletingTakesLong) {
  std::size_t deleted = 0;
  simulated.network().heard_request = [&](const http::Request& request) {
    const bool deletes = request.body.contains("DeleteServerCertificate");
    simulated.network().least = simulated.network().most = deletes ? seconds(12) : milliseconds(20);
    if (deletes && ++deleted == 1) bind(references.back());
  };
  retire();
  EXPECT_NE(world.server_certificates().by_arn(references.back()), nullptr) << "given to a listener since the look";
  EXPECT_EQ(left(), 1U);
  EXPECT_THAT(world.server_certificates().deleted_in_use, testing::IsEmpty());
}

// By somebody's controller: each just before it is asked about.
TEST_F(RetirementTest, DoesNotStopAtLoadBalancersOrListenersThatAreDeletedMeanwhile) {
  for (const std::string_view asked : {"Action=DescribeListeners&", "Action=DescribeListenerCertificates&"}) {
    SCOPED_TRACE(asked);
    for (std::size_t i = 0; i < load_balancers; ++i)
      world.load_balancers().add(name_of_load_balancer(i),
                                 world.server_certificates().by_name.find("by-hand")->second.arn);
    simulated.network().heard_request = [&](const http::Request& request) {
      auto& all = world.load_balancers().by_name;
      if (request.body.contains(asked) && !all.empty()) all.erase(all.begin());
    };
    retire();
    EXPECT_EQ(left(), 0U);
    EXPECT_THAT(outcomes, testing::SizeIs(old_ones));
    for (const ShelfEntry& entry : entries) world.server_certificates().put("/certferry/", entry.name, served);
  }
}

TEST_F(RetirementTest, RemovesNothingWhereTheLookFailsAndLooksOnceForAll) {
  world.load_balancers().by_name.at(name_of_load_balancer(9)).listeners[0].arn = "arn:aws:broken";
  retire();
  EXPECT_EQ(left(), old_ones);
  EXPECT_LE(looked(), 2 * requests_of_a_look);
}

}  // namespace
}  // namespace certferry
