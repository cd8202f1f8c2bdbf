#include <gmock/gmock.h>

#include "tests/unit/acme/ground.h"

// Orders that were asked for, and whose answer was lost: looked for in the account's list.
namespace certferry::acme {
namespace {

using sandbox::CaProblem;
using sandbox::Settings;

TEST(FoundOrder, IsTheOneOfTheSameNamesThatIsStillOpen) {
  Ground ground{Settings{.orders_reused = false}};
  std::optional<OrderUrl> lost;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    co_await ground.issue(ca, kWanted);  // valid: for another key
    lost = co_await ca.new_order(kWanted);
    for (int i = 0; i < 6; ++i) co_await ca.new_order(spec_of({"other.example.com"}));
  });
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    EXPECT_EQ(co_await ca.find_order(kWanted), lost);
    EXPECT_FALSE(co_await ca.find_order(spec_of({"none.example.com"})));
  });
}

TEST(FoundOrder, IsNoneWhereTheCaListsNone) {
  Ground ground{Settings{.orders_listed = false}};
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    co_await ca.new_order(kWanted);
    EXPECT_FALSE(co_await ca.find_order(kWanted));
  });
}

// As where it shows no list at all: whoever is refused for good would never order again.
TEST(FoundOrder, IsNoneWhereTheCaRefusesItsListForGood) {
  for (const int status : {400, 401, 403, 404, 405, 410, 501}) {
    Ground ground;
    ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
      if (operation != "orders") return {};
      return CaProblem{status, status == 501 ? "serverInternal" : "malformed", "no lists here", {}}.response();
    };
    ground.play([&](CertificateAuthority& ca) -> Task<> {
      co_await ca.new_order(kWanted);
      EXPECT_FALSE(co_await ca.find_order(kWanted)) << status;
    });
  }
}

TEST(FoundOrder, IsNotSaidToBeNoneWhereTheListIsRefusedForNow) {
  for (const int status : {429, 500, 503}) {
    Ground ground;
    ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
      if (operation != "orders") return {};
      return foreign_answer(status, "", "");
    };
    const auto failure = ground.failure_of([](CertificateAuthority& ca) -> Task<> { co_await ca.find_order(kWanted); });
    ASSERT_TRUE(failure) << status;
    EXPECT_EQ(failure->kind(), status == 429 ? Failure::Kind::throttled : Failure::Kind::transient) << status;
  }
}

std::function<std::optional<http::Response>(const http::Request&, const std::string&)> list_is(std::string body) {
  return [body](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation != "orders") return {};
    return foreign_answer(200, "application/json", body);
  };
}

// As step-ca lists them.
TEST(FoundOrder, IsFoundInAListThatIsABareArray) {
  Ground ground{Settings{.orders_reused = false, .orders_bare = true}};
  std::optional<OrderUrl> lost;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    lost = co_await ca.new_order(kWanted);
    for (int i = 0; i < 6; ++i) co_await ca.new_order(spec_of({"other.example.com"}));
  });
  ground.play([&](CertificateAuthority& ca) -> Task<> { EXPECT_EQ(co_await ca.find_order(kWanted), lost); });
}

// Whoever were told each time that nobody knows would never order again.
TEST(FoundOrder, IsNoneWhereWhatTheCaShowsIsNoList) {
  for (const char* body : {"{}", "null", R"({"orders":null})", R"({"orders":{}})", R"("orders")", R"([7])"}) {
    Ground ground;
    ground.ca().interpose = list_is(body);
    ground.play([&](CertificateAuthority& ca) -> Task<> {
      co_await ca.new_order(kWanted);
      EXPECT_FALSE(co_await ca.find_order(kWanted)) << body;
    });
  }
}

// A page of somebody who stands in between, or a body that was cut short.
TEST(FoundOrder, IsNotSaidToBeNoneWhereTheListCannotBeRead) {
  for (const char* body : {"", "<html>", R"({"orders":["https://ca.sand)"}) {
    Ground ground;
    ground.ca().interpose = list_is(body);
    const auto failure = ground.failure_of([](CertificateAuthority& ca) -> Task<> { co_await ca.find_order(kWanted); });
    ASSERT_TRUE(failure) << body;
    EXPECT_EQ(failure->kind(), Failure::Kind::transient) << body;
  }
}

// Where some of it was read, that is all there is.
TEST(FoundOrder, IsOneOfThoseThatTheCaListedBeforeItRefused) {
  Ground ground{Settings{.orders_reused = false}};
  std::optional<OrderUrl> lost;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    lost = co_await ca.new_order(kWanted);
    for (int i = 0; i < 6; ++i) co_await ca.new_order(spec_of({"other.example.com"}));
  });
  ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
    if (request.url.query().empty()) return {};
    return foreign_answer(404, "text/html", "<html>");
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> { EXPECT_EQ(co_await ca.find_order(kWanted), lost); });
}

// The CA, or what stands in front of it, goes round in circles.
TEST(FoundOrder, IsNotLookedForForEver) {
  Ground ground;
  ground.register_account();
  ground.ca().interpose = [&](const http::Request& request,
                              const std::string& operation) -> std::optional<http::Response> {
    if (operation != "orders") return {};
    http::Response page = foreign_answer(200, "application/json", R"({"orders": []})");
    page.headers.add("Link", "<" + request.url.text() + ">;rel=\"next\"");
    return page;
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> { EXPECT_FALSE(co_await ca.find_order(kWanted)); });
  EXPECT_LE(ground.requests()["orders"], 100);
}

TEST(FoundOrder, IsTheNewestOfVeryMany) {
  Ground ground{Settings{.orders_reused = false}};
  std::optional<OrderUrl> lost;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    for (int i = 0; i < 100; ++i) co_await ca.new_order(spec_of({"other.example.com"}));
    lost = co_await ca.new_order(kWanted);
  });
  ground.play([&](CertificateAuthority& ca) -> Task<> { EXPECT_EQ(co_await ca.find_order(kWanted), lost); });
  EXPECT_LT(ground.requests()["order"], 60);
}

// "None" would have it asked for a second time.
TEST(FoundOrder, IsNotSaidToBeNoneWhereOneCouldNotBeRead) {
  for (const http::Response& spoiled : {foreign_answer(503, "", ""), foreign_answer(200, "text/html", "<html>")}) {
    Ground ground{Settings{.orders_reused = false}};
    std::optional<OrderUrl> lost;
    ground.play([&](CertificateAuthority& ca) -> Task<> {
      lost = co_await ca.new_order(kWanted);
      co_await ca.new_order(spec_of({"other.example.com"}));
    });
    ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
      if (request.url.text() == lost->text()) return spoiled;
      return {};
    };
    const auto failure = ground.failure_of([](CertificateAuthority& ca) -> Task<> { co_await ca.find_order(kWanted); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  }
}

TEST(FoundOrder, IsLookedForPastOrdersOfAnotherKind) {
  Ground ground{Settings{.orders_reused = false}};
  std::optional<OrderUrl> lost, other;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    lost = co_await ca.new_order(kWanted);
    other = co_await ca.new_order(spec_of({"other.example.com"}));
  });
  ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
    if (request.url.text() != other->text()) return {};
    return foreign_answer(200, "application/json", R"({"status":"pending","finalize":"https://ca.sandbox.test/f",
      "identifiers":[{"type":"ip","value":"192.0.2.1"}]})");
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> { EXPECT_EQ(co_await ca.find_order(kWanted), lost); });
}

TEST(FoundOrder, IsNoneOfAnotherProfileThanIsWanted) {
  Ground ground{Settings{.orders_reused = false}};
  CertificateSpec shortlived = kWanted;
  shortlived.profile = "shortlived";
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    co_await ca.new_order(kWanted);
    EXPECT_FALSE(co_await ca.find_order(shortlived));
    const OrderUrl lost = co_await ca.new_order(shortlived);
    EXPECT_EQ(co_await ca.find_order(shortlived), lost);
  });
}

}  // namespace
}  // namespace certferry::acme
