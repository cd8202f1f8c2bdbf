#include <functional>
#include <gmock/gmock.h>

#include "acme/address.h"
#include "acme/authorization.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/session.h"

namespace certferry::acme {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const OrderUrl kOrder = OrderUrl::parse("https://ca.example/order/1");
const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};

Json order_body(const std::string& status = "pending") {
  return Json::parse(R"({"status":")" + status + R"(","expires":"2026-11-30T00:00:00Z",
    "identifiers":[{"type":"dns","value":"www.example.com"},{"type":"dns","value":"*.example.com"}],
    "authorizations":["https://ca.example/z/2","https://ca.example/z/1"],
    "finalize":"https://ca.example/f/1","unknown":[1,2]})",
                     "test");
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    return failure.what();
  }
  return "nothing was thrown";
}

TEST(Order, IsReadSorted) {
  const Order order = parse_order(kOrder, order_body());
  EXPECT_EQ(order.status, OrderStatus::pending);
  EXPECT_THAT(order.names, ElementsAre(DomainName::parse("*.example.com"), DomainName::parse("www.example.com")));
  EXPECT_THAT(order.authorizations, ElementsAre("https://ca.example/z/1", "https://ca.example/z/2"));
  EXPECT_EQ(order.certificate, "");
  EXPECT_EQ(iso8601(*order.expires), "2026-11-30T00:00:00Z");
}

TEST(Order, IsRefusedWhereItSaysWhatNobodyKnows) {
  EXPECT_THAT(refusal([] { parse_order(kOrder, order_body("shiny")); }), HasSubstr("unknown status \"shiny\""));
  for (const char* missing : {"status", "identifiers", "finalize"}) {
    Json body = order_body();
    body.erase(missing);
    EXPECT_THAT(refusal([&] { parse_order(kOrder, body); }), HasSubstr("has no")) << missing;
  }
  Json address = order_body();
  address["identifiers"] = Json::array({Json::object({{"type", "ip"}, {"value", "192.0.2.1"}})});
  EXPECT_THAT(refusal([&] { parse_order(kOrder, address); }), HasSubstr("type \"ip\""));
  EXPECT_THAT(refusal([&] { parse_order(kOrder, Json::array({1})); }), HasSubstr("no object"));
}

Json authorization_body(const std::string& challenges, const std::string& status = "pending") {
  return Json::parse(R"({"status":")" + status +
                         R"(","identifier":{"type":"dns","value":"example.com"},"wildcard":true,"challenges":)" +
                         challenges + "}",
                     "test");
}

TEST(Authorization, TakesTheDnsChallengeAndLeavesTheOthersUntouched) {
  const Authorization proof = parse_authorization("https://ca.example/z/1", authorization_body(R"([
    {"type":"dns-persist-01","status":"whatever","url":7},
    {"type":8},
    "no object",
    {"type":"dns-01","status":"pending","url":"https://ca.example/c/1","token":"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"}])"));
  ASSERT_EQ(proof.dns.size(), 1U);
  EXPECT_EQ(proof.dns[0].token, "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ");
  EXPECT_EQ(proof.identifier.text(), "example.com");
  EXPECT_THAT(proof.offered, ElementsAre("dns-persist-01", "dns-01"));
}

// An error may be without words, or null where there is none.
TEST(Authorization, TellsWhetherTheCaLooked) {
  const auto looked_at = [](const std::string& members) {
    const std::string challenges = R"([{"type":"http-01")" + members + "}]";
    return parse_authorization("https://ca.example/z/1", authorization_body(challenges)).looked_at;
  };
  EXPECT_TRUE(looked_at(R"(,"status":"invalid")"));
  EXPECT_TRUE(looked_at(R"(,"status":"pending","error":{})"));
  EXPECT_FALSE(looked_at(R"(,"status":"pending","error":null)"));
  EXPECT_FALSE(looked_at(R"(,"status":"pending")"));
}

TEST(Authorization, RefusesATokenThatIsNoToken) {
  for (const char* token : {"", "short", "../../../../../../etc/passwd", "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ$(id)"})
    EXPECT_THAT(refusal([&] {
                  parse_authorization("https://ca.example/z/1",
                                      authorization_body(R"([{"type":"dns-01","status":"pending","url":"u","token":")" +
                                                         std::string{token} + "\"}]"));
                }),
                HasSubstr("token"))
        << token;
}

TEST(Authorization, DoesNotNeedATokenOnceItIsDecided) {
  const auto proof =
      parse_authorization("u", authorization_body(R"([{"type":"dns-01","status":"invalid","error":{"type":
        "urn:ietf:params:acme:error:dns","detail":"NXDOMAIN"}}])",
                                                  "invalid"));
  EXPECT_EQ(proof.error, "dns: NXDOMAIN");
}

http::Response refused_with(int status, const std::string& type, const std::string& detail, http::Headers more = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(more);
  response.headers.set("Content-Type", "application/problem+json");
  response.body = Json::object({{"type", "urn:ietf:params:acme:error:" + type}, {"detail", detail}}).dump();
  return response;
}

Failure failure_for(const http::Response& response, bool changes = false) {
  return failure_of(problem_of(response, kNow), "newOrder", changes);
}

TEST(Problem, BecomesTheFailureThatSomebodyCanReactTo) {
  using Kind = Failure::Kind;
  struct Case {
    int status;
    const char* type;
    Kind reading, changing;
  };
  const Case cases[] = {{500, "serverInternal", Kind::transient, Kind::outcome_unknown},
                        {400, "badNonce", Kind::transient, Kind::transient},
                        {429, "rateLimited", Kind::throttled, Kind::throttled},
                        {403, "unauthorized", Kind::refused, Kind::refused},
                        {403, "caa", Kind::refused, Kind::refused},
                        {400, "rejectedIdentifier", Kind::refused, Kind::refused},
                        {400, "badCSR", Kind::refused, Kind::refused},
                        {400, "accountDoesNotExist", Kind::refused, Kind::refused},
                        {400, "somethingNew", Kind::refused, Kind::refused}};
  for (const Case& one : cases) {
    const auto response = refused_with(one.status, one.type, "because");
    EXPECT_EQ(failure_for(response).kind(), one.reading) << one.type;
    EXPECT_EQ(failure_for(response, true).kind(), one.changing) << one.type;
    EXPECT_EQ(failure_for(response).code(), one.type);
    EXPECT_THAT(failure_for(response).what(), HasSubstr(std::string{one.type} + ": because"));
    EXPECT_FALSE(failure_for(response).next().empty());
    const bool passes = one.reading == Kind::transient;
    EXPECT_EQ(failure_for(response).rationed(), !passes) << one.type;
  }
}

TEST(Problem, SaysHowLongTheCaRefuses) {
  const Failure failure = failure_for(refused_with(429, "rateLimited", "too many", {{"Retry-After", "7200"}}), true);
  EXPECT_EQ(failure.retry_after(), hours(2));
  EXPECT_THAT(failure.next(), HasSubstr("2 h"));
  const Failure busy = failure_for(http::Response{503, {{"Retry-After", "5"}}, ""}, true);
  EXPECT_EQ(busy.kind(), Failure::Kind::throttled);
  EXPECT_FALSE(busy.rationed());
}

// By the same type as a limit that it counts by.
TEST(Problem, OfAServerThatIsBusyIsNotHeldAgainstAnybody) {
  const auto said = [](int status) {
    return failure_for(refused_with(status, "rateLimited", "Service busy; retry later.", {{"Retry-After", "5"}}), true);
  };
  for (const int status : {503, 429, 403}) {
    EXPECT_EQ(said(status).kind(), Failure::Kind::throttled) << status;
    EXPECT_EQ(said(status).rationed(), status != 503) << status;
  }
}

TEST(Problem, ShowsTheLinkOfAPauseThatAPersonLifts) {
  const std::string link = "https://portal.example/sfe/v1/unpause?jwt=" + std::string(1500, 'x') + "END";
  const Failure failure = failure_for(refused_with(
      429, "rateLimited", "Your account is temporarily prevented from requesting certificates. Please visit: " + link));
  EXPECT_EQ(failure.kind(), Failure::Kind::refused);
  EXPECT_THAT(failure.what(), HasSubstr("xEND"));
}

TEST(Problem, ShowsTheTermsThatMustBeAgreedTo) {
  auto response = refused_with(403, "userActionRequired", "new terms",
                               {{"Link", "<https://ca.example/terms/2>;rel=\"terms-of-service\""}});
  response.body = Json::object({{"type", "urn:ietf:params:acme:error:userActionRequired"},
                                {"instance", "https://ca.example/agree"}})
                      .dump();
  EXPECT_EQ(failure_for(response).next(),
            "Visit https://ca.example/agree and https://ca.example/terms/2, then run certferry again");
}

TEST(Problem, TellsSubproblemsNameByName) {
  const Problem problem = parse_problem(Json::parse(R"({"type":"urn:ietf:params:acme:error:rejectedIdentifier",
    "detail":"some names","subproblems":[
      {"type":"urn:ietf:params:acme:error:caa","detail":"forbidden","identifier":{"type":"dns","value":"a.example"}},
      {"detail":7}]})",
                                                    "test"));
  EXPECT_EQ(problem.words(), "rejectedIdentifier: some names; a.example: forbidden (caa)");
}

TEST(Problem, EscapesWhatTheCaSays) {
  const std::string words = parse_problem(Json::object({{"detail", "line\nfeed \x1b[31mred"}})).words();
  EXPECT_EQ(words, "line\\nfeed \\x1b[31mred");
}

TEST(Address, StaysAtTheDirectorysDomain) {
  const Url directory = Url::parse("https://acme-v02.api.example.co.uk/directory");
  EXPECT_EQ(checked_url("https://other.example.co.uk:8443/x?y", directory, "test").port(), 8443);
  for (const char* bad : {"http://acme-v02.api.example.co.uk/x", "https://example.com/", "https://evil.co.uk/",
                          "https://169.254.169.254/latest", "https://[::1]/", "file:///etc/passwd", "", "/order/1",
                          "https://acme-v02.api.example.co.uk@evil.example/"})
    EXPECT_THROW(checked_url(bad, directory, "test"), Failure) << bad;
  EXPECT_EQ(checked_url("https://example.com/x", directory, "test", Domain::any).host(), "example.com");
  EXPECT_THROW(checked_url("http://example.com/x", directory, "test", Domain::any), Failure);
}

TEST(Address, IsOneHostWhereThereIsNoDomain) {
  EXPECT_NO_THROW(checked_url("https://127.0.0.1:14000/x", Url::parse("https://127.0.0.1:14001/dir"), "test"));
  EXPECT_THROW(checked_url("https://127.0.0.2/x", Url::parse("https://127.0.0.1/dir"), "test"), Failure);
  EXPECT_NO_THROW(checked_url("https://pebble/x", Url::parse("https://pebble/dir"), "test"));
  EXPECT_THROW(checked_url("https://boulder/x", Url::parse("https://pebble/dir"), "test"), Failure);
}

TEST(Directory, PassesOverWhatItDoesNotKnow) {
  const Directory directory = parse_directory(Json::parse(R"({"newNonce":"a","newAccount":"b","newOrder":"c",
    "xJk2lk3":"https://community.example/","renewalInfo":9,"meta":{"termsOfService":"t","profiles":{"classic":"d"}}})",
                                                          "test"));
  EXPECT_EQ(directory.renewal_info, "");
  EXPECT_EQ(directory.terms_of_service, "t");
  EXPECT_THROW(parse_directory(Json::object()), Failure);
}

}  // namespace
}  // namespace certferry::acme
