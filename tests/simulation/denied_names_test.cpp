#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "change_batches.h"
#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/permissions.h"

// Policies that let some names of a zone be written, and others not.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// All is allowed but to write records; those at these domains' challenges are.
void may_write_alone(Estate& estate, const std::vector<std::string>& domains) {
  Json names = Json::array();
  for (const std::string& domain : domains) names.push_back("_acme-challenge." + domain);
  sandbox::Permissions& permissions = estate.world().permissions();
  permissions.attach_to_identity(permissions.user(), R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":["route53:List*","route53:Get*","sts:*"],"Resource":"*"},
      {"Effect":"Allow","Action":"route53:ChangeResourceRecordSets","Resource":"*","Condition":{
        "Null":{"route53:ChangeResourceRecordSetsNormalizedRecordNames":"false"},
        "ForAllValues:StringEquals":{"route53:ChangeResourceRecordSetsNormalizedRecordNames":)" +
                                                         names.dump() + "}}}]}");
}

// So many certificates for one name each: "n0.shop.example" and so on.
std::vector<std::string> certificates_for_names(Estate& estate, int many) {
  estate.zone("shop.example");
  std::vector<std::string> domains;
  for (int i = 0; i < many; ++i) {
    domains.push_back(fmt::format("n{}.shop.example", i));
    estate.certificate(fmt::format("n{}", i), {domains.back()});
  }
  return domains;
}

std::size_t changes_denied(Estate& estate) {
  return static_cast<std::size_t>(std::ranges::count_if(
      estate.world().permissions().refused(),
      [](const std::string& refused) { return refused.starts_with("route53:ChangeResourceRecordSets"); }));
}

TEST(DeniedNames, FailTheirOwnCertificatesAlone) {
  Estate estate;
  std::vector<std::string> domains = certificates_for_names(estate, 6);
  std::erase(domains, "n3.shop.example");
  may_write_alone(estate, domains);
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("_acme-challenge.n3.shop.example")));
  for (const char* id : {"n0", "n1", "n2", "n4", "n5"}) EXPECT_TRUE(estate.record(id)->newest) << id;
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(DeniedNames, LeaveTheSweepOfOthersAlone) {
  Estate estate;
  certificates_for_names(estate, 3);
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), SizeIs(3)) << "parked";
  for (const char* id : {"n0", "n1", "n2"}) estate.unwant(id);
  may_write_alone(estate, {"n0.shop.example", "n2.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), ElementsAre(HasSubstr("_acme-challenge.n1.shop.example")));
}

std::vector<std::string> names_of_one_certificate(Estate& estate, int many) {
  estate.zone("shop.example");
  std::vector<std::string> domains;
  for (int i = 0; i < many; ++i) domains.push_back(fmt::format("n{:02}.shop.example", i));
  estate.certificate("shop", domains);
  return domains;
}

TEST(DeniedNames, ThatAreAllOfTheZoneAreNotAskedForOneByOne) {
  Estate estate;
  names_of_one_certificate(estate, 40);
  may_write_alone(estate, {"elsewhere.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("TXT values at _acme-challenge.n")));
  EXPECT_LE(changes_denied(estate), 20U);
}

// Of the batch that was sent first nobody heard: it was carried out.
TEST(DeniedNames, StayInTheLedgerWhereTheyMayStand) {
  Estate estate;
  names_of_one_certificate(estate, 2);
  spoil_batches(estate, {{.reply_lost = 100}});
  estate.world().on_event([&estate](const sandbox::Event& event) {
    if (event.operation == "ChangeResourceRecordSets") may_write_alone(estate, {"elsewhere.example"});
  });
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), SizeIs(2));
  estate.unwant("shop");
  may_write_alone(estate, {"n00.shop.example", "n01.shop.example"});
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// Whichever are tried alone, all that may be written are written in the end.
TEST(DeniedNames, ThatAreMostOfTheZoneDoNotKeepTheOthersOutForGood) {
  Estate estate;
  certificates_for_names(estate, 16);
  may_write_alone(estate, {"n7.shop.example"});
  const auto issued = [&] {
    const auto record = estate.record("n7");
    return record && record->newest;
  };
  for (int run = 0; run < 24 && !issued(); ++run) {
    estate.apply();
    estate.pass(hours(3));
  }
  EXPECT_TRUE(issued());
}

}  // namespace
}  // namespace certferry::simulation
