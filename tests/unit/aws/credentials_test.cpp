#include "aws/credentials.h"

#include <gtest/gtest.h>

#include "aws/access.h"
#include "aws/container_credentials.h"
#include "aws/instance_metadata.h"
#include "aws/role_credentials.h"
#include "base/limits/aws.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

std::string key_document(const std::string& id, const std::string& expires) {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"secretsecret","Token":"tokentoken","Expiration":")" + expires + "\"}";
}

void answer_instance(Paper& paper, const std::string& id, const std::string& expires, bool token = true) {
  if (token) paper.transport.answer(200, "imds-token");
  paper.transport.answer(200, "web\n");
  paper.transport.answer(200, key_document(id, expires));
}

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
  paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 1 s");
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  EXPECT_EQ(paper.log.warnings.size(), 1U);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");  // not asked again within the minute
  EXPECT_EQ(paper.transport.requests.size(), 4U);
  paper.clock.pass(minutes(11));
  paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 1 s");
  EXPECT_EQ(
      said(FAILURE_OF(provider->credentials())),
      "transient | the instance metadata service (IMDSv2): no answer within 1 s, as in a container whose instance "
      "has a metadata hop limit of 1 | On EC2 attach a role to the instance; in a container set its metadata hop "
      "limit to 2; elsewhere give credentials");
}

TEST(InstanceCredentials, AreNotUsedBeyondTheirEndBecauseARefreshFailedJustBefore) {
  Paper paper;
  auto provider = instance_of(paper);
  answer_instance(paper, "FIRST", "2026-11-23T13:00:00Z");
  AWAITED(provider->credentials());
  paper.clock.pass(minutes(59) + seconds(30));
  paper.transport.fail(Failure::Kind::outcome_unknown);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "FIRST");
  paper.clock.pass(seconds(31));
  answer_instance(paper, "SECOND", "2026-11-23T19:00:00Z", false);
  EXPECT_EQ(AWAITED(provider->credentials())->access_key_id, "SECOND");
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

TEST(ContainerCredentials, SayWhereTheyWereAskedForWhereNothingCouldBeHad) {
  for (const Failure::Kind kind : {Failure::Kind::refused, Failure::Kind::transient, Failure::Kind::outcome_unknown}) {
    Paper paper;
    ContainerCredentials provider{paper.outside, Url::parse("http://127.0.0.1:1/x")};
    for (int i = 0; i < limits::aws::container_metadata_attempts; ++i) paper.transport.fail(kind, "no connection");
    EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
              std::string{name(kind)} +
                  " | the container's credentials at http://127.0.0.1:1: no connection | "
                  "Look at the network");
  }
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

TEST(ProcessCredentials, AreWhatTheCommandPrints) {
  Paper paper;
  std::vector<std::string> ran;
  paper.host.on_run = [&](const Command& command) {
    EXPECT_TRUE(command.answers);  // without what it warns of, and whole
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

TEST(Access, NamesTheConfigurationsPlaceForItsProfileAlone) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}};
  const AccessSettings settings{.region = "", .profile = "shop", .profile_place = "certferry.toml:2:11"};
  EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, settings))),
            "refused | certferry.toml:2:11: AWS profile shop is neither in /home/.aws/config nor in "
            "/home/.aws/credentials | Add it, or correct profile in [aws]");
  paper.host.files["/home/.aws/config"] = "[profile shop]\nuse_fips_endpoint = on\n";
  EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, settings))),
            "refused | /home/.aws/config:2: use_fips_endpoint: \"on\" is neither true nor false | Write true or false");
  paper.host.variables["AWS_PROFILE"] = "absent";
  EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, {.region = "", .profile = "", .profile_place = "x:1:1"}))),
            "refused | AWS profile absent is neither in /home/.aws/config nor in /home/.aws/credentials | Add it, or "
            "correct AWS_PROFILE");
}

TEST(Access, TakesRegionProfileAndEndpointsFromTheSharedFiles) {
  Paper paper;
  paper.host.variables = {{"AWS_PROFILE", "shop"}};
  paper.host.files["/home/.aws/config"] =
      "[profile shop]\nregion = eu-north-1\nservices = local\nendpoint_url = http://127.0.0.1:1\n"
      "[services local]\nroute_53 =\n  endpoint_url = http://127.0.0.1:2\n";
  paper.host.files["/home/.aws/credentials"] = "[shop]\naws_access_key_id = ID\naws_secret_access_key = secretsecret\n";
  auto access = AWAITED(Access::open(paper.outside, {}));
  EXPECT_EQ(access->region(), "eu-north-1");
  EXPECT_EQ(AWAITED(access->client().credentials())->source, "profile shop");
  paper.transport.answer(200, "<ok/>");
  paper.transport.answer(200, "<ok/>");
  AWAITED(access->client().send({.service = "route53", .operation = "X", .method = "GET", .path = "/x"}));
  AWAITED(access->client().send({.service = "iam", .operation = "X"}));
  EXPECT_EQ(paper.transport.requests.at(0).url.text(), "http://127.0.0.1:2/x");
  EXPECT_EQ(paper.transport.requests.at(1).url.text(), "http://127.0.0.1:1/");
  EXPECT_EQ(access->requests_sent(), 2U);
}

TEST(Access, TheEnvironmentsEndpointsComeBeforeTheFiles) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"},
                          {"AWS_ACCESS_KEY_ID", "ID"},
                          {"AWS_SECRET_ACCESS_KEY", "secretsecret"},
                          {"AWS_ENDPOINT_URL_ROUTE_53", "http://127.0.0.1:3"},
                          {"AWS_ENDPOINT_URL", "http://127.0.0.1:4"}};
  paper.host.files["/home/.aws/config"] = "[default]\nendpoint_url = http://127.0.0.1:1\n";
  auto access = AWAITED(Access::open(paper.outside, {}));
  paper.transport.answer(200, "<ok/>");
  paper.transport.answer(200, "<ok/>");
  AWAITED(access->client().send({.service = "route53", .operation = "X", .method = "GET", .path = "/x"}));
  AWAITED(access->client().send({.service = "kms", .operation = "X"}));
  EXPECT_EQ(paper.transport.requests.at(0).url.port(), 3);
  EXPECT_EQ(paper.transport.requests.at(1).url.port(), 4);

  paper.host.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  auto plain = AWAITED(Access::open(paper.outside, {}));
  EXPECT_FALSE(plain->client().overridden("route53"));
}

// The SDKs' names of the services (AWS SDKs and Tools Reference Guide, "Identifiers for service-specific endpoints").
const std::vector<std::array<std::string, 3>> services_by_name = {
    {"route53", "ROUTE_53", "route_53"},
    {"iam", "IAM", "iam"},
    {"elb", "ELASTIC_LOAD_BALANCING", "elastic_load_balancing"},
    {"elbv2", "ELASTIC_LOAD_BALANCING_V2", "elastic_load_balancing_v2"},
    {"s3", "S3", "s3"},
    {"kms", "KMS", "kms"},
    {"sts", "STS", "sts"},
    {"sso", "SSO", "sso"},
    {"sso-oidc", "SSO_OIDC", "sso_oidc"},
};

TEST(Access, KnowsEveryServiceByItsNameInTheEnvironmentAndInTheFile) {
  for (const auto& [service, variable, key] : services_by_name) {
    Paper by_environment, by_file;
    by_environment.host.variables = {{"AWS_REGION", "eu-west-1"},
                                     {"AWS_ENDPOINT_URL_" + variable, "http://127.0.0.1:2"}};
    by_file.host.variables = {{"AWS_REGION", "eu-west-1"}};
    by_file.host.files["/home/.aws/config"] =
        "[default]\nservices = local\n[services local]\n" + key + " =\n  endpoint_url = http://127.0.0.1:2\n";
    for (Paper* paper : {&by_environment, &by_file}) {
      const auto access = AWAITED(Access::open(paper->outside, {}));
      for (const auto& other : services_by_name)
        EXPECT_EQ(access->client().overridden(other[0]), other[0] == service) << other[0] << ", given for " << service;
    }
  }
}

TEST(Access, TakesTheRegionFromConfigurationEnvironmentAndProfileInThisOrder) {
  Paper paper;
  paper.host.variables = {{"AWS_EC2_METADATA_DISABLED", "true"}, {"AWS_PROFILE", "shop"}};
  paper.host.files["/home/.aws/config"] = "[default]\nregion = us-west-1\n[profile shop]\nregion = ca-central-1\n";
  AccessSettings settings;
  const auto region = [&] { return AWAITED(Access::open(paper.outside, settings))->region(); };
  EXPECT_EQ(region(), "ca-central-1");
  paper.host.variables["AWS_DEFAULT_REGION"] = "eu-south-1";
  EXPECT_EQ(region(), "eu-south-1");
  paper.host.variables["AWS_REGION"] = "eu-west-1";
  EXPECT_EQ(region(), "eu-west-1");
  settings.region = "eu-north-1";
  EXPECT_EQ(region(), "eu-north-1");
}

TEST(Access, TakesTheProfileFromConfigurationAndEnvironmentInThisOrder) {
  Paper paper;
  paper.host.files["/home/.aws/config"] =
      "[default]\nregion = us-west-1\n[profile a]\nregion = eu-west-1\n[profile b]\nregion = eu-west-2\n"
      "[profile c]\nregion = eu-west-3\n";
  AccessSettings settings;
  const auto opened = [&] { return AWAITED(Access::open(paper.outside, settings)); };
  EXPECT_EQ(opened()->region(), "us-west-1");
  paper.host.variables["AWS_DEFAULT_PROFILE"] = "a";
  EXPECT_EQ(opened()->region(), "eu-west-1");
  EXPECT_TRUE(paper.log.warnings.empty());
  paper.host.variables["AWS_PROFILE"] = "b";
  EXPECT_EQ(opened()->region(), "eu-west-2");
  EXPECT_EQ(paper.log.warnings, std::vector<std::string>{"AWS_DEFAULT_PROFILE (a) is not read: AWS_PROFILE is b"});
  settings.profile = "c";
  EXPECT_EQ(opened()->region(), "eu-west-3");
}

TEST(Access, TakesTheKindOfEndpointFromTheEnvironmentBeforeTheProfile) {
  Paper paper;
  paper.host.variables = {
      {"AWS_REGION", "us-east-2"}, {"AWS_ACCESS_KEY_ID", "ID"}, {"AWS_SECRET_ACCESS_KEY", "secretsecret"}};
  paper.host.files["/home/.aws/config"] =
      "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = TRUE\nendpoint_url = http://localhost:1\n"
      "ignore_configured_endpoint_urls = true\n";
  auto host_asked = [&] {
    auto access = AWAITED(Access::open(paper.outside, {}));
    paper.transport.answer(200, "<ok/>");
    AWAITED(access->client().send({.service = "kms", .operation = "X"}));
    return paper.transport.requests.back().url.host();
  };
  EXPECT_EQ(host_asked(), "kms-fips.us-east-2.api.aws");
  paper.host.variables["AWS_USE_FIPS_ENDPOINT"] = "false";
  EXPECT_EQ(host_asked(), "kms.us-east-2.api.aws");
  paper.host.variables["AWS_USE_DUALSTACK_ENDPOINT"] = "false";
  paper.host.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false";
  EXPECT_EQ(host_asked(), "localhost");
}

TEST(Access, AsksTheInstanceForItsRegionWhereNothingElseSaysOne) {
  Paper paper;
  paper.transport.answer(200, "imds-token");
  paper.transport.answer(200, "eu-south-1");
  auto access = AWAITED(Access::open(paper.outside, {}));
  EXPECT_EQ(access->region(), "eu-south-1");
  EXPECT_EQ(paper.transport.requests.at(1).url.path(), "/latest/meta-data/placement/region");
}

TEST(Access, SaysWhatTheInstanceAnsweredWhereItGaveNoRegion) {
  Paper paper;
  paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 1 s");
  EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, {}))),
            "refused | no AWS region is known: [aws] region, AWS_REGION and profile default give none; the instance "
            "metadata service (IMDSv2): no answer within 1 s, as in a container whose instance has a metadata hop "
            "limit of 1 | Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
  EXPECT_EQ(paper.transport.requests.size(), 1U);
}

TEST(Access, SaysEachPlaceThatWasLookedAt) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}};
  auto access = AWAITED(Access::open(paper.outside, {}));
  paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 1 s");
  EXPECT_EQ(
      said(FAILURE_OF(access->client().credentials())),
      "refused | no AWS credentials: AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not set, profile default in "
      "/home/.aws/config and /home/.aws/credentials has none, this is no container with a role; the instance metadata "
      "service (IMDSv2): no answer within 1 s, as in a container whose instance has a metadata hop limit of 1 | Set "
      "AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a "
      "role to this machine");

  paper.host.variables["AWS_EC2_METADATA_DISABLED"] = "TRUE";
  auto without = AWAITED(Access::open(paper.outside, {}));
  auto failure = FAILURE_OF(without->client().credentials());
  ASSERT_TRUE(failure);
  EXPECT_NE(std::string{failure->what()}.find("instance metadata is disabled"), std::string::npos);
  EXPECT_EQ(paper.transport.requests.size(), 1U);
}

TEST(Access, RefusesWhatItCannotHonour) {
  struct Row {
    std::map<std::string, std::string> variables;
    std::string config, expected;
  };
  const std::string another_endpoint = " | Give an endpoint such as http://localhost:4566";
  const std::vector<Row> rows = {
      {{{"AWS_EC2_METADATA_DISABLED", "true"}},
       "",
       "refused | no AWS region is known: [aws] region, AWS_REGION and profile default give none | "
       "Set region in [aws], or AWS_REGION, to a region such as eu-west-1"},
      {{{"AWS_PROFILE", "absent"}},
       "",
       "refused | AWS profile absent is neither in /home/.aws/config nor in /home/.aws/credentials | Add it, or "
       "correct AWS_PROFILE"},
      {{{"AWS_DEFAULT_PROFILE", "absent"}},
       "",
       "refused | AWS profile absent is neither in /home/.aws/config nor in /home/.aws/credentials | Add it, or "
       "correct AWS_DEFAULT_PROFILE"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv7"}},
       "",
       "refused | AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: \"IPv7\" is no mode | Write IPv4 or IPv6"},
      {{{"AWS_PROFILE", "shop"}},
       "[default]\nin valid = 1\n[other]\n[shop]\nregion = eu-west-1\n",
       "refused | AWS profile shop is neither in /home/.aws/config nor in /home/.aws/credentials; "
       "/home/.aws/config:4: [shop] is no profile here: write [profile shop] | Add it, or correct AWS_PROFILE"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_USE_FIPS_ENDPOINT", "yes"}},
       "",
       "refused | AWS_USE_FIPS_ENDPOINT: \"yes\" is neither true nor false | Write true or false"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nuse_dualstack_endpoint = on\n",
       "refused | /home/.aws/config:2: use_dualstack_endpoint: \"on\" is neither true nor false | Write true or false"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL_STS", "http://localhost:1"}},
       "",
       "refused | the endpoint of sts is given by hand, http://localhost:1, and is to be a FIPS one | "
       "Unset the endpoint, or AWS_USE_FIPS_ENDPOINT and use_fips_endpoint"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nservices = locla\n[services local]\ns3 =\n  endpoint_url = http://localhost:1\n",
       "refused | /home/.aws/config:2: there is no section [services locla] | "
       "Add it to the config file, or correct the name"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL", "localhost:1"}},
       "",
       "refused | AWS_ENDPOINT_URL: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL_ROUTE53", "localhost:1"}},
       "",
       "refused | AWS_ENDPOINT_URL_ROUTE53: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "localhost:1"}},
       "",
       "refused | AWS_EC2_METADATA_SERVICE_ENDPOINT: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "localhost:1"}},
       "",
       "refused | AWS_CONTAINER_CREDENTIALS_FULL_URI: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nendpoint_url = localhost:1\n",
       "refused | /home/.aws/config:2: endpoint_url: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nec2_metadata_service_endpoint = localhost:1\n",
       "refused | /home/.aws/config:2: ec2_metadata_service_endpoint: the URL \"localhost:1\" is not absolute" +
           another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nservices = local\n[services local]\ns3 =\n  endpoint_url = localhost:1\n",
       "refused | /home/.aws/config:4: endpoint_url of s3: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_ACCESS_KEY_ID", "ID"}},
       "",
       "refused | of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only AWS_ACCESS_KEY_ID is set | Set both, or neither"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nsso_session = work\n",
       "refused | /home/.aws/config:2: profile default: there is no section [sso-session work] | "
       "Add it to the config file, or correct the name"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nsso_session = work\n[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://a.example\n",
       "refused | /home/.aws/config:2: profile default: sso_account_id is missing | "
       "Write it, or let aws configure sso write the profile"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nsso_session = work\nsso_region = eu-west-2\n[sso-session work]\nsso_region = eu-west-1\n",
       "refused | /home/.aws/config:3: profile default: sso_region is not that of [sso-session work] | "
       "Write sso_region in the sso-session alone"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = default\nmfa_serial = a\n",
       "refused | /home/.aws/config:4: profile default: nobody is there to type the code of mfa_serial | "
       "Use a role that needs none"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nlogin_session = arn:aws:iam::123456789012:user/x\n",
       "refused | /home/.aws/config:2: profile default: the session of aws login is the AWS CLI's own | "
       "Write credential_process = aws configure export-credentials --profile NAME --format process"},
  };
  for (const Row& row : rows) {
    Paper paper;
    paper.host.variables = row.variables;
    if (!row.config.empty()) paper.host.files["/home/.aws/config"] = row.config;
    EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, {}))), row.expected);
  }
}

TEST(Access, TellsWhatOfTheSharedFilesItDoesNotRead) {
  Paper paper;
  paper.host.variables = {{"AWS_PROFILE", "shop"}};
  paper.host.files["/home/.aws/config"] =
      "[other]\n[profile shop]\nregion = eu-west-1\nca_bundle = /etc/ca.pem\nduration_seconds = 900\n"
      "sdk_ua_app_id = shop\n[profile else]\nca_bundle = /etc/ca.pem\n";
  const auto access = AWAITED(Access::open(paper.outside, {}));
  EXPECT_EQ(access->ignored_settings(),
            (std::vector<std::string>{
                "/home/.aws/config:1: [other] is no profile here: write [profile other]",
                "/home/.aws/config:4: ca_bundle is not read: set AWS_CA_BUNDLE",
                "/home/.aws/config:5: duration_seconds is not read: a role is assumed for an hour at a time",
                "/home/.aws/config:6: sdk_ua_app_id is not read: set AWS_SDK_UA_APP_ID"}));
}

TEST(Access, AssumesARoleOnceForAllItsRegions) {
  Paper paper;
  Access access{paper.outside, paper.keys, "eu-west-1", {}};
  RoleSettings role{.role = "arn:aws:iam::210987654321:role/dns", .external_id = "x-1"};
  paper.transport.answer(
      200,
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</"
      "AccessKeyId><SecretAccessKey>secretsecret</"
      "SecretAccessKey>"
      "<SessionToken>tokentoken</SessionToken><Expiration>2026-11-23T13:00:00Z</Expiration></Credentials>"
      "</AssumeRoleResult></AssumeRoleResponse>");
  paper.transport.answer(200, "<ok/>");
  paper.transport.answer(200, "<ok/>");
  AWAITED(access.client_as(role).send({.service = "route53", .operation = "X", .method = "GET", .path = "/x"}));
  AWAITED(access.client_as(role, "us-east-1").send({.service = "kms", .operation = "X"}));
  ASSERT_EQ(paper.transport.requests.size(), 3U);
  EXPECT_EQ(paper.transport.requests.at(0).url.text(), "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(paper.transport.requests.at(1).headers.get("x-amz-security-token"), "tokentoken");
  EXPECT_EQ(paper.transport.requests.at(2).url.text(), "https://kms.us-east-1.amazonaws.com/");
  EXPECT_EQ(&access.client_as(std::nullopt), &access.client());
  EXPECT_EQ(access.requests_sent(), 3U);
}

}  // namespace
}  // namespace certferry::aws::testing
