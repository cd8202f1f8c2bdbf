#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "estate.h"
#include "policy.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

// The policy of docs/permissions.md, by which AWS refuses whatever it does not allow.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

std::string documentation() {
  const char* source = std::getenv("CERTFERRY_SOURCE");
  std::ifstream file{std::string{source ? source : "."} + "/docs/permissions.md"};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void replace(std::string& text, const std::string& word, const std::string& by) {
  ASSERT_NE(text.find(word), std::string::npos) << word;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size()))
    text.replace(at, word.size(), by);
}

// The first block of JSON there, with the names of this estate.
std::string sample_policy(Estate& estate) {
  const std::string text = documentation(), begin = "```json\n";
  const auto start = text.find(begin) + begin.size();
  std::string policy = text.substr(start, text.find("```", start) - start);
  std::string zones;
  for (const auto& zone : estate.world().zones().all)
    zones += (zones.empty() ? "" : ", ") + std::string{"\"arn:aws:route53:::hostedzone/"} + zone.id + "\"";
  replace(policy, "\"arn:aws:route53:::hostedzone/Z0123456789\"", "[" + zones + "]");
  replace(policy, "my-bucket", "state");
  replace(policy, "my-classic-lb", "old-web");
  return policy;
}

// An estate of everything that the policy is for: state and account key in S3, a classic, an application and a network
// load balancer, two zones of one name, and certificates of somebody else where ours are to be served.
void everything(Estate& estate) {
  estate.zone("shop.example").zone("shop.example").classic_elb("old-web");
  estate.world().zones().all.back().delegated = false;
  estate.state_in_s3();
  estate.config.account.key = "s3://state/certferry/account.key";
  const std::string web = estate.listener("web");
  estate.serve_foreign("old-web", {"shop.example"}, days(20));
  const std::string theirs = estate.bound_on("old-web");
  const std::string network = estate.world().load_balancers().add("web-tcp", theirs, "network").arn;
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
  estate.certificate("tcp", {"tcp.shop.example"}).on_listener(network);
}

void enforce(Policy& policy, Estate& estate) {
  estate.world().permits = [&](const std::string& service, const http::Request& request) {
    return std::ranges::all_of(permissions_for(estate.world(), service, request),
                               [&](const Permission& asked) { return policy.allows(asked); });
  };
}

TEST(Permissions, AsDocumentedSufficeFromTheFirstCertificateToTheRetirementOfItsPredecessorAndAreNeeded) {
  Estate estate;
  everything(estate);
  std::string text = sample_policy(estate);
  replace(text, "listener/net/web/", "listener/net/web-tcp/");
  Policy policy{text};
  enforce(policy, estate);
  // Another tool's value stands at the challenge's name: the change must match it.
  estate.world().zones().put(
      "shop.example", {.name = "_acme-challenge.shop.example", .type = "TXT", .ttl = 300, .values = {"\"theirs\""}});
  for (int round = 0; round < 3; ++round) {
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    estate.pass(hours(26));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    estate.pass(days(61));
  }
  EXPECT_THAT(policy.refused(), IsEmpty()) << "the documentation allows too little";
  EXPECT_THAT(policy.unused(), IsEmpty()) << "the documentation allows what nobody needs";
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
}

// So that the above could fail.
TEST(Permissions, ThatAreTakenAwayAreMissed) {
  Estate estate;
  everything(estate);
  std::string text = sample_policy(estate);
  replace(text, "\"iam:UploadServerCertificate\", ", "");
  Policy policy{text};
  enforce(policy, estate);
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::Each(testing::HasSubstr("AccessDenied")));
  EXPECT_THAT(estate.failures(), testing::Not(IsEmpty()));
  EXPECT_THAT(policy.refused(), testing::Each(testing::HasSubstr("iam:UploadServerCertificate on arn:aws:iam::")));
}

}  // namespace
}  // namespace certferry::simulation
