#include "deploy/load_balancer_target.h"

#include "tests/unit/deploy/scene.h"

namespace certferry {
namespace {

class LoadBalancerTargetTest : public Scene {
 protected:
  void SetUp() override {
    world.classic().add("old-web", before_arn);
    listener_arn = world.load_balancers().add("web", before_arn).arn;
    settle();
  }
  std::string listener_arn;
  InstallConfig classic(Verify verify = Verify::automatic) { return on(ElbInstall{"old-web"}, verify); }
  InstallConfig listener(Verify verify = Verify::automatic) {
    return on(ListenerInstall{Arn::parse(listener_arn)}, verify);
  }
  std::string& classic_reference() { return world.classic().by_name.at("old-web").listeners.at(443).certificate; }
  std::string& listener_reference() { return world.load_balancers().listener(listener_arn)->listener.certificate; }
  std::optional<Chain> shown_by_classic() {
    const auto shown =
        world.presented(world.classic().by_name.at("old-web").dns_name, 443, "shop.example", simulation.time().now());
    return shown ? std::optional{shown->chain} : std::nullopt;
  }
  struct Bound {
    InstallConfig install;
    std::string operation;
    std::string& reference;
  };
  std::vector<Bound> each_kind() {
    return {{classic(), "SetLoadBalancerListenerSSLCertificate", classic_reference()},
            {listener(), "ModifyListener", listener_reference()}};
  }
  void on_target(const InstallConfig& install, const std::function<Task<>(Target&)>& life) {
    const std::function<Task<>(Deployer&)> whole = [&](Deployer& deployer) -> Task<> {
      co_await life(*co_await deployer.deployment.target(certificate(), install));
    };
    run(whole);
  }
};

TEST_F(LoadBalancerTargetTest, SeesWhatTheSlotRefersToAndWhatAHandshakeShows) {
  for (const InstallConfig& install : {classic(), listener()})
    on_target(install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      EXPECT_EQ(seen.reference, before_arn);
      EXPECT_EQ(seen.body, before.chain);
      EXPECT_EQ(seen.shown, before.chain);
      EXPECT_FALSE(seen.ours);
      EXPECT_FALSE(seen.unreadable);
      EXPECT_EQ(seen.note, "");
    });
}

TEST_F(LoadBalancerTargetTest, IsCalledByKindNameAndPort) {
  on_target(classic(), [&](Target& target) -> Task<> {
    EXPECT_EQ(target.name(), "classic ELB old-web:443");
    co_return;
  });
  on_target(listener(), [&](Target& target) -> Task<> {
    const std::string id = listener_arn.substr(listener_arn.rfind('/') + 1);
    EXPECT_EQ(target.name(), "ALB web/" + id) << "its port is not known before it was looked at";
    co_await target.look();
    EXPECT_EQ(target.name(), "ALB web:443");
  });
}

TEST_F(LoadBalancerTargetTest, BindsAFreshUploadAndProvesItByHandshake) {
  for (const InstallConfig& install : {classic(), listener()})
    on_target(install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const Shelved next = co_await installed(target, seen);  // not yet visible to load balancers when first tried
      EXPECT_EQ(co_await proof_of(target), Proof::handshake);
      const Serving after = co_await target.look();
      EXPECT_EQ(after.reference, next.reference);
      EXPECT_TRUE(after.ours);
      EXPECT_TRUE(after.shows(issued));
      co_await target.bind(next, seen);  // done already
    });
  EXPECT_EQ(shown_by_classic(), issued.chain);
  EXPECT_TRUE(classic_reference().ends_with(name_of_issued()));
  EXPECT_TRUE(listener_reference().ends_with(name_of_issued()));
  EXPECT_FALSE(heard("warning"));
}

TEST_F(LoadBalancerTargetTest, GivesANetworkLoadBalancersListenerItsCertificateToo) {
  const std::string arn = world.load_balancers().add("tcp", before_arn, "network").arn;
  settle();
  on_target(on(ListenerInstall{Arn::parse(arn)}), [&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    EXPECT_EQ(target.name(), "NLB tcp:443");
    EXPECT_EQ(seen.shown, before.chain);
    const Shelved next = co_await installed(target, seen);
    EXPECT_EQ(co_await proof_of(target, seen), Proof::handshake);
    co_await target.restore(seen, next);
    EXPECT_EQ((co_await target.look()).reference, before_arn);
  });
  settle();  // it shows another certificate a while after it was told to
  on_target(on(ListenerInstall{Arn::parse(arn)}),
            [&](Target& target) -> Task<> { EXPECT_EQ((co_await target.look()).shown, before.chain); });
}

TEST_F(LoadBalancerTargetTest, LeavesAloneWhatSomebodyElseChangedMeanwhile) {
  const std::string theirs = world.server_certificates().put("/", "theirs", before);
  on_target(listener(), [&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    listener_reference() = theirs;
    const Work install = [&]() -> Task<> { co_await installed(target, seen); };
    EXPECT_EQ((co_await failure_of(install)).value().kind(), Failure::Kind::conflict);
  });
  EXPECT_EQ(listener_reference(), theirs);
}

// What describes a listener is behind what changes it.
TEST_F(LoadBalancerTargetTest, WaitsUntilADescriptionTellsOfWhatItBound) {
  world.settings().described_after = seconds(3);
  for (const Bound& bound : each_kind())
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const Shelved next = co_await installed(target, seen);
      EXPECT_EQ(co_await proof_of(target, seen), Proof::handshake);
      EXPECT_EQ((co_await target.look()).reference, next.reference);
      EXPECT_EQ(bound.reference, next.reference);
    });
}

TEST_F(LoadBalancerTargetTest, RestoresWhatADescriptionDoesNotTellOfYet) {
  world.settings().certificate_visible_after = Duration::zero();
  world.settings().described_after = seconds(3);
  for (const Bound& bound : each_kind())
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const Shelved next = co_await target.shelf().put(issued, fresh.key, {});
      const Work bind = [&]() -> Task<> { co_await target.bind(next, seen); };
      const Work soon = [&]() -> Task<> { co_await simulation.time().sleep(seconds(2)); };
      EXPECT_EQ(co_await race(bind, soon), 1U) << "it is cancelled while it reads back";
      EXPECT_EQ(bound.reference, next.reference);
      EXPECT_TRUE(co_await target.restore(seen, next));
      EXPECT_EQ(bound.reference, before_arn);
    });
}

TEST_F(LoadBalancerTargetTest, LeavesAloneWhatIsToldOfInPlaceOfWhatItBound) {
  world.settings().certificate_visible_after = Duration::zero();
  world.settings().described_after = seconds(3);
  const std::string theirs = world.server_certificates().put("/", "theirs", before);
  for (const Bound& bound : each_kind()) {
    world.on_event([&, operation = bound.operation](const sandbox::Event& event) {
      if (event.operation == operation) bound.reference = theirs;
    });
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const SteadyTime begun = simulation.time().steady();
      const Work install = [&]() -> Task<> { co_await installed(target, seen); };
      const Failure failure = (co_await failure_of(install)).value();
      EXPECT_EQ(failure.kind(), Failure::Kind::conflict) << failure.what();
      EXPECT_TRUE(std::string_view{failure.what()}.contains("it refers to " + theirs)) << failure.what();
      EXPECT_LT(simulation.time().steady() - begun, seconds(15));
    });
    EXPECT_EQ(bound.reference, theirs);
  }
}

TEST_F(LoadBalancerTargetTest, SaysThatItWasUndoneWhereADescriptionTellsOfTheFormerForAMinute) {
  world.settings().certificate_visible_after = Duration::zero();
  for (const Bound& bound : each_kind()) {
    world.on_event([&, operation = bound.operation](const sandbox::Event& event) {
      if (event.operation == operation) bound.reference = before_arn;
    });
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const SteadyTime begun = simulation.time().steady();
      const Work install = [&]() -> Task<> { co_await installed(target, seen); };
      EXPECT_EQ((co_await failure_of(install)).value().kind(), Failure::Kind::conflict);
      EXPECT_GE(simulation.time().steady() - begun, minutes(1));
      EXPECT_LT(simulation.time().steady() - begun, seconds(75));
    });
  }
}

TEST_F(LoadBalancerTargetTest, LooksWhetherABindWhoseReplyWasLostWasDone) {
  world.settings().certificate_visible_after = Duration::zero();
  for (const Bound& bound : each_kind()) {
    lose("Action=" + bound.operation, &sandbox::Faults::reply_lost);
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Shelved next = co_await installed(target, co_await target.look());
      EXPECT_EQ(bound.reference, next.reference);
    });
  }
  EXPECT_EQ(lost, 2) << "each is sent once";
}

TEST_F(LoadBalancerTargetTest, LeavesAloneWhatWasBoundAfterABindWhoseReplyWasLost) {
  world.settings().certificate_visible_after = Duration::zero();
  const std::string theirs = world.server_certificates().put("/", "theirs", before);
  for (const Bound& bound : each_kind()) {
    lose("Action=" + bound.operation, &sandbox::Faults::reply_lost);
    world.on_event([&, operation = bound.operation](const sandbox::Event& event) {
      if (event.operation == operation) bound.reference = theirs;
    });
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const Work install = [&]() -> Task<> { co_await installed(target, seen); };
      const Failure failure = (co_await failure_of(install)).value();
      EXPECT_EQ(failure.kind(), Failure::Kind::conflict) << failure.what();
    });
    EXPECT_EQ(bound.reference, theirs);
  }
  EXPECT_EQ(lost, 2) << "each is sent once";
}

TEST_F(LoadBalancerTargetTest, BindsThreeTimesAtMostWhereNothingWasHeardNorDone) {
  world.settings().certificate_visible_after = Duration::zero();
  for (const Bound& bound : each_kind()) {
    lost = 0;
    lose("Action=" + bound.operation, &sandbox::Faults::request_lost);
    on_target(bound.install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const Work install = [&]() -> Task<> { co_await installed(target, seen); };
      const Failure failure = (co_await failure_of(install)).value();
      EXPECT_EQ(failure.kind(), Failure::Kind::outcome_unknown) << failure.what();
    });
    EXPECT_EQ(lost, 3);
    EXPECT_EQ(bound.reference, before_arn);
  }
}

TEST_F(LoadBalancerTargetTest, RestoresOnlyWhereItStillRefersToWhatWeBound) {
  const std::string theirs = world.server_certificates().put("/", "theirs", before);
  on_target(classic(), [&](Target& target) -> Task<> {
    const Serving former = co_await target.look();
    const Shelved bound = co_await installed(target, former);
    classic_reference() = theirs;
    EXPECT_FALSE(co_await target.restore(former, bound));
    EXPECT_EQ(classic_reference(), theirs);
    classic_reference() = bound.reference;
    EXPECT_TRUE(co_await target.restore(former, bound));
    EXPECT_EQ(classic_reference(), before_arn);
    EXPECT_FALSE(co_await target.restore(former, bound));
    EXPECT_EQ(classic_reference(), before_arn);
  });
}

TEST_F(LoadBalancerTargetTest, BelievesTheApiWithAWarningWhereNoHandshakeTells) {
  simulation.faults().dns_unanswered = 100;
  on_target(classic(), [&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    EXPECT_EQ(seen.body, before.chain);
    EXPECT_FALSE(seen.shown);
    EXPECT_FALSE(seen.unreadable);
    EXPECT_NE(seen.note, "");
    co_await installed(target, seen);
    EXPECT_EQ(co_await proof_of(target), Proof::api);
  });
  EXPECT_TRUE(heard("verified by the word of the API alone"));
  EXPECT_TRUE(heard("verify = \"api\""));
}

TEST_F(LoadBalancerTargetTest, AsksForNoHandshakeWhereToldTo) {
  simulation.faults().dns_unanswered = 100;
  on_target(classic(Verify::api), [&](Target& target) -> Task<> {
    const SteadyTime begun = simulation.time().steady();
    const Serving seen = co_await target.look();
    EXPECT_LT(simulation.time().steady() - begun, seconds(3));
    co_await installed(target, seen);
    co_await proof_of(target);
  });
  EXPECT_FALSE(heard("warning"));
}

TEST_F(LoadBalancerTargetTest, CountsWhatCannotBeReadAsUnreadable) {
  listener_reference() = "arn:aws:acm:eu-west-1:123456789012:certificate/1234";
  on_target(listener(Verify::api), [&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    EXPECT_TRUE(seen.unreadable);
    EXPECT_FALSE(seen.ours);
    EXPECT_EQ(seen.note, "certificates are read in IAM alone");
  });
}

TEST_F(LoadBalancerTargetTest, SaysWhyWhatItServesWasNotRead) {
  const auto noted = [&](const std::string& reference) {
    std::string note;
    listener_reference() = reference;
    on_target(listener(Verify::api), [&](Target& target) -> Task<> { note = (co_await target.look()).note; });
    return note;
  };
  EXPECT_EQ(noted("arn:aws:iam::210987654321:server-certificate/theirs"),
            "it is of account 210987654321, and we read in 123456789012");
  EXPECT_EQ(noted("arn:aws:iam::123456789012:server-certificate/gone"), "IAM has none of that name");
}

TEST_F(LoadBalancerTargetTest, FailsWhereTheNewCertificateNeverShows) {
  world.settings().shown_after = hours(1);
  on_target(classic(), [&](Target& target) -> Task<> {
    co_await installed(target, co_await target.look());
    const Work verify = [&]() -> Task<> { co_await proof_of(target); };
    const auto failure = co_await failure_of(verify);
    EXPECT_EQ(failure.value().kind(), Failure::Kind::transient);
    EXPECT_NE(std::string{failure->what()}.find(before.chain.leaf.serial().text()), std::string::npos);
  });
}

TEST_F(LoadBalancerTargetTest, WaitsForACertificateThatBecomesVisibleJustBeforeFiveMinutesAreOver) {
  world.settings().certificate_visible_after = minutes(4) + seconds(50);
  for (const InstallConfig& install : {classic(), listener()}) {
    world.server_certificates().by_name.erase(name_of_issued());
    on_target(install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const SteadyTime begun = simulation.time().steady();
      const Shelved next = co_await installed(target, seen);
      const Duration took = simulation.time().steady() - begun;
      EXPECT_GE(took, minutes(4) + seconds(50));
      EXPECT_LT(took, minutes(5) + seconds(5));
      EXPECT_EQ((co_await target.look()).reference, next.reference);
    });
  }
}

TEST_F(LoadBalancerTargetTest, GivesUpOnACertificateThatIsNotVisibleWithinFiveMinutes) {
  world.settings().certificate_visible_after = hours(1);
  for (const InstallConfig& install : {classic(), listener()}) {
    world.server_certificates().by_name.erase(name_of_issued());
    on_target(install, [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      const SteadyTime begun = simulation.time().steady();
      const Work putting = [&]() -> Task<> { co_await installed(target, seen); };
      const Failure failure = (co_await failure_of(putting)).value();
      EXPECT_EQ(failure.kind(), Failure::Kind::transient);
      EXPECT_NE(std::string_view{failure.what()}.find(target.name() +
                                                      ": load balancers did not find the certificate within 5 min: "),
                std::string_view::npos)
          << failure.what();
      EXPECT_NE(std::string_view{failure.what()}.find("CertificateNotFound"), std::string_view::npos);
      EXPECT_EQ(failure.next(), "Run `certferry apply` again; until then the listener serves what it served");
      const Duration took = simulation.time().steady() - begun;
      EXPECT_GE(took, minutes(5));
      EXPECT_LT(took, minutes(5) + seconds(5));
      EXPECT_EQ((co_await target.look()).reference, before_arn);
    });
  }
  EXPECT_EQ(classic_reference(), before_arn);
  EXPECT_EQ(listener_reference(), before_arn);
}

TEST_F(LoadBalancerTargetTest, KilledAnywhereAndRunAgainServesOneUpload) {
  const InstallConfig where = classic();
  const sandbox::Life life = [&](Outside& outside, Store&) -> Task<> {
    Deployer deployer{outside};
    Target& target = *co_await deployer.deployment.target(certificate(), where);
    co_await installed(target, co_await target.look());
    co_await proof_of(target);
  };
  for (long effect = 0; effect < 4; ++effect)
    for (const auto moment : {sandbox::Moment::before, sandbox::Moment::after_effect_before_reply}) {
      classic_reference() = before_arn;
      world.server_certificates().by_name.erase(name_of_issued());
      settle();
      simulation.kill_at({simulation.effects() + effect, moment});
      EXPECT_EQ(simulation.run_with_restarts(life).how, sandbox::Ending::How::finished);
      EXPECT_EQ(shown_by_classic(), issued.chain);
      EXPECT_EQ(world.server_certificates().by_name.size(), 2U);
    }
}

// What it covered, nobody knows.
TEST_F(LoadBalancerTargetTest, TakesWhatIamHasNoLongerForDamagedWhereItIsOursAlone) {
  for (const bool ours : {false, true}) {
    listener_reference() =
        std::string{"arn:aws:iam::123456789012:server-certificate/"} + (ours ? "certferry/" : "") + "gone";
    on_target(listener(Verify::api), [&](Target& target) -> Task<> {
      const Serving seen = co_await target.look();
      EXPECT_TRUE(seen.unreadable) << seen.note;
      EXPECT_EQ(seen.ours, ours);
      EXPECT_EQ(seen.damaged, ours);
    });
  }
}

TEST_F(LoadBalancerTargetTest, RefusesASlotThatDoesNotExistOrSpeaksNoTls) {
  world.classic().by_name.at("old-web").listeners.at(443).protocol = "HTTP";
  world.load_balancers().listener(listener_arn)->listener.protocol = "HTTP";
  const InstallConfig nowhere = on(ElbInstall{"no-such"}), no_port = on(ElbInstall{"old-web", 8443});
  std::string other = listener_arn;
  other.back() = other.back() == '0' ? '1' : '0';
  const InstallConfig no_listener = on(ListenerInstall{Arn::parse(other)});
  for (const InstallConfig& install : {classic(), listener(), nowhere, no_port, no_listener})
    on_target(install, [&](Target& target) -> Task<> {
      const Work look = [&]() -> Task<> { co_await target.look(); };
      const auto failure = co_await failure_of(look);
      EXPECT_EQ(failure.value().kind(), Failure::Kind::refused) << target.name();
    });
}

}  // namespace
}  // namespace certferry
