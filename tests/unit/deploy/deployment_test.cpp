#include "deploy/deployment.h"

#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"
#include "tests/unit/deploy/scene.h"

namespace certferry {
namespace {

using DeploymentTest = Scene;

TEST_F(DeploymentTest, GivesEachTargetAndShelfOnceAndAsksForTheAccountOnce) {
  world.classic().add("old-web", before_arn);
  const std::string arn = world.load_balancers().add("web", before_arn).arn;
  const InstallConfig classic = on(ElbInstall{"old-web"}), listener = on(ListenerInstall{Arn::parse(arn)});
  run([&](Deployer& deployer) -> Task<> {
    const CertificateConfig config = certificate();
    Target *one = nullptr, *other = nullptr;
    std::vector<Work> both{[&]() -> Task<> { one = co_await deployer.deployment.target(config, classic); },
                           [&]() -> Task<> { other = co_await deployer.deployment.target(config, listener); }};
    co_await all_settled(both);
    EXPECT_EQ(one->id(), "elb/aws/123456789012/eu-west-1/old-web:443");
    EXPECT_EQ(other->id(), "listener/" + arn);
    EXPECT_EQ(&one->shelf(), &other->shelf());
    EXPECT_EQ(one->shelf().id(), "iam/aws/123456789012/certferry");
    EXPECT_EQ(co_await deployer.deployment.target(config, classic), one);
    EXPECT_EQ(co_await deployer.deployment.shelf("iam/aws/123456789012/certferry"), &one->shelf());
    const Work of_others = [&]() -> Task<> { co_await deployer.deployment.shelf("iam/aws/999999999999/certferry"); };
    const auto refused = co_await failure_of(of_others);
    EXPECT_TRUE(refused && refused->kind() == Failure::Kind::refused);
    if (refused)
      EXPECT_STREQ(refused->what(),
                   "shelf iam/aws/999999999999/certferry: our credentials are of account 123456789012");
    EXPECT_EQ(co_await deployer.deployment.shelf("files/host/another/etc/ssl"), nullptr);
  });
  EXPECT_EQ(world.count("sts", "GetCallerIdentity"), 1U);
}

TEST_F(DeploymentTest, ReachesATargetOfAnotherAccountByItsRole) {
  world.classic().add("old-web", before_arn);
  world.sts().add_role("arn:aws:iam::210987654321:role/web");
  const InstallConfig ours = on(ElbInstall{"old-web"});
  InstallConfig theirs = ours;
  theirs.role = RoleConfig{.arn = "arn:aws:iam::210987654321:role/web"};
  run([&](Deployer& deployer) -> Task<> {
    Target* here = co_await deployer.deployment.target(certificate(), ours);
    Target* there = co_await deployer.deployment.target(certificate(), theirs);
    EXPECT_EQ(here->id(), "elb/aws/123456789012/eu-west-1/old-web:443");
    EXPECT_EQ(there->id(), "elb/aws/210987654321/eu-west-1/old-web:443");
    EXPECT_EQ(there->shelf().id(), "iam/aws/210987654321/certferry");
    EXPECT_EQ(co_await deployer.deployment.shelf("iam/aws/210987654321/certferry"), &there->shelf());
    Target* by_id = co_await deployer.deployment.target("elb/aws/210987654321/eu-west-1/other:443");
    EXPECT_EQ(&by_id->shelf(), &there->shelf());
    EXPECT_TRUE(co_await deployer.deployment.referenced(before_arn, "iam/aws/210987654321/certferry"));
    const Work of_nobody = [&]() -> Task<> { co_await deployer.deployment.shelf("iam/aws/999999999999/certferry"); };
    const auto refused = co_await failure_of(of_nobody);
    EXPECT_TRUE(refused && std::string{refused->what()}.ends_with("of accounts 123456789012, 210987654321"));
  });
  EXPECT_EQ(world.count("sts", "AssumeRole"), 1U);
}

TEST_F(DeploymentTest, LeavesAnAccountToTheRoleThatInstallsThere) {
  world.classic().add("old-web", before_arn);
  const std::string role = "arn:aws:iam::123456789012:role/web", shelf = "iam/aws/123456789012/certferry";
  world.sts().add_role(role);
  world.permissions().attach_to_identity(
      world.permissions().user(),
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]})");
  InstallConfig install = on(ElbInstall{"old-web"});
  install.role = RoleConfig{.arn = role};
  CertificateConfig config = certificate();
  config.install = {install};
  run([&](Deployer& deployer) -> Task<> {
    Target* target = co_await deployer.deployment.target(config, install);
    EXPECT_TRUE(co_await deployer.deployment.referenced(before_arn, shelf));
    EXPECT_EQ(co_await deployer.deployment.shelf(shelf), &target->shelf());
    Target* by_id = co_await deployer.deployment.target(std::string{"elb/aws/123456789012/eu-west-1/old-web:443"});
    EXPECT_EQ((co_await by_id->look()).reference, before_arn);
  });
}

TEST_F(DeploymentTest, FindsATargetByTheIdThatARecordKnows) {
  world.classic().add("old-web", before_arn, 8443);
  const std::string arn = world.load_balancers().add("web", before_arn).arn;
  run([&](Deployer& deployer) -> Task<> {
    for (const InstallConfig& install : {on(ElbInstall{"old-web", 8443}), on(ListenerInstall{Arn::parse(arn)}),
                                         on(FilesInstall{"/etc/ssl/w%w w", {"reload"}, ""})}) {
      Target* configured = co_await deployer.deployment.target(certificate(), install);
      Target* known = co_await deployer.deployment.target(std::string{configured->id()});
      if (!known) {
        ADD_FAILURE() << configured->id();
        continue;
      }
      EXPECT_EQ(known->id(), configured->id());
      EXPECT_EQ(known->name(), configured->name());
      EXPECT_FALSE(deployer.deployment.elsewhere(std::string{known->id()}));
      const auto seen = co_await known->look_if_there();
      EXPECT_TRUE(seen && seen->reference == (co_await configured->look()).reference);
    }
  });
}

TEST_F(DeploymentTest, KnowsNoTargetByAnIdThatItDoesNotMake) {
  run([&](Deployer& deployer) -> Task<> {
    for (const char* id : {"", "elb/web:443", "elb/aws/123456789012/eu-west-1/web",
                           "elb/aws/123456789012/eu-west-1/web:0443", "elb/aws/123456789012/eu-west-1/web:0",
                           "elb/aws/123456789012/eu-west-1/web:66000", "elb/aws/123456789012/eu-west-1/:443",
                           "elb/aws//eu-west-1/web:443", "elb/aws/123456789012/eu-west-1/a/web:443", "listener/web",
                           "listener/arn:aws:iam::123456789012:server-certificate/x", "cloudfront/E123"})
      EXPECT_EQ(co_await deployer.deployment.target(std::string{id}), nullptr) << id;
    const Work of_others = [&]() -> Task<> {
      co_await deployer.deployment.target(std::string{"elb/aws/999999999999/eu-west-1/web:443"});
    };
    EXPECT_TRUE(co_await failure_of(of_others)) << "another account's load balancer may have the same name";
    EXPECT_TRUE(deployer.deployment.elsewhere("files/host/another/etc/ssl"));
    EXPECT_FALSE(deployer.deployment.elsewhere("cloudfront/E123"));
  });
}

TEST_F(DeploymentTest, TellsThatWhatServedIsThereNoLonger) {
  const std::string arn = world.load_balancers().add("web", before_arn).arn;
  world.load_balancers().by_name.erase("web");
  run([&](Deployer& deployer) -> Task<> {
    for (const std::string& id : {"listener/" + arn, std::string{"elb/aws/123456789012/eu-west-1/gone:443"}}) {
      Target* target = co_await deployer.deployment.target(id);
      EXPECT_FALSE(co_await target->look_if_there()) << id;
      EXPECT_TRUE(co_await failure_of([&]() -> Task<> { co_await target->look(); })) << id;
    }
  });
}

TEST_F(DeploymentTest, AsksNothingOfAwsForFilesAlone) {
  run([&](Deployer& deployer) -> Task<> {
    Target* target = co_await deployer.deployment.target(certificate(), on(FilesInstall{"/etc/ssl/www", {}, ""}));
    EXPECT_EQ(target->id(), "files/host/simulated/etc/ssl/www");
    EXPECT_EQ(co_await deployer.deployment.shelf(std::string{target->id()}), &target->shelf());
  });
  EXPECT_TRUE(world.events().empty());
}

TEST_F(DeploymentTest, KnowsADirectoryByAnIdOfItsOwnWhereTheMachinesDoesNotLast) {
  sandbox::Machine& machine = simulation.machine();
  machine.id_lasts = false;
  const auto id = [&](bool identifies) {
    std::string id;
    run([&](Deployer& deployer) -> Task<> {
      if (identifies) deployer.deployment.identify_directories();
      Target* target = co_await deployer.deployment.target(certificate(), on(FilesInstall{"/srv/www", {}, ""}));
      id = target->id();
      EXPECT_EQ(target->shelf().id(), id);
      EXPECT_FALSE(deployer.deployment.elsewhere(id));
      EXPECT_TRUE(deployer.deployment.elsewhere("files/host/simulated/srv/www"));
      EXPECT_EQ(shelf_name(deployer.outside.host, id), "files /srv/www");
    });
    return id;
  };
  EXPECT_EQ(id(false), "files/host/unmarked/srv/www");
  EXPECT_EQ(machine.find("/srv"), nullptr) << "a look makes nothing";
  const std::string given = id(true);
  EXPECT_TRUE(given.starts_with("files/host/") && given.ends_with("/srv/www") && !given.contains("unmarked")) << given;
  machine.id = "host/another";
  EXPECT_EQ(id(true), given);
  EXPECT_EQ(id(false), given);
}

TEST_F(DeploymentTest, RefusesADirectoryWhoseIdIsSomethingElse) {
  simulation.machine().id_lasts = false;
  simulation.machine().write("/srv/www/.certferry-id", "", 0644);
  run([&](Deployer& deployer) -> Task<> {
    deployer.deployment.identify_directories();
    const auto refused = co_await failure_of(
        [&]() -> Task<> { co_await deployer.deployment.target(certificate(), on(FilesInstall{"/srv/www", {}, ""})); });
    EXPECT_EQ(std::string{refused.value().what()}, "files /srv/www: /srv/www/.certferry-id holds no id");
    EXPECT_EQ(std::string{refused.value().next()}, "Remove /srv/www/.certferry-id, and run certferry again");
  });
}

TEST_F(DeploymentTest, FindsEveryListenerThatRefersToACertificate) {
  const std::string shelf = "iam/aws/123456789012/certferry";
  const std::string sni = world.server_certificates().put("/certferry/", "in-a-list", before);
  const std::string unused = world.server_certificates().put("/certferry/", "unused", before);
  const std::string of_classic = world.server_certificates().put("/certferry/", "classic", before);
  world.classic().add("old-web", of_classic, 8443);
  world.load_balancers().add("web", before_arn).sni.push_back(sni);
  run([&](Deployer& deployer) -> Task<> {
    EXPECT_TRUE(co_await deployer.deployment.referenced(before_arn, shelf));
    EXPECT_TRUE(co_await deployer.deployment.referenced(sni, shelf));
    EXPECT_TRUE(co_await deployer.deployment.referenced(of_classic, shelf));
    EXPECT_FALSE(co_await deployer.deployment.referenced(unused, shelf));
  });
}

// As Kubernetes has them, where each node is registered with each Classic Load Balancer.
TEST_F(DeploymentTest, ReadsWhatManyClassicLoadBalancersOfManyInstancesReferTo) {
  constexpr std::size_t balancers = 400, instances_of_each = 500;
  for (std::size_t i = 0; i < balancers; ++i)
    world.classic().add(fmt::format("web-{}", i), i + 1 == balancers ? before_arn : "").instances = instances_of_each;
  run([&](Deployer& deployer) -> Task<> {
    EXPECT_TRUE(co_await deployer.deployment.referenced(before_arn, "iam/aws/123456789012/certferry"));
  });
}

TEST_F(DeploymentTest, ReadsWhatListenersReferToOnceForAllThatIsAskedUntilThatIsForgotten) {
  const std::string shelf = "iam/aws/123456789012/certferry";
  const std::string other = world.server_certificates().put("/certferry/", "other", before);
  auto& listener = world.load_balancers().add("web", before_arn).listener;
  run([&](Deployer& deployer) -> Task<> {
    const SteadyTime began = deployer.outside.clock.steady();
    EXPECT_TRUE(co_await deployer.deployment.referenced(before_arn, shelf));
    listener.certificate = other;
    EXPECT_FALSE(co_await deployer.deployment.referenced(other, shelf));
    deployer.deployment.forget_references(began - milliseconds(1));
    EXPECT_FALSE(co_await deployer.deployment.referenced(other, shelf)) << "it was read later than that";
    EXPECT_EQ(world.count("elb") + world.count("elbv2"), 4U);
    deployer.deployment.forget_references(deployer.outside.clock.steady());
    EXPECT_TRUE(co_await deployer.deployment.referenced(other, shelf));
    EXPECT_FALSE(co_await deployer.deployment.referenced(before_arn, shelf));
    EXPECT_EQ(world.count("elb") + world.count("elbv2"), 8U);
  });
}

TEST_F(DeploymentTest, ALookAtListenersThatFailedHasFailedForAllUntilThatIsForgotten) {
  const std::string shelf = "iam/aws/123456789012/certferry";
  auto& load_balancer = world.load_balancers().add("web", before_arn);
  const std::string arn = std::exchange(load_balancer.arn, "arn:aws:broken");
  run([&](Deployer& deployer) -> Task<> {
    const Work look = [&]() -> Task<> { co_await deployer.deployment.referenced(before_arn, shelf); };
    const auto failed = co_await failure_of(look);
    EXPECT_TRUE(failed);
    const std::size_t asked = world.events().size();
    load_balancer.arn = arn;
    const auto again = co_await failure_of(look);
    EXPECT_TRUE(failed && again && std::string{failed->what()} == again->what());
    EXPECT_EQ(world.events().size(), asked);
    deployer.deployment.forget_references(SteadyTime{});
    EXPECT_TRUE(co_await deployer.deployment.referenced(before_arn, shelf));
  });
}

// The simulated AWS has one region: that it refuses to answer for another one shows that it was asked.
TEST_F(DeploymentTest, LooksForListenersWhereACertificateWasPutToUseConfiguredOrNot) {
  const std::string shelf = "iam/aws/123456789012/certferry";
  const std::string unused = world.server_certificates().put("/certferry/", "unused", before);
  run([&](Deployer& deployer) -> Task<> {
    EXPECT_FALSE(co_await deployer.deployment.referenced(unused, shelf, {"eu-west-1"}));
    const Work elsewhere = [&]() -> Task<> {
      co_await deployer.deployment.referenced(unused, shelf, {"eu-west-1", "us-west-2"});
    };
    EXPECT_TRUE(co_await failure_of(elsewhere)) << "an answer of one region is no answer of the other";
  });
}

}  // namespace
}  // namespace certferry
