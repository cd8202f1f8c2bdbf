#include "aws/credentials.h"

#include <gtest/gtest.h>

#include "aws/access.h"
#include "aws/container_credentials.h"
#include "aws/instance_metadata.h"
#include "aws/role_credentials.h"
#include "base/limits/aws.h"
#include "instance.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

std::shared_ptr<InstanceCredentials> instance_of(Paper& paper) {
  auto metadata = std::make_shared<InstanceMetadata>(paper.outside, Url::parse("http://169.254.169.254"));
  return std::make_shared<InstanceCredentials>(paper.outside, metadata);
}

TEST(InstanceCredentials, AreAskedOnceAndRefreshedAQuarterOfAnHourBeforeTheyEnd) {
  Paper paper;
  auto provider = instance_of(paper);
  answer_instance(paper, "FIRST", "2026-11-23T13:00:00Z");
  answer_instance(paper, "SECOND", "2026-11-23T19:00:00Z", false);
  SharedCredentials first = AWAITED(provider->credentials());
  EXPECT_EQ(first->access_key_id, "FIRST");
  EXPECT_EQ(first->source, "IMDSv2 role web");
  paper.clock.pass(minutes(44));
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  EXPECT_EQ(paper.transport.requests.size(), 3U);
  paper.clock.pass(minutes(2));
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "SECOND");
  const http::Request& put = paper.transport.requests.at(0);
  EXPECT_EQ(put.method, "PUT");
  EXPECT_EQ(put.headers.get("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(put.deadline, seconds(1));
  EXPECT_EQ(put.trust, http::Trust::metadata);
  EXPECT_EQ(paper.transport.requests.at(4).url.text(),
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/web");
}

TEST(InstanceCredentials, StayInUseWhileARefreshFailsAndTheyLive) {
  Paper paper;
  auto provider = instance_of(paper);
  answer_instance(paper, "FIRST", "2026-11-23T13:00:00Z");
  AWAITED(provider->credentials());
  paper.clock.pass(minutes(50));
  hang(paper);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  EXPECT_EQ(paper.log.warnings.size(), 1U);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");  // not asked again within the minute
  EXPECT_EQ(paper.transport.requests.size(), 6U);
  paper.clock.pass(minutes(11));
  hang(paper);
  EXPECT_EQ(said(FAILURE_OF(provider->credentials())),
            "transient | the instance metadata service (IMDSv2): no answer within 1 s | Run again in a minute");
}

TEST(InstanceCredentials, AreGotThroughWhatPasses) {
  Paper paper;
  auto provider = instance_of(paper);
  paper.transport.fail(Failure::Kind::transient, "connection refused");
  paper.transport.fail(Failure::Kind::outcome_unknown, "the connection was reset");
  paper.transport.answer(200, "imds-token");
  paper.transport.answer(503, "");
  answer_instance(paper, "FIRST", "2026-11-23T18:00:00Z", false);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
}

TEST(InstanceCredentials, AreNotUsedBeyondTheirEndBecauseARefreshFailedJustBefore) {
  Paper paper;
  auto provider = instance_of(paper);
  answer_instance(paper, "FIRST", "2026-11-23T13:00:00Z");
  AWAITED(provider->credentials());
  paper.clock.pass(minutes(59) + seconds(30));
  for (int i = 0; i < limits::aws::metadata_attempts; ++i) paper.transport.fail(Failure::Kind::outcome_unknown);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  paper.clock.pass(seconds(31));
  answer_instance(paper, "SECOND", "2026-11-23T19:00:00Z", false);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "SECOND");
}

TEST(InstanceCredentials, AreNotWaitedForByWhatIsUrgentWhileTheFormerLive) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}};
  auto access = AWAITED(Access::open(paper.outside, {}));
  answer_instance(paper, "FIRST", "2026-11-23T13:00:00Z");
  AWAITED(access->client().credentials());
  const auto signed_by = [&](Duration passed) {
    paper.clock.pass(passed);
    paper.transport.answer(200, "<ok/>");
    AWAITED(access->client().send({.service = "kms", .operation = "X", .urgent = true}));
    const std::string by = paper.transport.requests.back().headers.get("authorization").value_or("");
    return by.substr(by.find('=') + 1, by.find('/') - by.find('=') - 1);
  };
  EXPECT_EQ(signed_by(minutes(59)), "FIRST");
  answer_instance(paper, "SECOND", "2026-11-23T19:00:00Z", false);
  EXPECT_EQ(signed_by(minutes(1)), "SECOND");
}

TEST(InstanceCredentials, AreUsedForAMinuteWhereTheSourceHasNoneThatLive) {
  Paper paper;
  auto provider = instance_of(paper);
  answer_instance(paper, "OVER", "2026-11-23T11:00:00Z");
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "OVER");
  paper.clock.pass(seconds(59));
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "OVER");
  EXPECT_EQ(paper.transport.requests.size(), 3U);
}

TEST(InstanceCredentials, AreFetchedOnceForAllThatWait) {
  Paper paper;
  auto provider = instance_of(paper);
  answer_instance(paper, "FIRST", "2026-11-23T18:00:00Z");
  std::vector<Work> works(5, [&]() -> Task<> { co_await provider->credentials(); });
  auto ended = AWAITED(all_settled(works));
  EXPECT_EQ(std::ranges::count(ended, nullptr), 5);
  EXPECT_EQ(paper.transport.requests.size(), 3U);
}

// A source of one request, which answers when it is told to, and who asks for its credentials side by side.
struct HeldContainer {
  Paper paper;
  Signal answer;
  std::shared_ptr<ContainerCredentials> provider =
      std::make_shared<ContainerCredentials>(paper.outside, Url::parse("http://169.254.170.2/x"));
  std::vector<std::string> events;  // what was given to whom, in order; "the answer"

  // FIRST ends in an hour, of which `passed` have gone by since they were fetched.
  void keep_first(Duration passed) {
    paper.transport.answer(200, key_document("FIRST", "2026-11-23T13:00:00Z"));
    AWAITED(provider->credentials());
    paper.clock.pass(passed);
    paper.transport.requests.clear();
    paper.transport.opens = &answer;
  }
  Work asker(std::string name) {
    return [this, name]() -> Task<> {
      const SharedCredentials given = co_await provider->credentials();
      events.push_back(name + " " + given->access_key_id);
    };
  }
  Work told_to_answer() {
    return [this]() -> Task<> {
      events.emplace_back("the answer");
      answer.notify();
      co_return;
    };
  }
};

TEST(CachedCredentials, AreAskedForByOneRequestHoweverManyWaitForIt) {
  HeldContainer source;
  source.paper.transport.opens = &source.answer;
  source.paper.transport.answer(200, key_document("FIRST", "2026-11-23T13:00:00Z"));
  std::vector<Work> works(50, source.asker("somebody"));
  works.push_back(source.told_to_answer());
  AWAITED(all_settled(works));
  EXPECT_EQ(source.paper.transport.requests.size(), 1U);
  EXPECT_EQ(source.events.at(0), "the answer");
  EXPECT_EQ(std::ranges::count(source.events, "somebody FIRST"), 50);
}

TEST(CachedCredentials, ServeTheOldOnesToOthersWhileARefreshIsUnderWay) {
  HeldContainer source;
  source.keep_first(minutes(46));
  source.paper.transport.answer(200, key_document("SECOND", "2026-11-23T19:00:00Z"));
  AWAITED(all_settled({source.asker("who asks"), source.asker("another"), source.asker("a third"),
                       source.told_to_answer(), source.asker("a late one")}));
  EXPECT_EQ(source.events, (std::vector<std::string>{"another FIRST", "a third FIRST", "the answer", "a late one FIRST",
                                                     "who asks SECOND"}));
  EXPECT_EQ(source.paper.transport.requests.size(), 1U);
}

TEST(CachedCredentials, AreTheOldOnesForAllWhereARefreshFailsInTime) {
  HeldContainer source;
  source.keep_first(minutes(46));
  source.paper.transport.answer(403, "");
  AWAITED(all_settled({source.asker("who asks"), source.asker("another"), source.told_to_answer()}));
  EXPECT_EQ(source.events, (std::vector<std::string>{"another FIRST", "the answer", "who asks FIRST"}));
  EXPECT_EQ(source.paper.transport.requests.size(), 1U);
  EXPECT_EQ(
      source.paper.log.warnings,
      std::vector<std::string>{"AWS credentials (the container's credentials at http://169.254.170.2) could not be "
                               "refreshed: the container's credentials at http://169.254.170.2: HTTP 403; the "
                               "present ones live for 14 min"});
}

TEST(CachedCredentials, AreWaitedForByAllInTheLastTenMinutes) {
  HeldContainer source;
  source.keep_first(minutes(50));
  source.paper.transport.answer(200, key_document("SECOND", "2026-11-23T19:00:00Z"));
  AWAITED(all_settled({source.asker("who asks"), source.asker("another"), source.told_to_answer()}));
  EXPECT_EQ(source.events, (std::vector<std::string>{"the answer", "who asks SECOND", "another SECOND"}));
  EXPECT_EQ(source.paper.transport.requests.size(), 1U);
}

TEST(CachedCredentials, AreWaitedForOnceARefreshHasTakenTooLong) {
  HeldContainer source;
  source.keep_first(minutes(46));
  source.paper.transport.answer(200, key_document("SECOND", "2026-11-23T19:00:00Z"));
  const Work four_minutes_later = [&]() -> Task<> {
    source.paper.clock.pass(minutes(4));
    co_return;
  };
  AWAITED(all_settled({source.asker("who asks"), source.asker("another"), four_minutes_later, source.asker("a third"),
                       source.told_to_answer()}));
  EXPECT_EQ(source.events,
            (std::vector<std::string>{"another FIRST", "the answer", "who asks SECOND", "a third SECOND"}));
  EXPECT_EQ(source.paper.transport.requests.size(), 1U);
}

TEST(CachedCredentials, AreAskedForByTheNextWhereWhoAskedIsStopped) {
  HeldContainer source;
  source.keep_first(minutes(46));
  source.paper.transport.answer(200, key_document("SECOND", "2026-11-23T19:00:00Z"));
  const Work nothing = []() -> Task<> { co_return; };
  EXPECT_EQ(AWAITED(race(source.asker("who asks"), nothing)), 1U);
  AWAITED(all_settled({source.asker("the next"), source.told_to_answer()}));
  EXPECT_EQ(source.events, (std::vector<std::string>{"the answer", "the next SECOND"}));
  EXPECT_EQ(source.paper.transport.requests.size(), 2U);
}

TEST(InstanceCredentials, RenewATokenThatIsNoLongerAccepted) {
  Paper paper;
  auto provider = instance_of(paper);
  paper.transport.answer(200, "old-token");
  paper.transport.answer(401, "");
  answer_instance(paper, "FIRST", "2026-11-23T18:00:00Z");
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  EXPECT_EQ(paper.transport.requests.at(3).headers.get("x-aws-ec2-metadata-token"), "imds-token");
}

TEST(InstanceCredentials, NeverFallBackToVersionOne) {
  Paper paper;
  auto provider = instance_of(paper);
  paper.transport.answer(403, "");
  EXPECT_EQ(said(FAILURE_OF(provider->credentials())),
            "refused | the instance metadata service (IMDSv2): HTTP 403 for a token | "
            "Enable IMDSv2 for the instance and attach a role, or give other credentials");
  EXPECT_EQ(paper.transport.requests.size(), 1U);
}

TEST(InstanceCredentials, DoNotShowWhatCannotBeRead) {
  Paper paper;
  auto provider = instance_of(paper);
  paper.transport.answer(200, "imds-token");
  paper.transport.answer(200, "web");
  paper.transport.answer(200, R"({"SecretAccessKey":"half-a-secret)");
  auto failure = FAILURE_OF(provider->credentials());
  EXPECT_EQ(said(failure),
            "transient | AWS credentials from IMDSv2 role web: the answer is no JSON | Run again; if it stays, look at "
            "IMDSv2 role web");
}

TEST(ContainerCredentials, ReadTheTokenFileAnewEachTime) {
  Paper paper;
  paper.host.variables = {{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"},
                          {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "loses"}};
  ContainerCredentials provider{paper.outside, Url::parse("http://169.254.170.23/v1/credentials")};
  for (const char* token : {"first\n", "second"}) {
    paper.host.files["/token"] = token;
    paper.transport.answer(200, key_document("ID", "2026-11-23T12:10:00Z"));
    AWAITED(provider.credentials());
    paper.clock.pass(minutes(20));
  }
  EXPECT_EQ(paper.transport.requests.at(0).headers.get("authorization"), "first");
  EXPECT_EQ(paper.transport.requests.at(1).headers.get("authorization"), "second");
}

// Whoever gives the keys is near by, or is known by its certificate; no proxy hears of them.
TEST(ContainerCredentials, AreAskedForAsTheMetadataServicesAre) {
  for (const char* url : {"http://169.254.170.2/x", "https://credentials.example/x?a=b"}) {
    Paper paper;
    ContainerCredentials provider{paper.outside, Url::parse(url)};
    paper.transport.answer(200, key_document("ID", "2026-11-23T13:00:00Z"));
    AWAITED(provider.credentials());
    EXPECT_EQ(paper.transport.requests.at(0).trust, http::Trust::metadata) << url;
    EXPECT_EQ(paper.transport.requests.at(0).url.text(), url);
  }
}

TEST(ContainerCredentials, SayWhereTheyWereAskedForWhereNothingCouldBeHad) {
  for (const Failure::Kind kind : {Failure::Kind::refused, Failure::Kind::transient, Failure::Kind::outcome_unknown}) {
    Paper paper;
    ContainerCredentials provider{paper.outside, Url::parse("http://127.0.0.1:1/x")};
    for (int i = 0; i < limits::aws::metadata_attempts; ++i) paper.transport.fail(kind, "no connection");
    const bool refused = kind == Failure::Kind::refused;  // else nothing was done, and it may be asked again
    EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
              std::string{refused ? "refused" : "transient"} +
                  " | the container's credentials at http://127.0.0.1:1: no connection | "
                  "Look at the network");
  }
}

TEST(ContainerCredentials, AreAskedForAgainMoreAndMoreSlowlyWhereTheEndpointThrottles) {
  for (const int status : {429, 408}) {
    Paper paper;
    ContainerCredentials provider{paper.outside, Url::parse("http://169.254.170.2/x")};
    for (int i = 0; i < 3; ++i) paper.transport.answer(status, "");
    paper.transport.answer(200, key_document("ID", "2026-11-23T13:00:00Z"));
    EXPECT_EQ(AWAITED(provider.credentials())->access_key_id, "ID") << status;
    EXPECT_EQ(paper.clock.slept, (std::vector<Duration>{milliseconds(200), milliseconds(500), seconds(1)})) << status;
  }
}

TEST(ContainerCredentials, SayThatTheEndpointThrottlesWhereItDoesNotEnd) {
  Paper paper;
  ContainerCredentials provider{paper.outside, Url::parse("http://169.254.170.2/x")};
  for (int i = 0; i < 4; ++i) paper.transport.answer(429, "");
  EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
            "transient | the container's credentials at http://169.254.170.2: HTTP 429: it throttles whoever asks | "
            "Run again in a minute; what else runs in this task or on this instance shares the endpoint's limit");
}

TEST(ContainerCredentials, AreWaitedForAsLongAsAThrottlingEndpointAsksAndNoLongerThanFiveSeconds) {
  for (const auto& [asked, waited] : {std::pair{"3", seconds(3)}, {"0", milliseconds(200)}, {"3600", seconds(5)}}) {
    Paper paper;
    ContainerCredentials provider{paper.outside, Url::parse("http://169.254.170.2/x")};
    paper.transport.answer(429, "", {{"Retry-After", asked}});
    paper.transport.answer(200, key_document("ID", "2026-11-23T13:00:00Z"));
    EXPECT_EQ(AWAITED(provider.credentials())->access_key_id, "ID") << asked;
    EXPECT_EQ(paper.clock.slept, std::vector<Duration>{waited}) << asked;
  }
}

TEST(InstanceCredentials, AreAskedForAgainMoreAndMoreSlowlyWhereTheServiceThrottles) {
  Paper paper;
  auto provider = instance_of(paper);
  for (const int status : {429, 429, 408}) paper.transport.answer(status, "");
  answer_instance(paper, "FIRST", "2026-11-23T18:00:00Z");
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  EXPECT_EQ(paper.clock.slept, (std::vector<Duration>{milliseconds(200), milliseconds(500), seconds(1)}));
}

TEST(InstanceCredentials, SayThatTheServiceThrottlesWhereItDoesNotEnd) {
  Paper paper;
  auto provider = instance_of(paper);
  paper.transport.answer(200, "imds-token");
  for (int i = 0; i < 4; ++i) paper.transport.answer(429, "");
  EXPECT_EQ(said(FAILURE_OF(provider->credentials())),
            "transient | the instance metadata service (IMDSv2): HTTP 429: it throttles whoever asks | "
            "Run again in a minute; what else runs in this task or on this instance shares the endpoint's limit");
}

TEST(ContainerCredentials, RefuseATokenWithALineEndAndAForeignHost) {
  Paper paper;
  paper.host.variables = {{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nx-injected: 1"}};
  ContainerCredentials provider{paper.outside, Url::parse("http://169.254.170.2/x")};
  auto failure = FAILURE_OF(provider.credentials());
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_TRUE(paper.transport.requests.empty());

  for (const char* host : {"http://169.254.169.254/x", "http://127.evil.example/x", "http://example.com/x"}) {
    PaperHost elsewhere;
    elsewhere.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", host}};
    EXPECT_THROW(container_credentials_url(elsewhere), Failure) << host;
  }
}

TEST(ProcessCredentials, AreOfVersionOne) {
  for (const std::string version : {"", R"("Version":2,)", R"("Version":"1",)"}) {
    Paper paper;
    paper.host.on_run = [&](const Command&) {
      return Exit{.status = 0, .output = "{" + version + R"("AccessKeyId":"ID","SecretAccessKey":"secretsecret"})"};
    };
    ProcessCredentials provider{paper.outside, "tool"};
    const std::string why = version.empty() ? "it has no Version" : "it is of a version that is not 1";
    EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
              "transient | AWS credentials from credential_process tool: " + why +
                  " | Run again; if it stays, look at credential_process tool");
  }
}

TEST(ProcessCredentials, AreWhatTheCommandPrints) {
  Paper paper;
  std::vector<std::string> ran;
  paper.host.on_run = [&](const Command& command) {
    EXPECT_TRUE(command.answers);  // without what it warns of, and whole
    EXPECT_EQ(command.deadline, minutes(1));
    ran = command.argv;
    return Exit{
        .status = 0,
        .output =
            R"({"Version":1,"AccessKeyId":"ID","SecretAccessKey":"secretsecret","SessionToken":"t","Expiration":"2030-01-01T00:00:00Z"})"};
  };
  ProcessCredentials provider{paper.outside, R"(/opt/my\ tool --name "a b" 'c"d')"};
  EXPECT_EQ(AWAITED(provider.credentials())->access_key_id, "ID");
  EXPECT_EQ(ran, (std::vector<std::string>{"/opt/my tool", "--name", "a b", "c\"d"}));
  EXPECT_FALSE(shell_words("say 'hello"));
}

// As the SDKs for Python, JavaScript and .NET have it: the command gives what it has kept for too long.
TEST(ProcessCredentials, ThatHaveEndedAreRefused) {
  Paper paper;
  std::string expires = "2020-01-01T00:00:00Z";
  paper.host.on_run = [&](const Command&) {
    return Exit{.status = 0,
                .output = R"({"Version":1,"AccessKeyId":"ID","SecretAccessKey":"secretsecret","Expiration":")" +
                          expires + "\"}"};
  };
  const auto of_tool = [&] { return std::make_unique<ProcessCredentials>(paper.outside, "tool"); };
  const std::string next = " | Renew what the command gives; where it is good still, set this machine's clock";
  EXPECT_EQ(said(FAILURE_OF(of_tool()->credentials())),
            "refused | credential_process: tool gave credentials that ended on 2020-01-01T00:00:00Z" + next);
  expires = iso8601(paper.clock.wall + minutes(20));
  auto provider = of_tool();
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "ID");
  paper.clock.pass(minutes(10));
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "ID") << "the same again, and they live";
  paper.clock.pass(minutes(11));
  EXPECT_EQ(said(FAILURE_OF(provider->credentials())),
            "refused | credential_process: tool gave credentials that ended on " + expires + next);
}

TEST(ProcessCredentials, NameTheProfileAndTheSettingWhereNoneCanBeHad) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}, {"AWS_PROFILE", "shop"}};
  paper.host.files["/home/.aws/config"] = "[profile shop]\ncredential_process = tool\n";
  auto access = AWAITED(Access::open(paper.outside, {}));
  paper.host.on_run = [](const Command&) { return Exit{.status = 3}; };
  EXPECT_EQ(said(FAILURE_OF(access->client().credentials())),
            "refused | profile shop: credential_process: tool ended with status 3 | Run the command by hand, and "
            "correct the profile");
  auto again = AWAITED(Access::open(paper.outside, {}));
  paper.host.on_run = [](const Command&) -> Exit {
    throw Failure(Failure::Kind::refused, "tool: there is no such program", "Install it");
  };
  EXPECT_EQ(said(FAILURE_OF(again->client().credentials())),
            "refused | profile shop: credential_process: tool: there is no such program | Install it");
}

TEST(ProcessCredentials, SayThatNoShellRunsThem) {
  Paper paper;
  for (const char* command :
       {"echo foo | cat", "cat /etc/keys > /dev/stdout", "a && b", "tool; true", "tool $HOME/keys"}) {
    for (const Exit& exit : {Exit{.output = "foo | cat"}, Exit{.status = 1}}) {
      paper.host.on_run = [&](const Command&) { return exit; };
      ProcessCredentials provider{paper.outside, command};
      const std::string what = said(FAILURE_OF(provider.credentials()));
      EXPECT_TRUE(what.starts_with("refused | ")) << what;
      EXPECT_NE(what.find("no shell runs it"), std::string::npos) << command << ": " << what;
    }
  }
}

TEST(ProcessCredentials, NeverShowWhatAFailedCommandPrinted) {
  Paper paper;
  paper.host.on_run = [](const Command&) { return Exit{.status = 3, .output = "half-a-secret"}; };
  ProcessCredentials provider{paper.outside, "tool"};
  EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
            "refused | credential_process: tool ended with status 3 | Run the command by hand, and "
            "correct the profile");
}

TEST(ProcessCredentials, ThatCouldNotBeHadAreAskedForOnceByAllAndAgainAfterTheirPause) {
  Paper paper;
  int ran = 0;
  paper.host.on_run = [&](const Command&) {
    ++ran;
    return Exit{.status = 3};
  };
  ProcessCredentials provider{paper.outside, "tool"};
  const std::vector<Work> works(8, [&]() -> Task<> { co_await provider.credentials(); });
  for (int round = 1; round <= 2; ++round) {
    const auto ended = AWAITED(all_settled(works));
    EXPECT_EQ(std::ranges::count(ended, nullptr), 0);
    EXPECT_EQ(ran, round);
    EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
              "refused | credential_process: tool ended with status 3 | Run the command by hand, and "
              "correct the "
              "profile");
    EXPECT_EQ(ran, round);
    paper.clock.pass(limits::aws::refresh_pause);
  }
  paper.host.on_run = [](const Command&) {
    return Exit{.status = 0, .output = R"({"Version":1,"AccessKeyId":"ID","SecretAccessKey":"secretsecret"})"};
  };
  EXPECT_EQ(AWAITED(provider.credentials())->access_key_id, "ID");
}

}  // namespace
}  // namespace certferry::aws::testing
