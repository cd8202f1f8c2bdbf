#include <fmt/format.h>

#include "deploy/files_shelf.h"
#include "deploy/files_target.h"
#include "tests/unit/deploy/scene.h"

namespace certferry {
namespace {

class FilesTest : public Scene {
 protected:
  sandbox::Machine& machine = simulation.machine();
  FilesInstall where{"/etc/ssl/www", {"systemctl", "reload", "nginx"}, ""};
  FilesTest() { machine.write("/usr/bin/systemctl", "", 0755); }
  Issued second{world.foreign({shop}, world.now(), world.now() + days(90)).chain, "", 2};

  std::string place() const { return "/etc/ssl/www/generations/" + name_of_issued(); }
  std::string file(const std::string& path) {
    const auto* node = machine.find(path);
    return node ? node->content : "";
  }
  void on_target(const std::function<Task<>(Target&)>& life) {
    const std::function<Task<>(Deployer&)> whole = [&](Deployer& deployer) -> Task<> {
      co_await life(*co_await deployer.deployment.target(certificate(), on(where)));
    };
    run(whole);
  }
};

TEST_F(FilesTest, WritesADirectoryForEachCertificateAndSwitchesTheLink) {
  on_target([&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    EXPECT_TRUE(seen.empty());
    const Shelved next = co_await installed(target, seen);
    EXPECT_EQ(co_await proof_of(target), Proof::files);
    EXPECT_EQ(next.reference, place());
    const Serving after = co_await target.look();
    EXPECT_TRUE(after.ours);
    EXPECT_TRUE(after.shows(issued));
  });
  EXPECT_EQ(file("/etc/ssl/www/live/fullchain.pem"), issued.chain.pem());
  EXPECT_EQ(file(place() + "/cert.pem"), issued.chain.leaf_pem());
  EXPECT_EQ(file(place() + "/chain.pem"), issued.chain.intermediates_pem());
  EXPECT_EQ(machine.find(place() + "/privkey.pem")->mode, 0600U);
  EXPECT_EQ(machine.find("/etc/ssl/www/live", false)->content, "generations/" + name_of_issued());
  ASSERT_EQ(machine.commands.size(), 1U);
  EXPECT_EQ(machine.commands[0].argv, where.reload);
}

TEST_F(FilesTest, RefusesBeforehandWhatCouldNotBeWrittenTo) {
  const auto refused = [&] {
    std::optional<Failure> why;
    on_target([&](Target& target) -> Task<> {
      const Work place = [&]() -> Task<> { co_await target.require_place(); };
      why = co_await failure_of(place);
      co_await target.look();  // as it can be all the same
    });
    return why ? std::string{why->what()} : "";
  };
  EXPECT_EQ(refused(), "") << "its parents would be made";
  machine.erase("/usr/bin/systemctl");
  EXPECT_EQ(refused(), "files /etc/ssl/www: its reload command is no program that can be run: systemctl");
  machine.write("/usr/bin/systemctl", "", 0755);
  machine.write("/etc/ssl/www", "a file", 0644);
  EXPECT_EQ(refused(), "/etc/ssl/www: is no directory");
  machine.erase("/etc/ssl");
  machine.write("/etc/ssl", "a file", 0644);
  EXPECT_EQ(refused(), "/etc/ssl: is no directory");
  machine.erase("/etc/ssl");
  machine.make_directory("/etc/ssl", 0555);
  EXPECT_EQ(refused(), "/etc/ssl: may not be written to");
  machine.make_directory("/etc/ssl/www");
  EXPECT_EQ(refused(), "");
  machine.write("/etc/ssl/www/generations", "a file", 0644);
  EXPECT_EQ(refused(), "/etc/ssl/www/generations: is no directory");
  machine.erase("/etc/ssl/www/generations");
  machine.write("/etc/ssl/www/live/fullchain.pem", "somebody's", 0644);
  EXPECT_EQ(refused(), "files /etc/ssl/www: /etc/ssl/www/live is a directory, which no link can take the place of");
  EXPECT_EQ(file("/etc/ssl/www/live/fullchain.pem"), "somebody's");
}

TEST_F(FilesTest, SaysHowLongAReloadHadThatDidNotEnd) {
  where.reload_timeout = minutes(2);
  machine.takes = [](const Command&) { return seconds(121); };
  on_target([&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    const Work install = [&]() -> Task<> { co_await installed(target, seen); };
    const auto failure = co_await failure_of(install);
    EXPECT_EQ(std::string{failure.value().what()},
              "files /etc/ssl/www: `systemctl reload nginx` did not end within 2 min, and was stopped");
    EXPECT_EQ(std::string{failure.value().next()},
              "Make `systemctl reload nginx` succeed within 2 min, or write a longer `reload_timeout` beside `reload`, "
              "and run `certferry apply --retry`");
    EXPECT_EQ(target.restore_deadline(), minutes(6));
  });
  machine.takes = [](const Command&) { return seconds(119); };
  on_target([&](Target& target) -> Task<> { co_await installed(target, co_await target.look()); });
}

TEST_F(FilesTest, ReloadsAgainWhatIsBoundAlready) {
  on_target([&](Target& target) -> Task<> {
    const Shelved next = co_await installed(target, co_await target.look());
    co_await target.bind(next, co_await target.look());
  });
  EXPECT_EQ(machine.commands.size(), 2U);
}

TEST_F(FilesTest, QuotesWhatAFailedReloadSaidAndGoesBack) {
  on_target([&](Target& target) -> Task<> {
    co_await installed(target, co_await target.look());
    const Serving former = co_await target.look();
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    const Shelved next = co_await target.shelf().put(second, key, {});
    machine.on_run = [](const Command&) { return Exit{.status = 1, .output = "unknown\ndirective\x1b\n"}; };
    const Work bind = [&]() -> Task<> { co_await target.bind(next, former); };
    const auto failure = co_await failure_of(bind);
    EXPECT_EQ(failure.value().kind(), Failure::Kind::refused);
    EXPECT_STREQ(failure->what(),
                 R"(files /etc/ssl/www: `systemctl reload nginx` ended with 1: unknown\ndirective\x1b)");
    machine.on_run = [](const Command&) { return Exit{}; };
    EXPECT_TRUE(co_await target.restore(former, next));
    co_await proof_of(target);
  });
  EXPECT_EQ(file("/etc/ssl/www/live/fullchain.pem"), issued.chain.pem());
}

TEST_F(FilesTest, SaysThatTheLinkIsBackWhereTheReloadFailsOnceMore) {
  on_target([&](Target& target) -> Task<> {
    co_await installed(target, co_await target.look());
    const Serving former = co_await target.look();
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    const Shelved next = co_await target.shelf().put(second, key, {});
    machine.on_run = [](const Command&) { return Exit{.status = 1, .output = " \n"}; };
    const Work bind = [&]() -> Task<> { co_await target.bind(next, former); };
    EXPECT_TRUE(co_await failure_of(bind));
    EXPECT_TRUE(co_await target.restore(former, next));
    EXPECT_FALSE(co_await target.restore(former, next)) << "it is back already";
  });
  EXPECT_EQ(file("/etc/ssl/www/live/fullchain.pem"), issued.chain.pem());
  EXPECT_TRUE(heard("`systemctl reload nginx` ended with 1; live leads to " + place() + " again"));
}

// Retired since, or moved away by whoever had put it there.
TEST_F(FilesTest, LeavesTheLinkWhereWhatItLedToBeforeIsGone) {
  on_target([&](Target& target) -> Task<> {
    co_await installed(target, co_await target.look());
    const Serving former = co_await target.look();
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    const Shelved next = co_await target.shelf().put(second, key, {});
    co_await target.bind(next, former);
    machine.erase(place() + "/privkey.pem");
    EXPECT_FALSE(co_await target.restore(former, next)) << "half of it";
    machine.erase(place());
    EXPECT_FALSE(co_await target.restore(former, next));
    EXPECT_FALSE(co_await target.restore(Serving{.reference = "/srv/gone"}, next));
  });
  EXPECT_EQ(file("/etc/ssl/www/live/fullchain.pem"), second.chain.pem());
}

TEST_F(FilesTest, LeavesALinkAloneThatSomebodyElseMoved) {
  machine.write("/srv/theirs/fullchain.pem", before.chain.pem());
  on_target([&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    machine.nodes["/etc/ssl/www/live"] = {sandbox::Machine::Kind::link, "/srv/theirs", 0777, true};
    const Work install = [&]() -> Task<> { co_await installed(target, seen); };
    EXPECT_EQ((co_await failure_of(install)).value().kind(), Failure::Kind::conflict);
    const Serving theirs = co_await target.look();
    EXPECT_EQ(theirs.reference, "/srv/theirs");
    EXPECT_EQ(theirs.body, before.chain);
    EXPECT_FALSE(theirs.ours);
  });
  EXPECT_EQ(file("/etc/ssl/www/live/fullchain.pem"), before.chain.pem());
  EXPECT_TRUE(machine.commands.empty());
}

TEST_F(FilesTest, SeesAKeyThatDoesNotBelongToItsCertificate) {
  on_target([&](Target& target) -> Task<> {
    co_await installed(target, co_await target.look());
    machine.write(place() + "/privkey.pem", Bytes{before.key.pem().reveal()}, 0600);
    const Work verify = [&]() -> Task<> { co_await proof_of(target); };
    EXPECT_EQ((co_await failure_of(verify)).value().kind(), Failure::Kind::refused);
  });
}

TEST_F(FilesTest, CallsDamagedFilesUnreadable) {
  machine.write("/etc/ssl/www/live/fullchain.pem", "no certificate");
  on_target([&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    EXPECT_TRUE(seen.unreadable);
    EXPECT_FALSE(seen.ours);
  });
}

TEST_F(FilesTest, ProvesByHandshakeWhereToldWhereToConnect) {
  settle();
  where.connect = world.classic().add("web", before_arn).dns_name;
  on_target([&](Target& target) -> Task<> {
    const Serving seen = co_await target.look();
    EXPECT_EQ(seen.shown, before.chain);
    co_await installed(target, seen);
    const Work verify = [&]() -> Task<> { co_await proof_of(target); };
    EXPECT_EQ((co_await failure_of(verify)).value().kind(), Failure::Kind::transient);  // what answers there is another
  });
}

TEST_F(FilesTest, RemovesAGenerationOnlyWhenTheLinkPointsElsewhere) {
  on_target([&](Target& target) -> Task<> {
    const Shelved first = co_await installed(target, co_await target.look());
    EXPECT_FALSE(co_await target.shelf().remove(first.name, first.reference));
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    const Shelved next = co_await target.shelf().put(second, key, {});
    co_await target.bind(next, co_await target.look());
    EXPECT_FALSE(co_await target.shelf().remove("../..", ""));
    EXPECT_TRUE(co_await target.shelf().remove(first.name, first.reference));
    EXPECT_TRUE(co_await target.shelf().remove(first.name, first.reference));
  });
  EXPECT_EQ(machine.find(place()), nullptr);
  EXPECT_NE(machine.find("/etc/ssl/www/live/fullchain.pem"), nullptr);
}

TEST_F(FilesTest, KnowsItsGenerationHoweverALinkToItIsWritten) {
  for (const char* written :
       {"generations/{}/", "./generations/{}", "/etc/ssl/www//generations/{}", "../www/generations/{}"})
    on_target([&](Target& target) -> Task<> {
      const Shelved there = co_await target.shelf().put(issued, fresh.key, {});
      const std::string link = fmt::format(fmt::runtime(written), there.name);
      machine.nodes["/etc/ssl/www/live"] = {sandbox::Machine::Kind::link, link, 0777, true};
      EXPECT_FALSE(co_await target.shelf().remove(there.name, there.reference)) << link;
      EXPECT_NE(machine.find(there.reference), nullptr) << link;
      if (link.starts_with("..")) co_return;  // where that leads is the file system's to say
      const Serving seen = co_await target.look();
      EXPECT_EQ(seen.reference, there.reference) << link;
      EXPECT_TRUE(seen.ours) << link;
      co_await target.bind(there, seen);
    });
}

TEST_F(FilesTest, RefusesAPathThatIsNotAbsolute) {
  for (const char* path : {"ssl/www", "/", "", "/etc/../root"}) {
    where.directory = path;
    run([&](Deployer& deployer) -> Task<> {
      const Work ask = [&]() -> Task<> { co_await deployer.deployment.target(certificate(), on(where)); };
      EXPECT_EQ((co_await failure_of(ask)).value().kind(), Failure::Kind::refused) << path;
    });
  }
}

struct OverNow final : Lease {
  bool lease_outlasts(Duration) const override { return false; }
};

TEST_F(FilesTest, UnderALeaseThatEndedLooksAndTouchesNothing) {
  std::optional<Shelved> next;
  on_target([&](Target& target) -> Task<> { next = co_await installed(target, co_await target.look()); });
  const std::function<Task<>(Deployer&)> late = [&](Deployer& deployer) -> Task<> {
    const OverNow over;
    FilesShelf shelf{deployer.outside, where.directory, &over};
    Reloads reloads{deployer.outside.host};
    FilesTarget target{deployer.outside, shelf, reloads, {}, where};
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    const Serving seen = co_await target.look();
    EXPECT_TRUE(seen.shows(issued));
    const std::vector<Work> changes{[&]() -> Task<> { co_await shelf.put(second, key, {}); },
                                    [&]() -> Task<> { co_await shelf.remove("another", ""); },
                                    [&]() -> Task<> { co_await target.bind(*next, seen); },
                                    [&]() -> Task<> { co_await target.restore(Serving{.reference = "/x"}, *next); }};
    for (const Work& change : changes) {
      const auto failure = co_await failure_of(change);
      EXPECT_TRUE(failure && failure->kind() == Failure::Kind::fenced);
    }
  };
  machine.make_directory("/x");
  const auto before = machine.nodes.size();
  run(late);
  EXPECT_EQ(machine.nodes.size(), before);
  EXPECT_EQ(machine.commands.size(), 1U);
  EXPECT_EQ(machine.find("/etc/ssl/www/live", false)->content, "generations/" + name_of_issued());
}

struct OutlastsSoMany final : Lease {
  explicit OutlastsSoMany(long changes) : left(changes) {}
  bool lease_outlasts(Duration) const override { return left-- > 0; }
  mutable long left;
};

TEST_F(FilesTest, AsksItsLeaseBeforeEachChangeAnew) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  machine.id_lasts = false;
  bool ended = false;
  for (long changes = 0; !ended && !HasFailure(); ++changes) {
    run([&](Deployer& deployer) -> Task<> {
      const OutlastsSoMany lease{changes};
      FilesShelf shelf{deployer.outside, where.directory, &lease};
      Reloads reloads{deployer.outside.host};
      FilesTarget target{deployer.outside, shelf, reloads, {}, where};
      const Work everything = [&]() -> Task<> {
        co_await shelf.identify();
        co_await target.bind(co_await shelf.put(second, key, {}), co_await target.look());
        co_await shelf.remove("another", "");
      };
      const long before = simulation.effects();
      const auto failure = co_await failure_of(everything);
      ended = !failure;
      EXPECT_EQ(simulation.effects() - before, changes);
      if (failure) EXPECT_EQ(failure->kind(), Failure::Kind::fenced) << failure->what();
    });
  }
  EXPECT_EQ(file("/etc/ssl/www/live/cert.pem"), second.chain.leaf_pem());
}

}  // namespace
}  // namespace certferry
