#include "deploy/descriptions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <numeric>

#include "sandbox/permissions.h"
#include "tests/unit/deploy/scene.h"

namespace certferry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Described {
  std::string name;
  int state = 0;
};

// A service that tells of each thing by its name in which state it is, and how it was asked.
struct DescribeQueueTest : Scene {
  int state = 1;
  std::vector<std::vector<std::string>> together;
  std::vector<std::string> alone;
  std::optional<Failure> trouble;  // of what is asked together
  Signal opens;
  bool closed = false;  // each request is answered only when it opens

  Task<std::optional<Described>> one(std::string name) {
    alone.push_back(name);
    const int now = state;
    if (closed) co_await opens.wait();
    co_return Described{name, now};
  }
  Task<std::vector<Described>> several(std::vector<std::string> names) {
    together.push_back(names);
    const int now = state;
    if (closed) co_await opens.wait();
    if (trouble) throw Failure{*trouble};
    std::vector<Described> found;
    for (const std::string& name : names) found.push_back({name, now});
    co_return found;
  }
  DescribeQueue<std::string, Described> queue{
      3, [this](std::string name) -> Task<std::optional<Described>> { co_return co_await one(name); },
      [this](std::vector<std::string> names) -> Task<std::vector<Described>> { co_return co_await several(names); },
      &Described::name};

  std::vector<std::string> told;  // "name state", in the order in which answers came
  Work asking(const std::string& name) {
    return [this, name]() -> Task<> {
      try {
        const auto found = co_await queue.ask(name);
        told.push_back(found ? fmt::format("{} {}", found->name, found->state) : name + " none");
      } catch (const Failure& failure) {
        told.push_back(fmt::format("{}: {}", name, failure.what()));
      }
    };
  }
  std::vector<Work> asking_all(const std::vector<std::string>& names) {
    std::vector<Work> works;
    for (const std::string& name : names) works.push_back(asking(name));
    return works;
  }
  void ask_all(const std::vector<std::string>& names) {
    run([&](Deployer&) -> Task<> { co_await all_settled(asking_all(names)); });
  }
};

TEST_F(DescribeQueueTest, SendsWhatIsAskedSideBySideInAsFewRequestsAsItFitsInto) {
  ask_all({"a", "b", "a", "c", "d", "a", "e"});
  EXPECT_THAT(together, ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("d", "a", "e")));
  EXPECT_THAT(alone, IsEmpty());
  EXPECT_THAT(told, testing::UnorderedElementsAre("a 1", "b 1", "a 1", "c 1", "d 1", "a 1", "e 1"));
}

TEST_F(DescribeQueueTest, AsksAtOnceForWhatIsAskedAlone) {
  ask_all({"a"});
  ask_all({"b", "b"});
  EXPECT_THAT(together, IsEmpty());
  EXPECT_THAT(alone, ElementsAre("a", "b"));
}

// As the looks of targets do, which ask STS first and are let go by it one after the other.
TEST_F(DescribeQueueTest, LetsThoseComeWhoAreLetGoOneAfterTheOther) {
  run([&](Deployer&) -> Task<> {
    Turn turn;
    std::vector<Work> works;
    for (const char* name : {"a", "b", "c"})
      works.push_back([this, name, &turn]() -> Task<> {
        {
          const Turn::Held mine = co_await turn.take();
        }
        co_await asking(name)();
      });
    co_await all_settled(std::move(works));
  });
  EXPECT_THAT(together, ElementsAre(ElementsAre("a", "b", "c")));
}

TEST_F(DescribeQueueTest, AnswersNoQuestionByARequestThatWasSentBefore) {
  closed = true;
  run([&](Deployer& deployer) -> Task<> {
    std::vector<Work> works = asking_all({"a", "b"});
    works.push_back([&]() -> Task<> {
      co_await deployer.outside.clock.sleep(seconds(1));
      state = 2;  // after the request was sent
      co_await asking("a")();
    });
    works.push_back([&]() -> Task<> {
      co_await deployer.outside.clock.sleep(seconds(2));
      closed = false;
      opens.notify();
    });
    co_await all_settled(std::move(works));
  });
  EXPECT_THAT(together, ElementsAre(ElementsAre("a", "b")));
  EXPECT_THAT(told, ElementsAre("a 1", "b 1", "a 2"));
}

TEST_F(DescribeQueueTest, AsksForEachAloneWhereOneMayBeAtFaultForAll) {
  trouble = Failure{Failure::Kind::refused, "one of them is not there", ""};
  ask_all({"a", "b", "c", "d", "e"});
  EXPECT_THAT(together, ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("d", "e")));
  EXPECT_THAT(alone, testing::UnorderedElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(told, SizeIs(5));
}

// Throttled, each by itself would be throttled too.
TEST_F(DescribeQueueTest, AsksOnceForAllWhereTheServiceFails) {
  trouble = Failure{Failure::Kind::transient, "no answer", ""};
  ask_all({"a", "b", "c", "d", "e", "f", "g"});
  EXPECT_THAT(together, SizeIs(1));
  EXPECT_THAT(alone, IsEmpty());
  EXPECT_THAT(told, SizeIs(7));
  EXPECT_THAT(told, testing::Each(testing::HasSubstr(": no answer")));
}

TEST_F(DescribeQueueTest, AnswersTheOthersThoughWhoSentTheRequestIsCancelled) {
  closed = true;
  run([&](Deployer& deployer) -> Task<> {
    const Work cancelled = [&]() -> Task<> {
      co_await race(asking("a"), [&]() -> Task<> { co_await deployer.outside.clock.sleep(seconds(1)); });
      closed = false;
    };
    std::vector<Work> works = asking_all({"b", "c"});
    works.insert(works.begin(), cancelled);
    co_await all_settled(std::move(works));
  });
  EXPECT_THAT(together, ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("b", "c")));
  EXPECT_THAT(told, ElementsAre("b 1", "c 1"));
}

// What AWS says of load balancers, in the sandbox.
struct DescriptionsTest : Scene {
  std::vector<std::string> listeners;
  void SetUp() override {
    for (int i = 0; i < 30; ++i) {
      auto& entry = world.load_balancers().add(fmt::format("web-{}", i / 3), before_arn, "application",
                                               static_cast<std::uint16_t>(443 + i % 3));
      listeners.push_back(entry.arn);
      world.classic().add(fmt::format("old-{}", i), before_arn);
    }
    settle();
  }
  // "" where it was seen, else what is said.
  std::vector<std::string> looked_at(const std::vector<InstallConfig>& installs) {
    std::vector<std::string> said(installs.size(), "?");
    run([&](Deployer& deployer) -> Task<> {
      std::vector<Work> looks;
      for (std::size_t i = 0; i < installs.size(); ++i)
        looks.push_back([&, i]() -> Task<> {
          Target* target = co_await deployer.deployment.target(certificate(), installs[i]);
          const Work look = [&]() -> Task<> { EXPECT_EQ((co_await target->look()).shown, before.chain); };
          const auto failed = co_await failure_of(look);
          said[i] = failed ? failed->what() : "";
        });
      co_await all_settled(std::move(looks));
    });
    return said;
  }
  std::vector<InstallConfig> on_all_listeners() const {
    std::vector<InstallConfig> installs;
    for (const std::string& arn : listeners) installs.push_back(on(ListenerInstall{Arn::parse(arn)}));
    return installs;
  }
  std::size_t asked(const std::string& service, const std::string& operation) {
    return world.count(service, operation);
  }
};

TEST_F(DescriptionsTest, AreAskedForTogetherOfListenersAndTheirLoadBalancers) {
  EXPECT_THAT(looked_at(on_all_listeners()), testing::Each(""));
  EXPECT_EQ(asked("elbv2", "DescribeListeners"), 2U) << "20 and 10";
  EXPECT_EQ(asked("elbv2", "DescribeLoadBalancers"), 2U) << "ten are known by then, one of them to both";
}

TEST_F(DescriptionsTest, AreAskedForTogetherOfClassicLoadBalancers) {
  std::vector<InstallConfig> installs;
  for (int i = 0; i < 30; ++i) installs.push_back(on(ElbInstall{fmt::format("old-{}", i)}));
  EXPECT_THAT(looked_at(installs), testing::Each(""));
  EXPECT_EQ(asked("elb", "DescribeLoadBalancers"), 2U);
}

TEST_F(DescriptionsTest, OfOneThatIsMissingSayThatAndKeepTheOthersFromNothing) {
  world.load_balancers().by_name.at("web-1").listeners.pop_back();
  auto said = looked_at(on_all_listeners());
  EXPECT_THAT(said[5], testing::StartsWith("ALB web-1/"));
  EXPECT_THAT(said[5], testing::EndsWith(": there is no such listener in eu-west-1"));
  said[5] = "";
  EXPECT_THAT(said, testing::Each(""));
}

TEST_F(DescriptionsTest, ThatAreDeniedSayItOfEachByItsName) {
  world.permissions().attach_to_identity(
      world.permissions().user(),
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*","iam:*"],"Resource":"*"}]})");
  const auto said =
      looked_at({on(ListenerInstall{Arn::parse(listeners[0])}), on(ListenerInstall{Arn::parse(listeners[1])}),
                 on(ElbInstall{"old-0"}), on(ElbInstall{"old-1"})});
  const std::string denied = "Elastic Load Balancing DescribeListeners on listener ";
  EXPECT_THAT(said[0], testing::StartsWith(denied + listeners[0] + ": AccessDenied"));
  EXPECT_THAT(said[1], testing::StartsWith(denied + listeners[1] + ": AccessDenied"));
  EXPECT_THAT(said[3],
              testing::StartsWith("Elastic Load Balancing DescribeLoadBalancers on load balancer old-1: AccessDenied"));
}

TEST_F(DescriptionsTest, CostOneTargetNoMoreRequestsThanItNeeds) {
  looked_at({on(ListenerInstall{Arn::parse(listeners[0])})});
  looked_at({on(ElbInstall{"old-0"})});
  EXPECT_EQ(asked("elbv2", "DescribeListeners"), 1U);
  EXPECT_EQ(asked("elbv2", "DescribeLoadBalancers"), 1U);
  EXPECT_EQ(asked("elb", "DescribeLoadBalancers"), 1U);
}

}  // namespace
}  // namespace certferry
