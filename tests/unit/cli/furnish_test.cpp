#include "cli/furnish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "cli/rehearsal.h"

namespace certferry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kListener =
    "arn:aws:elasticloadbalancing:eu-central-1:210987654321:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2";

Config configured(const std::string& more) {
  return parse_config(
      "[ca]\nagree_to_terms = true\n[[certificate]]\ndomains = [\"*.example.co.uk\", \"a.b.zone.example.org\"]\n"
      "[[certificate.install]]\nlistener = \"" +
          std::string{kListener} + "\"\n" + more,
      "test.toml");
}

TEST(Furnish, ASandboxHasWhatTheConfigurationNames) {
  const SandboxCommand furnished = furnished_for(configured(
      "[[certificate.install]]\nelb = \"old\"\n[[zone]]\nname = \"zone.example.org\"\n"
      "role = \"arn:aws:iam::999999999999:role/dns\"\n[state]\nstore = \"s3://states/certferry/\"\nkms_key = \"k\"\n"));
  EXPECT_THAT(furnished.zones, ElementsAre("example.co.uk", "zone.example.org"));
  EXPECT_THAT(furnished.elb, ElementsAre("old:443"));
  EXPECT_THAT(furnished.listeners, ElementsAre(kListener));
  EXPECT_THAT(furnished.hosts, ElementsAre(std::string{"certferry.example.co.uk="} + kListener));
  EXPECT_THAT(furnished.buckets, ElementsAre("states"));
  EXPECT_THAT(furnished.roles, ElementsAre("arn:aws:iam::999999999999:role/dns"));
  EXPECT_THAT(furnished.kms_keys, ElementsAre("alias/certferry"));
  EXPECT_EQ(furnished.region, "eu-central-1");
  EXPECT_EQ(furnished.account, "210987654321");
}

TEST(Furnish, ItsWordsAreUnderstoodAsTheSameSandbox) {
  const SandboxCommand furnished = furnished_for(configured(""));
  std::vector<std::string> words = words_of(furnished);
  words.insert(words.begin(), "sandbox");
  const auto parsed = parse_command_line(words);
  const auto& understood = std::get<SandboxCommand>(std::get<CommandLine>(parsed).command);
  EXPECT_EQ(understood.zones, furnished.zones);
  EXPECT_EQ(understood.listeners, furnished.listeners);
  EXPECT_EQ(understood.hosts, furnished.hosts);
  EXPECT_EQ(understood.region, furnished.region);
  EXPECT_EQ(understood.account, furnished.account);
}

TEST(Furnish, TheCertificateOfAZoneOfOneLabelHasItsApex) {
  sandbox::SocketPlaces places;
  places.zones = {"local", "sub.local", "example.com"};
  EXPECT_THAT(rehearsal_configuration(places, "/ca.pem", "/state"),
              HasSubstr(R"(domains = ["local", "*.local", "*.sub.local", "example.com", "*.example.com"])"));
}

TEST(Furnish, WhatLiesInTwoRegionsIsRefusedWithBoth) {
  const Config config = configured("[[certificate.install]]\nelb = \"old\"\nregion = \"us-east-1\"\n");
  try {
    (void)furnished_for(config);
    FAIL() << "two regions in one sandbox";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("eu-central-1 and us-east-1"));
    EXPECT_THAT(failure.next(), HasSubstr("one region"));
  }
}

TEST(Furnish, AConfigurationTakenInNamesNothingOutside) {
  Config config = configured(
      "[[certificate.install]]\nfiles = \"/etc/ssl/www\"\nconnect = \"mail.example.org:465\"\n"
      "[aws]\nprofile = \"production\"\n[[zone]]\nname = \"zone.example.org\"\nid = \"Z0123456789\"\n");
  sandbox::SocketPlaces places;
  places.ca_directory = "https://localhost:1234/directory";
  take_into_sandbox(config, places, "/roots.pem");
  EXPECT_EQ(config.ca.url, places.ca_directory);
  EXPECT_EQ(config.ca.trust, "/roots.pem");
  EXPECT_EQ(config.aws.profile, "");
  EXPECT_FALSE(config.zones.front().id);
  EXPECT_EQ(std::get<FilesInstall>(config.certificates.front().install.back().where).connect, "");
  EXPECT_EQ(config.certificates.front().install.front().where,
            InstallConfig{configured("").certificates.front().install.front()}.where);
}

}  // namespace
}  // namespace certferry
