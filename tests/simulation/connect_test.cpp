#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// A directory whose server is looked at from outside: what it shows, and what is there for whoever reads it next.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Connected : testing::Test {
  Connected() {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    std::get<FilesInstall>(estate.wanted("shop").config.install.front().where).connect = "shop.example:443";
    estate.world().zones().put(
        "shop.example",
        {.name = "shop.example", .type = "A", .set_identifier = "", .ttl = 60, .values = {"10.0.0.1"}, .routing = {}});
    machine().addresses = {"10.0.0.1"};
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
  }
  sandbox::Machine& machine() { return estate.simulated->machine(); }
  std::optional<Bytes> live_leads_to() {
    const auto* link = machine().find("/etc/ssl/shop/live", false);
    return link ? std::optional{link->content} : std::nullopt;
  }

  Estate estate;
};

TEST_F(Connected, FillsADirectoryThatIsEmptiedThoughItsServerGoesOn) {
  const auto live = live_leads_to();
  for (const std::string gone : {"/etc/ssl/shop/live", "/etc/ssl/shop/"}) {
    std::erase_if(machine().nodes, [&](const auto& node) { return node.first.starts_with(gone); });
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_THAT(estate.report().plan.certificates.front().targets,
                Contains(Field(&Action::reason, HasSubstr("its files are not there"))));
    EXPECT_EQ(live_leads_to(), live) << gone;
    EXPECT_TRUE(machine().find("/etc/ssl/shop/live/fullchain.pem")) << gone;
    EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  }
}

// Theirs, and empty: whoever reads it next has nothing to serve.
TEST_F(Connected, TakesTheLinkBackFromADirectoryOfOthersThatHoldsNothingThoughItsServerGoesOn) {
  const auto live = live_leads_to();
  machine().make_directory("/srv/theirs");
  machine().nodes.at("/etc/ssl/shop/live").content = "/srv/theirs";
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(live_leads_to(), live);
  EXPECT_THAT(estate.verdict(), testing::Each(HasSubstr("leads to nothing whole")));
}

// By another default server, or behind a content delivery network. What it replaced is no better, and gone by then.
TEST_F(Connected, StaysWithWhatWasProvenThoughAnotherIsShownLaterAndTriesItLessAndLessOften) {
  estate.pass(days(61));
  estate.apply();
  const auto live = live_leads_to();
  const WallTime now = estate.simulated->time().now();
  const auto theirs = estate.world().foreign({DomainName::parse("shop.example")}, now - days(1), now + days(300));
  estate.simulated->network().shown_by_machine = [&](const std::string&) { return std::optional{theirs.chain}; };
  for (const Duration later : {hours(2), days(3)}) {
    estate.pass(later);
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(Not(HasSubstr("is back"))));
    EXPECT_EQ(live_leads_to(), live);
    const std::size_t reloads = machine().commands.size();
    estate.apply();
    EXPECT_EQ(machine().commands.size(), reloads) << "it waits";
    EXPECT_FALSE(estate.report().well()) << "and tells of it";
  }
  estate.simulated->network().shown_by_machine = [&](const std::string&) {
    return std::optional{parse_chain(BytesView{machine().served.begin()->second})};
  };
  estate.pass(minutes(13));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_FALSE(estate.record("shop")->targets.begin()->second.undone) << "nobody put anything in its place";
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
