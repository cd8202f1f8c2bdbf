#include "aws/access.h"

#include <gtest/gtest.h>

#include "aws/role_credentials.h"
#include "base/limits/aws.h"
#include "instance.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

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
  hang(paper);
  EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, {}))),
            "refused | no AWS region is known: [aws] region, AWS_REGION and profile default give none; the instance "
            "metadata service (IMDSv2): no answer within 1 s, as in a container whose instance has a metadata hop "
            "limit of 1 | Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
  EXPECT_EQ(paper.transport.requests.size(), 3U);
}

TEST(Access, SaysEachPlaceThatWasLookedAt) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}};
  auto access = AWAITED(Access::open(paper.outside, {}));
  hang(paper);
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
  EXPECT_EQ(paper.transport.requests.size(), 3U);
}

// The environment's are there, and are not read.
TEST(Access, SaysThatTheEnvironmentDoesNotCountWhereAProfileIsConfigured) {
  Paper paper;
  paper.host.variables = {{"AWS_ACCESS_KEY_ID", "ID"},
                          {"AWS_SECRET_ACCESS_KEY", "secretsecret"},
                          {"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"},
                          {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                          {"AWS_EC2_METADATA_DISABLED", "true"}};
  paper.host.files["/home/.aws/config"] = "[profile prod]\nregion = eu-west-1\n";
  auto access = AWAITED(Access::open(paper.outside, {.region = "", .profile = "prod", .profile_place = "x:1:1"}));
  EXPECT_EQ(said(FAILURE_OF(access->client().credentials())),
            "refused | no AWS credentials: AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not read, because "
            "[aws] profile names prod, profile prod in /home/.aws/config and /home/.aws/credentials has none, this is "
            "no container with a role; instance metadata is disabled (AWS_EC2_METADATA_DISABLED) | Write credentials "
            "into profile prod, or leave profile in [aws] away");
}

TEST(Access, AsksNoInstanceWhoseMetadataIsDisabledThoughAProfileNamesIt) {
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
  paper.host.files["/home/.aws/config"] =
      "[default]\nrole_arn = arn:aws:iam::123456789012:role/x\ncredential_source = Ec2InstanceMetadata\n";
  EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, {}))),
            "refused | /home/.aws/config:3: profile default: credential_source Ec2InstanceMetadata: it is disabled by "
            "AWS_EC2_METADATA_DISABLED | Unset AWS_EC2_METADATA_DISABLED, or name another source");
  EXPECT_TRUE(paper.transport.requests.empty());
}

// Somebody is there: credentials may come yet, and no role is to be attached.
TEST(Access, TakesWhatAilsTheMetadataServiceForPassing) {
  const auto busy = [](Paper& paper) { paper.transport.answer(503, ""); };
  const auto reset = [](Paper& paper) { paper.transport.fail(Failure::Kind::outcome_unknown, "connection reset"); };
  for (const auto& [ail, words] :
       {std::pair<std::function<void(Paper&)>, std::string>{busy, "HTTP 503"}, {reset, "connection reset"}}) {
    Paper paper;
    paper.host.variables = {{"AWS_REGION", "eu-west-1"}};
    auto access = AWAITED(Access::open(paper.outside, {}));
    for (int i = 0; i < limits::aws::metadata_attempts; ++i) ail(paper);
    EXPECT_EQ(said(FAILURE_OF(access->client().credentials())),
              "transient | the instance metadata service (IMDSv2): " + words + " | Run again in a minute");
    Paper elsewhere;  // and so it is where the region is asked for
    for (int i = 0; i < limits::aws::metadata_attempts; ++i) ail(elsewhere);
    EXPECT_EQ(said(FAILURE_OF(Access::open(elsewhere.outside, {}))),
              "transient | the instance metadata service (IMDSv2): " + words + " | Run again in a minute");
  }
  // Where nobody ever was, there is none.
  Paper paper;
  paper.host.variables = {{"AWS_REGION", "eu-west-1"}};
  auto access = AWAITED(Access::open(paper.outside, {}));
  for (int i = 0; i < limits::aws::metadata_attempts; ++i)
    paper.transport.fail(Failure::Kind::transient, "no route to host");
  const auto failure = FAILURE_OF(access->client().credentials());
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_EQ(std::string{failure->what()}.find("hop limit"), std::string::npos) << failure->what();
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
      {{{"AWS_PROFILE", "my shop"}},
       "[profile \"my shop\"]\nregion = eu-west-1\n",
       "refused | AWS profile my shop is neither in /home/.aws/config nor in /home/.aws/credentials; "
       "/home/.aws/config:1: [profile \"my shop\"] is not read: certferry takes names of letters, digits and "
       "_-/.%@:+ alone | Add it, or correct AWS_PROFILE"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_USE_FIPS_ENDPOINT", "yes"}},
       "",
       "refused | AWS_USE_FIPS_ENDPOINT: \"yes\" is neither true nor false | Write true or false"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nuse_dualstack_endpoint = on\n",
       "refused | /home/.aws/config:2: use_dualstack_endpoint: \"on\" is neither true nor false | Write true or false"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL_STS", "http://localhost:1"}},
       "",
       "refused | the endpoint of sts is given by hand, http://localhost:1 (AWS_ENDPOINT_URL_STS), and is to be a FIPS "
       "one (AWS_USE_FIPS_ENDPOINT) | Unset the endpoint, or AWS_USE_FIPS_ENDPOINT and use_fips_endpoint"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nendpoint_url = http://localhost:1\nuse_dualstack_endpoint = true\n",
       "refused | the endpoint of sts is given by hand, http://localhost:1 (/home/.aws/config:2: endpoint_url), and is "
       "to be a dual-stack one (/home/.aws/config:3: use_dualstack_endpoint) | Unset the endpoint, or "
       "AWS_USE_DUALSTACK_ENDPOINT and use_dualstack_endpoint"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nrole_arn = web\ncredential_source = Environment\n",
       "refused | /home/.aws/config:2: profile default: \"web\" is no ARN: it does not begin with \"arn:\" | "
       "Write the ARN as AWS shows it: arn:partition:service:region:account:resource"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nservices = locla\n[services local]\ns3 =\n  endpoint_url = http://localhost:1\n",
       "refused | /home/.aws/config:2: there is no section [services locla] | "
       "Add it to the config file, or correct the name"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL", "localhost:1"}},
       "",
       "refused | AWS_ENDPOINT_URL: the URL \"localhost:1\" is not absolute" + another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL", "http://localhost:1/?a=b"}},
       "",
       "refused | AWS_ENDPOINT_URL: the endpoint http://localhost:1/?a=b has a query, which would follow each call's "
       "path" +
           another_endpoint},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nendpoint_url = http://localhost:1?a\n",
       "refused | /home/.aws/config:2: endpoint_url: the endpoint http://localhost:1?a has a query, which would follow "
       "each call's path" +
           another_endpoint},
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
       "[default]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base\n"
       "[profile base]\nrole_arn = arn:aws:iam::123456789012:role/y\ncredential_source = EcsContainer\n",
       "refused | /home/.aws/config:6: profile base: credential_source EcsContainer: "
       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set | Run it in an ECS task or an EKS pod"},
      {{{"AWS_REGION", "eu-west-1"}},
       "[default]\nlogin_session = arn:aws:iam::123456789012:user/x\n",
       "refused | /home/.aws/config:2: profile default: the session of aws login is the AWS CLI's own | "
       "Use a profile with credential_process = aws configure export-credentials --profile default --format process"},
  };
  for (const Row& row : rows) {
    Paper paper;
    paper.host.variables = row.variables;
    if (!row.config.empty()) paper.host.files["/home/.aws/config"] = row.config;
    EXPECT_EQ(said(FAILURE_OF(Access::open(paper.outside, {}))), row.expected);
  }
}

// Octets that are no UTF-8, wherever they may stand.
TEST(Access, ShowsNothingRawOfWhatIsNoText) {
  const std::string octets = "\xff\xfe\x1b[31m";
  struct Foreign {
    std::map<std::string, std::string> variables;
    std::string config;
    std::string words;  // that tell where it stands
  };
  const std::string profile = "[default]\nregion = eu-west-1\n";
  const std::vector<Foreign> cases = {
      {{}, "[default]\n" + octets + "\n", "/home/.aws/config:2: "},
      {{}, "[default\n" + octets, "/home/.aws/config:1: "},
      {{}, "[default]\nregion = " + octets, "is no AWS region"},
      {{}, profile + "use_fips_endpoint = " + octets, "/home/.aws/config:3: use_fips_endpoint"},
      {{}, profile + "endpoint_url = http://" + octets, "/home/.aws/config:3: endpoint_url"},
      {{}, profile + "services = " + octets, "/home/.aws/config:3: there is no section"},
      {{},
       profile + "role_arn = " + octets + "\ncredential_source = Environment",
       "/home/.aws/config:3: profile default"},
      {{}, profile + "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = " + octets, "there is no profile"},
      {{}, profile + "aws_access_key_id = ID" + octets + "\naws_secret_access_key = secretsecret", "profile default"},
      {{}, profile + "aws_access_key_id = ID\naws_secret_access_key = secret" + octets, "profile default"},
      {{}, profile + "credential_process = /opt/" + octets, "credential_process"},
      {{{"AWS_PROFILE", octets}}, profile, "AWS profile"},
      {{{"AWS_REGION", octets}}, "", "is no AWS region"},
      {{{"AWS_ENDPOINT_URL", "http://" + octets}}, profile, "AWS_ENDPOINT_URL"},
      {{{"AWS_USE_FIPS_ENDPOINT", octets}}, profile, "AWS_USE_FIPS_ENDPOINT"},
      {{{"AWS_ACCESS_KEY_ID", octets}, {"AWS_SECRET_ACCESS_KEY", "secretsecret"}}, profile, "environment"},
      {{{"AWS_ACCESS_KEY_ID", "ID"}, {"AWS_SECRET_ACCESS_KEY", "secret" + octets}}, profile, "environment"},
      {{{"AWS_ACCESS_KEY_ID", "ID"}, {"AWS_SECRET_ACCESS_KEY", "secretsecret"}, {"AWS_SESSION_TOKEN", octets}},
       profile,
       "environment"},
  };
  for (const Foreign& foreign : cases) {
    Paper paper;
    paper.host.variables = foreign.variables;
    paper.host.files["/home/.aws/config"] = foreign.config;
    paper.host.on_run = [](const Command&) -> Exit {
      throw Failure(Failure::Kind::refused, "there is no such program", "Install it");
    };
    const auto failure = failure_of<bool>([&]() -> Task<bool> {
      const auto access = co_await Access::open(paper.outside, {});
      co_await access->client().credentials();
      co_return true;
    });
    ASSERT_TRUE(failure) << foreign.config << foreign.words;
    EXPECT_NE(std::string{failure->what()}.find(foreign.words), std::string::npos) << failure->what();
    EXPECT_FALSE(failure->next().empty()) << failure->what();
    const std::string all = said(failure);
    EXPECT_TRUE(std::ranges::all_of(all, [](char c) { return c >= ' ' && c < 0x7f; })) << all;
    EXPECT_TRUE(paper.transport.requests.empty()) << all;
  }
}

TEST(ProcessCredentials, ShowNothingRawOfWhatIsNoText) {
  for (const std::string& document :
       {std::string{"\xff\xfe"}, std::string{R"({"Version":1,"AccessKeyId":"ID","SecretAccessKey":")"} + "\xff\"}",
        std::string{R"({"Version":1,"AccessKeyId":"I\u00e9","SecretAccessKey":"secretsecret"})"},
        std::string{
            R"({"Version":1,"AccessKeyId":"ID","SecretAccessKey":"secretsecret","Expiration":"\u001b[31m"})"}}) {
    Paper paper;
    paper.host.on_run = [&](const Command&) { return Exit{.status = 0, .output = document}; };
    ProcessCredentials provider{paper.outside, "tool"};
    const auto failure = FAILURE_OF(provider.credentials());
    ASSERT_TRUE(failure) << document;
    EXPECT_NE(std::string{failure->what()}.find("credential_process tool"), std::string::npos) << failure->what();
    const std::string all = said(failure);
    EXPECT_TRUE(std::ranges::all_of(all, [](char c) { return c >= ' ' && c < 0x7f; })) << all;
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
                "/home/.aws/config:5: duration_seconds is not read: a role is assumed for an hour at a time; leave it "
                "away",
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
