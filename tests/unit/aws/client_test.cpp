#include "aws/client.h"

#include <gtest/gtest.h>

#include "aws/access.h"
#include "aws/query_protocol.h"
#include "aws/sts.h"
#include "base/limits/aws.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

Call a_read() {
  return {.service = "route53",
          .operation = "GetChange",
          .object = "change C1",
          .method = "GET",
          .path = "/2013-04-01/change/C1"};
}
Call a_change() {
  Call call{.service = "route53",
            .operation = "ChangeResourceRecordSets",
            .object = "zone Z1",
            .path = "/2013-04-01/hostedzone/Z1/rrset/"};
  call.repeatable = false;
  return call;
}
std::string error_xml(const std::string& code, const std::string& message) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message +
         "</Message></Error><RequestId>r</RequestId></ErrorResponse>";
}

std::string role_session(const std::string& id = "ASIA1", const std::string& expires = "2026-11-23T13:00:00Z") {
  return "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" + id +
         "</AccessKeyId><SecretAccessKey>secretsecret</SecretAccessKey><SessionToken>tokentoken</SessionToken>"
         "<Expiration>" +
         expires + "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
}

TEST(Client, SendsASignedRequestToTheServicesHost) {
  Paper paper;
  paper.transport.answer(200, "<ok/>");
  Call call = a_read();
  call.query = {{"name", "a b"}};
  EXPECT_EQ(AWAITED(paper.client.send(call)).body, "<ok/>");
  const http::Request& sent = paper.transport.requests.at(0);
  EXPECT_EQ(sent.method, "GET");
  EXPECT_EQ(sent.url.text(), "https://route53.amazonaws.com/2013-04-01/change/C1?name=a%20b");
  EXPECT_EQ(sent.headers.get("x-amz-date"), "20261123T120000Z");
  EXPECT_TRUE(sent.headers.get("authorization")
                  ->starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/route53/aws4_request, "
                                "SignedHeaders=host;x-amz-date, Signature="));
  EXPECT_EQ(paper.client.requests_sent(), 1U);
}

TEST(Client, TriesAServersErrorThreeTimesWithGrowingWaits) {
  Paper paper;
  for (int i = 0; i < 3; ++i) paper.transport.answer(503, "<html>busy</html>");
  EXPECT_EQ(said(FAILURE_OF(paper.client.send(a_read()))),
            "transient | Route 53 GetChange on change C1: HTTP 503 | Run again in a minute");
  EXPECT_EQ(paper.transport.requests.size(), 3U);
  EXPECT_EQ(paper.clock.slept, (std::vector{milliseconds(999), milliseconds(1999)}));
}

TEST(Client, WaitsNothingWhereTheJitterIsZero) {
  Paper paper;
  paper.entropy.octet = std::byte{0};
  paper.transport.answer(500, "");
  paper.transport.answer(200, "<ok/>");
  AWAITED(paper.client.send(a_read()));
  EXPECT_EQ(paper.clock.slept, std::vector{milliseconds(0)});
}

TEST(Client, SignsEveryAttemptWithItsOwnTime) {
  Paper paper;
  paper.transport.answer(500, "");
  paper.transport.answer(200, "<ok/>");
  AWAITED(paper.client.send(a_read()));
  paper.clock.pass(seconds(5));
  EXPECT_EQ(paper.transport.requests.at(1).headers.all("authorization").size(), 1U);
}

TEST(Client, ReportsAnUnknownOutcomeOfAChangeInsteadOfRepeatingIt) {
  for (bool lost_reply : {true, false}) {
    Paper paper;
    if (lost_reply)
      paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 30 s");
    else
      paper.transport.answer(500, error_xml("InternalError", "oops"));
    EXPECT_EQ(said(FAILURE_OF(paper.client.send(a_change()))),
              lost_reply ? "outcome_unknown | Route 53 ChangeResourceRecordSets on zone Z1: no answer within 30 s | "
                           "Look at the network"
                         : "outcome_unknown | Route 53 ChangeResourceRecordSets on zone Z1: InternalError: oops | Run "
                           "again in a minute");
    EXPECT_EQ(paper.transport.requests.size(), 1U);
  }
}

TEST(Client, RepeatsAChangeThatSurelyWasNotDone) {
  Paper paper;
  paper.transport.fail(Failure::Kind::transient, "connection refused");
  paper.transport.answer(400, error_xml("Throttling", "Rate exceeded"));
  paper.transport.answer(200, "<ok/>");
  EXPECT_EQ(AWAITED(paper.client.send(a_change())).status, 200);
}

TEST(Client, LeavesPriorRequestNotCompleteToWhoeverQueuesTheZone) {
  Paper paper;
  paper.transport.answer(400, error_xml("PriorRequestNotComplete", "The request was rejected"));
  auto failure = FAILURE_OF(paper.client.send(a_change()));
  EXPECT_EQ(
      said(failure),
      "throttled | Route 53 ChangeResourceRecordSets on zone Z1: PriorRequestNotComplete: The request was rejected | "
      "Run again in a minute");
  EXPECT_EQ(failure->code(), "PriorRequestNotComplete");
  EXPECT_EQ(paper.transport.requests.size(), 1U);
}

TEST(Client, ARepeatableCallWithoutAnyAnswerIsTransient) {
  Paper paper;
  for (int i = 0; i < 3; ++i) paper.transport.fail(Failure::Kind::outcome_unknown, "no answer");
  EXPECT_EQ(said(FAILURE_OF(paper.client.send(a_read()))),
            "transient | Route 53 GetChange on change C1: no answer | Look at the network");
  EXPECT_EQ(paper.transport.requests.size(), 3U);
}

TEST(Client, StopsRetryingWhenTheQuotaIsSpentAndEarnsItBack) {
  Paper paper;
  // 500 of quota, 10 for each lost reply, two retries a call: 25 calls.
  for (int i = 0; i < 75; ++i) paper.transport.fail(Failure::Kind::outcome_unknown, "no answer");
  for (int i = 0; i < 25; ++i) FAILURE_OF(paper.client.send(a_read()));
  EXPECT_EQ(paper.transport.requests.size(), 75U);
  paper.transport.fail(Failure::Kind::outcome_unknown, "no answer");
  FAILURE_OF(paper.client.send(a_read()));
  EXPECT_EQ(paper.transport.requests.size(), 76U);

  for (int i = 0; i < 5; ++i) paper.transport.answer(200, "<ok/>");
  for (int i = 0; i < 5; ++i) AWAITED(paper.client.send(a_read()));
  paper.transport.answer(500, "");
  paper.transport.answer(200, "<ok/>");
  EXPECT_EQ(AWAITED(paper.client.send(a_read())).status, 200);
}

TEST(Client, WaitsAsLongAsTheServiceAsks) {
  Paper paper;
  paper.transport.answer(400, error_xml("Throttling", "Rate exceeded"), {{"x-amz-retry-after", "4500"}});
  paper.transport.answer(200, "<ok/>");
  AWAITED(paper.client.send(a_read()));
  EXPECT_EQ(paper.clock.slept.at(0), milliseconds(4500));
}

TEST(Client, TakesAWSsTimeOnceWhereOursIsWrong) {
  Paper paper;
  paper.transport.answer(403, error_xml("SignatureDoesNotMatch", "Signature expired: 20261123T120000Z"),
                         {{"Date", "Mon, 23 Nov 2026 12:10:00 GMT"}});
  paper.transport.answer(200, "<ok/>", {{"Date", "Mon, 23 Nov 2026 12:10:00 GMT"}});
  AWAITED(paper.client.send(a_read()));
  EXPECT_EQ(paper.transport.requests.at(1).headers.get("x-amz-date"), "20261123T121000Z");
  EXPECT_EQ(paper.client.heard_time(), paper.clock.now() + minutes(10));
  EXPECT_EQ(paper.log.warnings,
            std::vector<std::string>{"This machine's clock is 10 min behind AWS's: signatures bear AWS's time"});
  EXPECT_TRUE(paper.clock.slept.empty());

  paper.transport.answer(200, "<ok/>");
  AWAITED(paper.client.send(a_read()));
  EXPECT_EQ(paper.transport.requests.at(2).headers.get("x-amz-date"), "20261123T121000Z");
}

// As of a store on this machine, which has our clock: AWS's counts, whichever answered last.
TEST(Client, TakesTheTimeOfAnEndpointGivenByHandForItsOwnSignaturesAlone) {
  Paper paper;
  Client client{paper.outside, paper.keys, "eu-west-1", {"", {{"s3", "http://127.0.0.1:9000"}}}};
  const Call stored{.service = "s3", .operation = "GetObject", .method = "GET", .bucket = "state"};
  const auto heard_after = [&](const Call& call, const char* date) {
    paper.transport.answer(200, "<ok/>", {{"Date", date}});
    AWAITED(client.send(call));
    return *client.heard_time() - paper.clock.now();
  };
  EXPECT_EQ(heard_after(stored, "Mon, 23 Nov 2026 12:00:00 GMT"), Duration::zero()) << "before AWS has answered";
  EXPECT_EQ(heard_after(a_read(), "Mon, 23 Nov 2026 12:20:00 GMT"), minutes(20));
  EXPECT_EQ(heard_after(stored, "Mon, 23 Nov 2026 12:00:00 GMT"), minutes(20));
  paper.transport.answer(403, error_xml("RequestTimeTooSkewed", "no"), {{"Date", "Mon, 23 Nov 2026 12:40:00 GMT"}});
  EXPECT_EQ(heard_after(stored, "Mon, 23 Nov 2026 12:40:00 GMT"), minutes(20));
  EXPECT_EQ(paper.transport.requests.back().headers.get("x-amz-date"), "20261123T124000Z");
}

TEST(Client, TakesAWSsTimeForEveryCodeThatMayMeanAWrongClockButOnceACall) {
  for (const char* code : {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException",
                           "SignatureDoesNotMatch", "InvalidClientTokenId"}) {
    Paper paper;
    paper.transport.answer(403, error_xml(code, "no"), {{"Date", "Mon, 23 Nov 2026 11:00:00 GMT"}});
    paper.transport.answer(403, error_xml(code, "no"), {{"Date", "Mon, 23 Nov 2026 10:00:00 GMT"}});
    auto failure = FAILURE_OF(paper.client.send(a_read()));
    ASSERT_TRUE(failure) << code;
    EXPECT_EQ(failure->kind(), Failure::Kind::refused) << code;
    ASSERT_EQ(paper.transport.requests.size(), 2U) << code;
    EXPECT_EQ(paper.transport.requests.at(1).headers.get("x-amz-date"), "20261123T110000Z") << code;
  }
}

TEST(Access, TakesAWSsTimeOnceForAllItsClients) {
  Paper paper;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  const http::Headers date{{"Date", "Mon, 23 Nov 2026 13:00:00 GMT"}};
  paper.transport.answer(403, error_xml("SignatureDoesNotMatch", "Signature expired: 20261123T120000Z"), date);
  for (int i = 0; i < 4; ++i) paper.transport.answer(200, "<ok/>", date);
  for (const char* region : {"eu-west-1", "us-east-1", "us-west-2", "eu-north-1"})
    AWAITED(access.client_in(region).send(a_read()));
  EXPECT_EQ(paper.transport.requests.size(), 5U);
  EXPECT_EQ(paper.log.warnings.size(), 1U);
  EXPECT_EQ(paper.transport.requests.back().headers.get("x-amz-date"), "20261123T130000Z");
}

TEST(Client, ABadSignatureWithARightClockIsNotTriedAgainNorShown) {
  Paper paper;
  paper.transport.answer(
      403, error_xml("SignatureDoesNotMatch", "The Canonical String should have been x-amz-security-token:TOKEN"),
      {{"Date", "Mon, 23 Nov 2026 12:01:00 GMT"}});
  EXPECT_EQ(said(FAILURE_OF(paper.client.send(a_read()))),
            "refused | Route 53 GetChange on change C1: SignatureDoesNotMatch: the signature is wrong | "
            "Check the credentials (given): AWS does not accept them");
  EXPECT_EQ(paper.transport.requests.size(), 1U);
}

TEST(Client, KeepsRoute53sPaceButNotThatOfAnOverriddenEndpoint) {
  Paper paper;
  for (int i = 0; i < 14; ++i) paper.transport.answer(200, "<ok/>");
  for (int i = 0; i < 7; ++i) AWAITED(paper.client.send(a_read()));
  EXPECT_EQ(paper.clock.slept, (std::vector{milliseconds(200), milliseconds(200)}));

  Client local{paper.outside, paper.keys, "eu-west-1", {"http://127.0.0.1:4566", {}}};
  EXPECT_TRUE(local.overridden("route53"));
  for (int i = 0; i < 7; ++i) AWAITED(local.send(a_read()));
  EXPECT_EQ(paper.clock.slept.size(), 2U);
  EXPECT_EQ(paper.transport.requests.back().url.text(), "http://127.0.0.1:4566/2013-04-01/change/C1");
}

TEST(Client, SlowsRoute53DownWhereItThrottlesAndRecovers) {
  Paper paper;
  paper.entropy.octet = std::byte{0};  // no jitter: what is waited for is the budget
  const auto waits_of = [&](int calls) {
    paper.clock.slept.clear();
    for (int i = 0; i < calls; ++i) paper.transport.answer(200, "<ok/>");
    for (int i = 0; i < calls; ++i) AWAITED(paper.client.send(a_read()));
    return paper.clock.slept;
  };
  paper.transport.answer(400, error_xml("Throttling", "Rate exceeded"));
  const auto slow = waits_of(3);
  ASSERT_EQ(slow.size(), 4U);  // the backoff, and one wait for each request
  EXPECT_EQ(slow.at(1), milliseconds(400));
  EXPECT_LT(slow.at(3), slow.at(1));  // each success gives something back
  const auto recovered = waits_of(20);
  EXPECT_EQ(recovered.back(), milliseconds(200));
  // Up to the documented rate again, and however long all goes well never above it.
  EXPECT_EQ(waits_of(100), std::vector(100, milliseconds(200)));
}

// Each version of the API in each region; what changes something is not paced.
TEST(Access, KeepsThePaceOfElasticLoadBalancingInEachRegion) {
  Paper paper;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  const auto waits = [&](Client& client, const std::string& service, const std::string& operation) {
    for (int i = 0; i < 33; ++i) paper.transport.answer(200, "<ok/>");
    for (int i = 0; i < 33; ++i) AWAITED(client.send({.service = service, .operation = operation, .object = "x"}));
    return std::exchange(paper.clock.slept, {}).size();
  };
  EXPECT_EQ(waits(access.client(), "elbv2", "DescribeListeners"), 3U);
  EXPECT_EQ(waits(access.client(), "elbv2", "DescribeLoadBalancers"), 33U);
  EXPECT_EQ(waits(access.client(), "elb", "DescribeLoadBalancers"), 3U);
  EXPECT_EQ(waits(access.client_in("us-west-2"), "elbv2", "DescribeListeners"), 3U);
  EXPECT_EQ(waits(access.client(), "elbv2", "ModifyListener"), 0U);
}

TEST(Access, SharesTheBudgetOfAnAccountAmongItsRoles) {
  Paper paper;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  const auto asks_as = [&](const std::string& role) {
    paper.transport.answer(200, role_session());
    for (int i = 0; i < 5; ++i) paper.transport.answer(200, "<ok/>");
    for (int i = 0; i < 5; ++i) AWAITED(access.client_as(RoleSettings{.role = role}).send(a_read()));
    return std::exchange(paper.clock.slept, {}).size();
  };
  EXPECT_EQ(asks_as("arn:aws:iam::210987654321:role/dns"), 0U);
  EXPECT_EQ(asks_as("arn:aws:iam::210987654321:role/other"), 5U);
  EXPECT_EQ(asks_as("arn:aws:iam::333333333333:role/dns"), 0U);
}

// Route 53 counts by account: a role of ours is no account of its own.
TEST(Access, SharesTheBudgetOfOurAccountWithItsRolesOnceItIsKnown) {
  const std::string role = "arn:aws:iam::210987654321:role/dns";
  const auto waits = [](Paper& paper, Client& client) {
    for (int i = 0; i < 5; ++i) paper.transport.answer(200, "<ok/>");
    for (int i = 0; i < 5; ++i) AWAITED(client.send(a_read()));
    return std::exchange(paper.clock.slept, {}).size();
  };
  Paper asked;
  Access access{asked.outside, asked.keys, "eu-west-1", {}};
  EXPECT_EQ(waits(asked, access.client()), 0U);
  asked.transport.answer(200,
                         "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>210987654321</Account>"
                         "<Arn>arn:aws:iam::210987654321:user/u</Arn></GetCallerIdentityResult>"
                         "</GetCallerIdentityResponse>");
  AWAITED(Sts{access.client()}.caller_identity());
  asked.transport.answer(200, role_session());
  EXPECT_EQ(waits(asked, access.client_as(RoleSettings{.role = role})), 5U);
  asked.transport.answer(200, role_session());
  EXPECT_EQ(waits(asked, access.client_as(RoleSettings{.role = "arn:aws:iam::333333333333:role/dns"})), 0U);

  Paper told;
  auto keys = std::make_shared<FixedCredentials>(Credentials{.access_key_id = "AKIDEXAMPLE",
                                                             .secret_access_key = Secret{"a-secret-of-some-length"},
                                                             .session_token = Secret{""},
                                                             .source = "IAM Identity Center",
                                                             .account = "210987654321"});
  Access known{told.outside, keys, "eu-west-1", {}};
  EXPECT_EQ(waits(told, known.client()), 0U);
  told.transport.answer(200, role_session());
  EXPECT_EQ(waits(told, known.client_as(RoleSettings{.role = role})), 5U);
}

TEST(Access, JudgesTheEndOfASessionByAWSsTime) {
  Paper paper;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  const http::Headers an_hour_ahead{{"Date", "Mon, 23 Nov 2026 13:00:00 GMT"}};
  paper.transport.answer(403, error_xml("SignatureDoesNotMatch", "Signature expired"), an_hour_ahead);
  paper.transport.answer(200, role_session("ASIA1", "2026-11-23T14:00:00Z"), an_hour_ahead);
  paper.transport.answer(200, "<ok/>");
  Client& client = access.client_as(RoleSettings{.role = "arn:aws:iam::210987654321:role/dns"});
  AWAITED(client.send(a_read()));
  paper.clock.pass(minutes(50));  // ours says that an hour and ten minutes are left
  paper.transport.answer(200, role_session("ASIA2", "2026-11-23T15:00:00Z"));
  paper.transport.answer(200, "<ok/>");
  AWAITED(client.send(a_read()));
  EXPECT_EQ(AWAITED(client.credentials())->access_key_id, "ASIA2");
}

TEST(Client, FetchesCredentialsAnewThatAWSSaysHaveExpired) {
  Paper paper;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  Client& client = access.client_as(RoleSettings{.role = "arn:aws:iam::210987654321:role/dns"});
  paper.transport.answer(200, role_session("ASIA1", "2026-11-23T14:00:00Z"));
  paper.transport.answer(200, "<ok/>");
  AWAITED(client.send(a_change()));
  paper.clock.pass(minutes(2));
  paper.transport.answer(403, error_xml("ExpiredToken", "The security token is expired"));
  paper.transport.answer(200, role_session("ASIA2", "2026-11-23T15:00:00Z"));
  paper.transport.answer(200, "<ok/>");
  EXPECT_EQ(AWAITED(client.send(a_change())).status, 200);
  EXPECT_EQ(AWAITED(client.credentials())->access_key_id, "ASIA2");
  // Those that were just fetched are no better a second time.
  paper.transport.answer(403, error_xml("ExpiredToken", "The security token is expired"));
  const auto failure = FAILURE_OF(client.send(a_change()));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), "ExpiredToken");
  EXPECT_TRUE(paper.transport.replies.empty());
}

TEST(Client, FormCallsSayThatTheyAreForms) {
  Paper paper;
  paper.transport.answer(200, "<ok/>");
  AWAITED(paper.client.send(query_call("iam", "2010-05-08", "X", "", {})));
  EXPECT_EQ(paper.transport.requests.at(0).headers.get("content-type"),
            "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(paper.transport.requests.at(0).url.text(), "https://iam.amazonaws.com/");
}

struct CountedLease final : Lease {
  mutable int asked = 0;
  int lasts_for = 0;  // so many askings
  bool lease_outlasts(Duration deadline) const override {
    EXPECT_EQ(deadline, limits::aws::request_deadline);
    return asked++ < lasts_for;
  }
};

TEST(Client, AsksItsLeaseBeforeEachAttemptThatChangesSomething) {
  Paper paper;
  CountedLease lease;
  lease.lasts_for = 1;
  paper.client.act_under(lease);
  paper.transport.fail(Failure::Kind::transient);  // surely not done, and tried again; but the lease is over by then
  EXPECT_EQ(said(FAILURE_OF(paper.client.send(a_change()))).substr(0, 64),
            "fenced | Route 53 ChangeResourceRecordSets on zone Z1: not begun");
  EXPECT_EQ(paper.transport.requests.size(), 1U);
  EXPECT_EQ(lease.asked, 2);
}

TEST(Client, AsksNoLeaseForReadsNorForTheStore) {
  Paper paper;
  CountedLease over;
  paper.client.act_under(over);
  for (int i = 0; i < 4; ++i) paper.transport.answer(200, "<ok/>");
  AWAITED(paper.client.send(a_read()));
  AWAITED(paper.client.send({.service = "elbv2", .operation = "DescribeListeners", .object = "x"}));
  AWAITED(paper.client.send({.service = "s3", .operation = "PutObject", .object = "x", .method = "PUT"}));
  AWAITED(paper.client.send({.service = "kms", .operation = "GenerateDataKey", .object = "x"}));
  EXPECT_EQ(over.asked, 0);
}

// As a heart's: over when this machine stood still for longer than a minute.
struct LeaseByAWSsClock final : Lease {
  explicit LeaseByAWSsClock(Client& client) : time(client.time()) {}
  bool lease_outlasts(Duration) const override { return time->stood_still() < minutes(1); }
  std::shared_ptr<SigningClock> time;
};

const Call another_certificate{.service = "elbv2", .operation = "ModifyListener", .object = "listener web:443"};

// The steady clock of a virtual machine that was paused is as far behind AWS's as its civil one, and the refusal of its
// date is the first that it hears of that.
TEST(Client, SendsNoChangeAgainWhoseRefusedDateTellsThatThisMachineStoodStill) {
  Paper paper;
  const LeaseByAWSsClock lease{paper.client};
  paper.client.act_under(lease);
  paper.transport.answer(200, "<ok/>", {{"Date", "Mon, 23 Nov 2026 12:00:00 GMT"}});
  AWAITED(paper.client.send(a_read()));
  paper.transport.answer(403, error_xml("SignatureDoesNotMatch", "Signature expired: 20261123T120000Z"),
                         {{"Date", "Mon, 23 Nov 2026 12:14:00 GMT"}});
  EXPECT_EQ(said(FAILURE_OF(paper.client.send(another_certificate))).substr(0, 77),
            "fenced | Elastic Load Balancing ModifyListener on listener web:443: not begun");
  EXPECT_EQ(paper.transport.requests.size(), 2U);
}

TEST(Client, TellsAMachineThatStoodStillFromOneWhoseClockWasAlwaysWrong) {
  Paper paper;
  const LeaseByAWSsClock lease{paper.client};
  paper.client.act_under(lease);
  const http::Headers date{{"Date", "Mon, 23 Nov 2026 12:14:00 GMT"}};
  paper.transport.answer(200, "<ok/>", date);  // S3 minds no less than 15 minutes
  AWAITED(paper.client.send({.service = "s3", .operation = "GetObject", .object = "x", .method = "GET"}));
  paper.transport.answer(403, error_xml("SignatureDoesNotMatch", "Signature expired: 20261123T120000Z"), date);
  paper.transport.answer(200, "<ok/>", date);
  EXPECT_EQ(AWAITED(paper.client.send(another_certificate)).status, 200);
  paper.clock.wall += hours(3);  // somebody sets it
  paper.transport.answer(200, "<ok/>", date);
  EXPECT_EQ(AWAITED(paper.client.send(another_certificate)).status, 200);
  EXPECT_EQ(lease.time->stood_still(), Duration::zero());
}

// An answer may have been long on its way, an old one may be given again, and a service given by hand has its own
// clock.
TEST(Client, TakesForAStandstillOnlyWhatSurelyIsOne) {
  Paper paper;
  EndpointSettings by_hand;
  by_hand.by_service["s3"] = "http://127.0.0.1:9000";
  Client client{paper.outside, paper.keys, "eu-west-1", by_hand};
  const auto hear = [&](const Call& call, const char* date) {
    paper.transport.answer(200, "<ok/>", {{"Date", date}});
    AWAITED(client.send(call));
  };
  const Call of_store{.service = "s3", .operation = "GetObject", .object = "x", .method = "GET"};
  paper.transport.on_send = [&] { paper.clock.pass(seconds(25)); };
  hear(a_read(), "Mon, 23 Nov 2026 12:00:00 GMT");
  paper.transport.on_send = nullptr;
  for (const char* date :
       {"Mon, 23 Nov 2026 12:00:25 GMT", "Mon, 23 Nov 2026 11:00:00 GMT", "Mon, 23 Nov 2026 12:00:26 GMT"})
    hear(a_read(), date);
  hear(of_store, "Mon, 23 Nov 2026 18:00:00 GMT");
  hear(a_read(), "Mon, 23 Nov 2026 12:00:26 GMT");
  EXPECT_EQ(client.time()->stood_still(), Duration::zero());
  hear(of_store, "Mon, 23 Nov 2026 18:01:31 GMT");
  EXPECT_EQ(client.time()->stood_still(), seconds(90));
}

TEST(Access, PutsEveryClientUnderTheLeaseThoseMadeLaterToo) {
  Paper paper;
  CountedLease over;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  access.client();
  access.act_under(over);
  for (Client* client : {&access.client(), &access.client_in("us-west-2")}) {
    const auto failure = FAILURE_OF(client->send(a_change()));
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Failure::Kind::fenced);
  }
}

}  // namespace
}  // namespace certferry::aws::testing
