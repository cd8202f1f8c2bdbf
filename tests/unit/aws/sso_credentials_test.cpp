#include "aws/sso_credentials.h"

#include <gtest/gtest.h>

#include "aws/access.h"
#include "replay.h"
#include "wire/json.h"

namespace certferry::aws::testing {
namespace {

// A machine on which somebody has signed in for the profile `shop`; it is noon.
struct SignedIn {
  Paper paper;
  Path file = SsoTokenFile{paper.host, "work", "shop"}.path();
  std::shared_ptr<SsoCredentials> provider;

  explicit SignedIn(const std::string& expires, const std::string& more = "") {
    put_token("the-access-token", expires, more);
    auto portal = std::make_shared<Client>(paper.outside, nullptr, "eu-west-1", EndpointSettings{});
    provider = std::make_shared<SsoCredentials>(paper.outside, portal,
                                                SsoProfile{.role = {"123456789012", "Dns"},
                                                           .session = "work",
                                                           .start_url = "https://a.example/start",
                                                           .region = "eu-west-1",
                                                           .profile = "shop"});
  }
  void put_token(const std::string& token, const std::string& expires, const std::string& more = "") {
    paper.host.files[file] = {R"({"accessToken":")" + token + R"(","expiresAt":")" + expires + "\"" + more + "}", 0640};
  }
  void answer_keys(const std::string& id = "ASIA1") {
    paper.transport.answer(200,
                           R"({"roleCredentials":{"accessKeyId":")" + id +
                               R"(","secretAccessKey":"secretsecret","sessionToken":"t","expiration":1795438800000}})");
  }
  std::string bearer_of(std::size_t request) const {
    return paper.transport.requests.at(request).headers.get("x-amz-sso_bearer_token").value_or("");
  }
};

const std::string refreshable =
    R"(,"refreshToken":"the-refresh-token","clientId":"client","clientSecret":"the-client-secret",)"
    R"("registrationExpiresAt":"2027-01-01T00:00:00Z","region":"eu-west-1","startUrl":"https://a.example/start")";

TEST(SsoCredentials, AreThoseOfTheRoleUnsigned) {
  SignedIn given{"2026-11-23T20:00:00Z"};
  given.answer_keys();
  const SharedCredentials found = AWAITED(given.provider->credentials());
  EXPECT_EQ(found->access_key_id, "ASIA1");
  EXPECT_EQ(found->source, "IAM Identity Center, role Dns of account 123456789012");
  EXPECT_EQ(iso8601(found->expires.value()), "2026-11-23T13:00:00Z");
  const http::Request& asked = given.paper.transport.requests.at(0);
  EXPECT_EQ(asked.url.text(),
            "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?role_name=Dns&account_id=123456789012");
  EXPECT_EQ(given.bearer_of(0), "the-access-token");
  EXPECT_FALSE(asked.headers.get("authorization"));
  EXPECT_FALSE(asked.headers.get("content-type"));
}

TEST(SsoCredentials, RenewTheSessionsTokenBeforeItEndsAndKeepIt) {
  SignedIn given{"2026-11-23T12:10:00Z", refreshable};
  given.paper.transport.answer(
      200,
      R"({"accessToken":"a-fresh-token","tokenType":"Bearer","expiresIn":28800,"refreshToken":"another-refresh"})");
  given.answer_keys();
  AWAITED(given.provider->credentials());
  const http::Request& asked = given.paper.transport.requests.at(0);
  EXPECT_EQ(asked.url.text(), "https://oidc.eu-west-1.amazonaws.com/token");
  EXPECT_EQ(asked.headers.get("content-type"), "application/json");
  EXPECT_FALSE(asked.headers.get("authorization"));
  EXPECT_EQ(Json::parse(asked.body, "sent"), Json::object({{"clientId", "client"},
                                                           {"clientSecret", "the-client-secret"},
                                                           {"grantType", "refresh_token"},
                                                           {"refreshToken", "the-refresh-token"}}));
  EXPECT_EQ(given.bearer_of(1), "a-fresh-token");
  EXPECT_EQ(given.paper.host.files.at(given.file).mode, 0600U) << "it was 0640, and holds a refresh token";
  EXPECT_EQ(Json::parse(given.paper.host.files.at(given.file).content, "kept"),
            Json::object({{"accessToken", "a-fresh-token"},
                          {"expiresAt", "2026-11-23T20:00:00Z"},
                          {"refreshToken", "another-refresh"},
                          {"clientId", "client"},
                          {"clientSecret", "the-client-secret"},
                          {"registrationExpiresAt", "2027-01-01T00:00:00Z"},
                          {"region", "eu-west-1"},
                          {"startUrl", "https://a.example/start"}}));
  for (const std::string& line : given.paper.log.all) EXPECT_EQ(line.find("token"), std::string::npos) << line;
}

TEST(SsoCredentials, GoOnWithATokenThatLivesWhereItCannotBeRenewed) {
  SignedIn plain{"2026-11-23T12:10:00Z"};
  plain.answer_keys();
  AWAITED(plain.provider->credentials());
  EXPECT_EQ(plain.bearer_of(0), "the-access-token");

  SignedIn refused{"2026-11-23T12:10:00Z", refreshable};
  refused.paper.transport.answer(400, R"({"error":"invalid_grant","error_description":"no"})",
                                 {{"x-amzn-ErrorType", "InvalidGrantException"}});
  refused.answer_keys();
  AWAITED(refused.provider->credentials());
  EXPECT_EQ(refused.bearer_of(1), "the-access-token");
}

TEST(SsoCredentials, TakeTheTokenThatAnotherToolRenewedMeanwhile) {
  SignedIn given{"2026-11-23T11:59:00Z", refreshable};
  given.paper.transport.on_send = [&] {
    if (given.paper.transport.requests.empty()) given.put_token("theirs", "2026-11-23T20:00:00Z");
  };
  given.paper.transport.answer(400, R"({"error":"invalid_grant"})", {{"x-amzn-ErrorType", "InvalidGrantException"}});
  given.answer_keys();
  AWAITED(given.provider->credentials());
  EXPECT_EQ(given.bearer_of(1), "theirs");
}

// No number of an answer's reaches the clock's arithmetic unbounded.
TEST(SsoCredentials, RefuseATimeThatNoSessionLasts) {
  for (const char* lives : {"9223372036854775807", "31622401", "0", "-9223372036854775808"}) {
    Paper paper;
    paper.transport.answer(200, std::string{R"({"accessToken":"a-token","expiresIn":)"} + lives + "}");
    SsoOidc oidc{paper.client};
    EXPECT_EQ(said(FAILURE_OF(oidc.refresh("client", Secret{"the-client-secret"}, Secret{"the-refresh-token"}))),
              "outcome_unknown | IAM Identity Center CreateToken on the session's token: the answer has no token | Run "
              "again; if it stays, look for a proxy that answers in the service's place")
        << lives;
  }
  for (const char* expiration : {"9223372036854775807", "253402300800000", "-9223372036854775808", "-1"}) {
    SignedIn given{"2026-11-23T20:00:00Z"};
    given.paper.transport.answer(
        200, std::string{R"({"roleCredentials":{"accessKeyId":"ASIA1","secretAccessKey":"secretsecret",)"} +
                 R"("sessionToken":"t","expiration":)" + expiration + "}}");
    EXPECT_EQ(said(FAILURE_OF(given.provider->credentials())),
              "transient | IAM Identity Center GetRoleCredentials on role Dns of account 123456789012: the answer has "
              "no keys | Run again; if it stays, look for a proxy that answers in the service's place")
        << expiration;
  }
}

TEST(SsoCredentials, AskForASignInWhereNothingElseHelps) {
  const std::string next = " | Run aws sso login --profile shop";
  SignedIn ended{"2026-11-23T11:59:00Z"};
  EXPECT_EQ(said(FAILURE_OF(ended.provider->credentials())),
            "refused | profile shop: its session with IAM Identity Center has ended" + next);
  EXPECT_TRUE(ended.paper.transport.requests.empty());

  SignedIn revoked{"2026-11-23T20:00:00Z"};
  revoked.paper.transport.answer(401, R"({"message":"Session token not found or invalid"})",
                                 {{"x-amzn-ErrorType", "UnauthorizedException"}});
  EXPECT_EQ(said(FAILURE_OF(revoked.provider->credentials())),
            "refused | profile shop: IAM Identity Center does not accept the session's token" + next);

  SignedIn over{"2026-11-23T11:59:00Z", refreshable};
  over.paper.transport.answer(400, R"({"error":"invalid_grant","error_description":"the session ended"})",
                              {{"x-amzn-ErrorType", "InvalidGrantException"}});
  EXPECT_EQ(
      said(FAILURE_OF(over.provider->credentials())),
      "refused | profile shop: IAM Identity Center CreateToken on the session's token: InvalidGrantException: the "
      "session ended" +
          next);
}

TEST(SsoCredentials, DoNotRepeatARenewalWhoseAnswerWasLost) {
  SignedIn given{"2026-11-23T11:59:00Z", refreshable};
  given.paper.transport.fail(Failure::Kind::outcome_unknown, "no answer");
  EXPECT_EQ(FAILURE_OF(given.provider->credentials())->kind(), Failure::Kind::outcome_unknown);
  EXPECT_EQ(given.paper.transport.requests.size(), 1U);
}

TEST(SsoCredentials, NeverShowWhatStandsInTheFile) {
  SignedIn given{"2026-11-23T20:00:00Z"};
  for (const char* text : {"half-a-secret", R"({"accessToken":"half-a-secret"})", R"({"expiresAt":"half-a-secret"})"}) {
    given.paper.host.files[given.file] = Bytes{text};
    const auto failure = FAILURE_OF(given.provider->credentials());
    ASSERT_TRUE(failure) << text;
    EXPECT_EQ(failure->kind(), Failure::Kind::refused) << text;
    EXPECT_EQ(std::string{failure->what()}.find("half-a-secret"), std::string::npos) << failure->what();
    given.paper.clock.pass(limits::aws::refresh_pause);
  }
  given.paper.host.files.clear();
  EXPECT_EQ(said(FAILURE_OF(given.provider->credentials())),
            "refused | profile shop: IAM Identity Center: nobody has signed in: there is no " + given.file +
                " | Run aws sso login --profile shop");
}

TEST(SsoCredentials, SayThatTheRoleIsNotAssigned) {
  SignedIn given{"2026-11-23T20:00:00Z"};
  given.paper.transport.answer(403, R"({"message":"No access"})", {{"x-amzn-ErrorType", "ForbiddenException"}});
  EXPECT_EQ(
      said(FAILURE_OF(given.provider->credentials())),
      "refused | IAM Identity Center GetRoleCredentials on role Dns of account 123456789012: ForbiddenException: No "
      "access | Correct sso_account_id and sso_role_name, or have the role assigned");
}

}  // namespace
}  // namespace certferry::aws::testing
