#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// A directory whose server is looked at from outside: what it shows, and what is there for whoever reads it next.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

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

}  // namespace
}  // namespace certferry::simulation
