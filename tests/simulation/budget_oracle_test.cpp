#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted.h"
#include "sandbox/certificate_authority.h"

// As oracles_test.cpp, for what is asked of the CA and of AWS too often.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Not;
using testing::StartsWith;

TEST_F(Planted, BudgetsOfRequests) {
  for (int i = 0; i < 60; ++i) happens("route53", "GetChange", "C1", false);
  for (int i = 0; i < 30; ++i) happens("acme", "newNonce", "", false);
  for (int i = 0; i < 12; ++i) happens("acme", "newAccount");
  happens("elbv2", "refused:ThrottlingException", "/", false);
  EXPECT_THAT(estate.verdict(), AllOf(Contains(StartsWith("budget: more requests to Route 53")),
                                      Contains(StartsWith("budget: more requests for nonces")),
                                      Contains(StartsWith("budget: more accounts")),
                                      Contains(StartsWith("budget: more requests to elbv2"))));
}

TEST_F(Planted, BudgetsOfOrdersAndCertificates) {
  estate.apply();
  auto& ca = world().ca();
  const std::string order = ca.orders.begin()->first;
  for (int i = 0; i < 301; ++i) happens("acme", "newOrder", order);
  for (int i = 0; i < 50; ++i) {
    auto again = ca.certificates.begin()->second;
    again.url = "https://ca.sandbox.test/cert/z" + std::to_string(100 + i);
    ca.certificates.emplace(again.url, again);
  }
  happens("acme", "directory", "", false);
  EXPECT_THAT(estate.verdict(), AllOf(Contains(StartsWith("budget: more orders of")),
                                      Contains(StartsWith("budget: more certificates for shop.example than 5")),
                                      Contains(StartsWith("budget: more certificates under shop.example than 50"))));
}

// Five machines are told to renew one after the other. Seed 116739: that was taken for ours.
TEST_F(Planted, BudgetOfTheCertificatesThatSomebodyRenewsIsTheirs) {
  estate.apply();
  auto& ca = world().ca();
  const auto issue_often = [&](const std::string& which) {
    for (int i = 0; i < 6; ++i) {
      auto again = ca.certificates.begin()->second;
      again.url = "https://ca.sandbox.test/cert/z" + which + std::to_string(i);
      ca.certificates.emplace(again.url, again);
    }
    happens("acme", "directory", "", false);
  };
  const auto certificates = Contains(StartsWith("budget: more certificates for shop.example than 5"));
  estate.watch->budget().somebody_renews(ca.certificates.begin()->second.chain.leaf.names());
  issue_often("a");
  EXPECT_THAT(estate.verdict(), Not(certificates));
  estate.watch->budget().nobody_renews();
  issue_often("b");
  EXPECT_THAT(estate.verdict(), certificates);
}

// An order that names its predecessor is free while that one's window lasts, and what is issued for it too.
TEST_F(Planted, BudgetsOfOrdersThatNameTheirPredecessorOutsideItsWindow) {
  estate.apply();
  auto& ca = world().ca();
  sandbox::CaCertificate& former = ca.certificates.begin()->second;
  sandbox::CaOrder order = ca.orders.begin()->second;
  const auto order_often = [&, first = order.url](const std::string& which) {
    order.url = first + which;
    order.replaces = former.ari_id;
    order.created = now();
    ca.orders.emplace(order.url, order);
    for (int i = 0; i < 301; ++i) happens("acme", "newOrder", order.url);
    for (int i = 0; i < 6; ++i) {
      auto again = former;
      again.url = "https://ca.sandbox.test/cert/z" + which + std::to_string(i);
      again.order = order.url;
      ca.certificates.emplace(again.url, again);
    }
    happens("acme", "directory", "", false);
  };
  const auto orders = Contains(StartsWith("budget: more orders of"));
  const auto certificates = Contains(StartsWith("budget: more certificates for shop.example than 5"));
  former.window = {now() - hours(1), now() + hours(1)};
  order_often("-1");
  EXPECT_THAT(estate.watch->complaints(), AllOf(Not(orders), Not(certificates)));
  former.window = {now() - hours(2), now()};
  order_often("-2");
  EXPECT_THAT(estate.verdict(), AllOf(orders, certificates));
}

TEST_F(Planted, BudgetsOfOrdersThatAreGivenAgain) {
  estate.apply();
  for (int i = 0; i < 301; ++i) happens("acme", "newOrder", world().ca().orders.begin()->first, false);
  EXPECT_THAT(estate.verdict(), Contains(StartsWith("budget: more orders of")));
}

struct FailedValidations : Planted {
  void fail(int times) {
    auto& [url, authorization] = *world().ca().authorizations.begin();
    authorization.status = "invalid";
    authorization.challenges.front().error = sandbox::CaProblem{403, "unauthorized", "no TXT record found", {}};
    authorization.challenges.front().validated_at = estate.simulated->time().now();
    for (int i = 0; i < times; ++i) happens("acme", "challenge", url);
  }
  const std::string record = "certificate/shop/record";
  const testing::Matcher<std::vector<std::string>> too_many =
      Contains(StartsWith("budget: more failed validations of shop.example"));
};

TEST_F(FailedValidations, HaveABudget) {
  estate.apply();
  fail(7);
  EXPECT_THAT(estate.verdict(), too_many);
}

// What failed is of a specification, and goes with its record.
TEST_F(FailedValidations, OfWhatWasForgottenOrIsWantedOtherwiseAreForgotten) {
  estate.apply();
  fail(4);
  Json json = stored(record);
  json["specification"]["key_type"] = "p384";
  store(record, json);
  fail(4);
  EXPECT_THAT(estate.watch->complaints(), Not(too_many));
  remove(record);
  fail(4);
  EXPECT_THAT(estate.watch->complaints(), Not(too_many));
  store(record, json);
  fail(4);
  EXPECT_THAT(estate.verdict(), too_many);
}

}  // namespace
}  // namespace certferry::simulation
