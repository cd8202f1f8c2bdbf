#include <filesystem>
#include <gtest/gtest.h>
#include <set>

#include "aws/access.h"
#include "aws/container_credentials.h"
#include "aws/instance_metadata.h"
#include "aws/profile_chain.h"
#include "aws/surroundings.h"
#include "base/limits/aws.h"
#include "left_out.h"
#include "replay.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry::aws::testing {
namespace {

namespace fs = std::filesystem;

struct Exchange {
  std::string method, url;
  std::map<std::string, std::string> headers;  // those that matter
  http::Response answer;
};

// Recorded events are in order; those of one connection are one exchange.
std::vector<Exchange> recorded_traffic(const std::string& text) {
  std::vector<Exchange> out;
  Json traffic = Json::parse(text, "traffic");
  for (const Json& event : traffic.elements("events")) {
    auto connection = static_cast<std::size_t>(event.at("connection_id").as_integer());
    if (out.size() <= connection) out.resize(connection + 1);
    Exchange& exchange = out[connection];
    const Json& action = event.at("action");
    if (const Json* asked = action.find("Request")) {
      exchange.method = asked->at("request").at("method").as_text();
      exchange.url = asked->at("request").at("uri").as_text();
      for (const auto& [name, values] : asked->at("request").at("headers").as_object())
        if (name == "x-aws-ec2-metadata-token" || name == "x-amz-sso_bearer_token")
          exchange.headers[name] = values.as_array().at(0).as_text();
    } else if (const Json* answered = action.find("Response")) {
      exchange.answer.status = static_cast<int>(answered->at("response").at("Ok").at("status").as_integer());
    } else if (const Json* data = action.find("Data"); data && data->text("direction") == "Response") {
      exchange.answer.body += data->at("data").text("Utf8").value_or("");
    }
  }
  return out;
}

// What the recorded commands print. We run no shell: `echo TEXT | base64 --decode` stands for a script that does so.
std::string echoed(const std::vector<std::string>& argv) {
  EXPECT_EQ(argv.at(0), "echo");
  return argv.size() > 2 ? parse_base64(argv.at(1)).value() : argv.at(1);
}

// "b=2&a=1" -> "a=1&b=2"
std::set<std::string> parameters_of(const Url& url) {
  std::set<std::string> out;
  std::istringstream query{url.query()};
  for (std::string pair; std::getline(query, pair, '&');) out.insert(pair);
  return out;
}

// A recorded case: environment, files, traffic, and how it should end.
struct ChainCase {
  std::string folder;
  Json result;
  std::vector<Exchange> traffic;
  Paper paper;
  AccessSettings settings;

  explicit ChainCase(const std::string& at) : folder(at) {
    result = Json::parse(file_text(at + "/test-case.json").value(), at).at("result");
    for (const auto& [name, value] : Json::parse(file_text(at + "/env.json").value(), at).as_object())
      paper.host.variables[name] = value.as_text();
    // That suite is about the profile alone: the environment's keys come before it in the chain, the instance after it.
    if (at.find("/profile-provider/") != std::string::npos) {
      paper.host.variables.erase("AWS_ACCESS_KEY_ID");
      paper.host.variables.erase("AWS_SECRET_ACCESS_KEY");
      paper.host.variables["AWS_EC2_METADATA_DISABLED"] = "true";
    }
    bool region_known = paper.host.variables.contains("AWS_REGION");
    if (fs::exists(at + "/fs"))
      for (const auto& entry : fs::recursive_directory_iterator(at + "/fs"))
        if (entry.is_regular_file()) {
          std::string text = file_text(entry.path().string()).value();
          region_known = region_known || text.find("region") != std::string::npos;
          paper.host.files["/" + fs::relative(entry.path(), at + "/fs").string()] = text;
        }
    // The process cases give a region to a profile that is not in use: the SDKs need none for a process.
    if (!region_known || at.find("/credential_process") != std::string::npos) settings.region = "us-east-1";
    if (at.ends_with("region_override")) settings.region = "us-east-2";
    paper.clock.wall = WallTime{};
    paper.host.on_run = [](const Command& command) { return Exit{.status = 0, .output = echoed(command.argv)}; };
    traffic = recorded_traffic(file_text(at + "/http-traffic.json").value_or(R"({"events":[]})"));
    // Recorded without retries; ours asks again after a server's error, and where a token was not taken.
    if (at.ends_with("sso_server_error") || at.ends_with("web_identity_token_invalid_jwt"))
      traffic.resize(limits::aws::attempts, traffic.front());
    for (const Exchange& exchange : traffic) paper.transport.replies.emplace_back(exchange.answer);
  }

  SharedCredentials resolve() {
    auto access = AWAITED(Access::open(paper.outside, settings));
    return AWAITED(access->client().credentials());
  }
};

void check_requests(const ChainCase& given) {
  ASSERT_EQ(given.paper.transport.requests.size(), given.traffic.size()) << given.folder;
  for (std::size_t i = 0; i < given.traffic.size(); ++i) {
    const http::Request& sent = given.paper.transport.requests[i];
    EXPECT_EQ(sent.method, given.traffic[i].method) << given.folder;
    const Url expected = Url::parse(given.traffic[i].url);
    EXPECT_EQ(sent.url.origin() + sent.url.path(), expected.origin() + expected.path()) << given.folder;
    EXPECT_EQ(parameters_of(sent.url), parameters_of(expected)) << given.folder;
    for (const auto& [name, value] : given.traffic[i].headers) EXPECT_EQ(sent.headers.get(name), value) << given.folder;
    bool metadata = sent.url.host().starts_with("169.254.");
    EXPECT_EQ(sent.trust == http::Trust::metadata, metadata) << given.folder;
  }
}

// Where a case that ends without credentials ends: what ours says of the source, the profile, the file or the variable.
// The recorded words are another SDK's.
const std::map<std::string, std::string> places = {
    {"imds_default_chain_error",
     "refused | no AWS credentials: AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not set, profile default in "
     "/home/.aws/config and /home/.aws/credentials has none, this is no container with a role; the instance metadata "
     "service (IMDSv2): the instance has no role"},
    {"imds_disabled",
     "refused | no AWS credentials: AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not set, profile default in "
     "/home/.aws/config and /home/.aws/credentials has none, this is no container with a role; instance metadata is "
     "disabled (AWS_EC2_METADATA_DISABLED)"},
    {"imds_token_fail", "refused | the instance metadata service (IMDSv2): HTTP 403 for a token"},
    {"profile_overrides_web_identity",
     "refused | /home/.aws/config:3: profile A: credential_source Environment: AWS_ACCESS_KEY_ID is not set"},
    {"sso_no_token_file",
     "refused | profile sso-test: IAM Identity Center: nobody has signed in: there is no "
     "/home/.aws/sso/cache/dace00cba5f8355ec9d274ceb2bcebdfbeed0e12.json"},
    {"sso_server_error",
     "transient | IAM Identity Center GetRoleCredentials on role MySsoRole of account 123456789: HTTP 503"},
    {"web_identity_token_invalid_jwt",
     "refused | STS AssumeRoleWithWebIdentity on role arn:aws:iam::123456789:role/RoleB: InvalidIdentityToken"},
    {"credential_process_invalid", "transient | AWS credentials from profile default: credential_process echo"},
    {"empty_config",
     "refused | no AWS credentials: AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not set, profile default in "
     "/home/.aws/config and /home/.aws/credentials has none"},
    {"invalid_config", "refused | /home/.aws/config:2: a property without a name"},
    {"sso_token", "refused | /home/.aws/config:2: profile default: sso_account_id is missing"},
};

void check_found(const ChainCase& given, const SharedCredentials& found, const Json& expected) {
  EXPECT_EQ(found->access_key_id, expected.at("access_key_id").as_text()) << given.folder;
  EXPECT_EQ(found->secret_access_key.reveal(), expected.at("secret_access_key").as_text()) << given.folder;
  EXPECT_EQ(found->session_token.reveal(), expected.text("session_token").value_or("")) << given.folder;
  if (auto expiry = expected.integer("expiry"))
    EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(found->expires.value_or(WallTime{})).time_since_epoch().count(),
              *expiry)
        << given.folder;
  for (const std::string& line : given.paper.log.all)
    EXPECT_EQ(line.find(expected.at("secret_access_key").as_text()), std::string::npos) << given.folder;
}

void check_case(const std::string& folder) {
  ChainCase given{folder};
  const std::string name = fs::path{folder}.filename();
  const Json* expected = given.result.find("Ok");
  SharedCredentials found;
  std::string failed;
  try {
    found = given.resolve();
  } catch (const Failure& failure) {
    failed = said(failure);
  }
  check_requests(given);
  ASSERT_EQ(expected != nullptr, found != nullptr) << folder << ": " << failed;
  if (expected)
    check_found(given, found, *expected);
  else
    EXPECT_TRUE(places.contains(name) && failed.starts_with(places.at(name))) << folder << ": " << failed;
}

TEST(CredentialChain, EndsAsRecordedForTheSdks) {
  int checked = 0;
  for (const char* suite : {"default-credential-provider-chain", "profile-provider"}) {
    std::string root = vectors_root() + "/credentials/" + suite;
    if (!fs::exists(root)) GTEST_SKIP() << "no vectors at " << root;
    for (const auto& entry : fs::directory_iterator(root)) {
      check_case(entry.path().string());
      ++checked;
    }
  }
  expect_on_page("credential chain: environment, files and recorded exchanges", {checked, {}});
}

TEST(SsoTokenFile, IsFoundWhereTheSdksFindIt) {
  const std::string root = vectors_root() + "/credentials/default-token-provider-chain";
  if (!fs::exists(root)) GTEST_SKIP() << "no vectors at " << root;
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(root)) {
    ChainCase given{entry.path().string()};
    const Surroundings around = AWAITED(read_surroundings(given.paper.outside, {}));
    const SsoTokenFile file{given.paper.host, around.chosen_profile().at("sso_session").text, "default"};
    const SsoToken token = AWAITED(file.read());
    EXPECT_EQ(token.access_token.reveal(), given.result.at("Ok").at("token").as_text()) << given.folder;
    EXPECT_EQ(iso8601(token.expires), given.result.at("Ok").at("expiration").as_text()) << given.folder;
    ++checked;
  }
  expect_on_page("cached tokens of IAM Identity Center", {checked, {}});
}

TEST(Surroundings, ReadTheSharedFilesWhereTheSdksDo) {
  auto text = file_text(vectors_root() + "/credentials/file-location-tests.json");
  if (!text) GTEST_SKIP() << "no vectors at " << vectors_root();
  Tally tally;
  const Json tests = Json::parse(*text, "file location tests");
  for (const Json& test : tests.elements("tests")) {
    if (test.text("platform") != "linux") {
      tally.left_out["for Windows"].emplace_back();
      continue;
    }
    Paper paper;
    for (const auto& [name, value] : test.at("environment").as_object())
      if (name != "HOME") paper.host.variables[name] = value.as_text();
    auto at_home = [&](const char* member) {
      const std::string path = test.at(member).as_text(), home = "/home/user/";
      return path.starts_with(home) ? paper.host.home() + "/" + path.substr(home.size()) : path;
    };
    const std::string profile = test.text("profile").value_or("default");
    paper.host.files[at_home("configLocation")] = Bytes{"[profile " + profile + "]\nregion = from-config\n"};
    paper.host.files[at_home("credentialsLocation")] =
        Bytes{"[" + profile + "]\naws_access_key_id = from-credentials\n"};
    const Surroundings around = AWAITED(read_surroundings(paper.outside, {}));
    EXPECT_EQ(around.region, "from-config") << test.dump();
    EXPECT_EQ(around.chosen_profile().at("aws_access_key_id").text, "from-credentials") << test.dump();
    ++tally.checked;
  }
  expect_on_page("places of the shared files", tally);
}

ProfileFiles profiles_in(const Json& input) {
  ProfileFiles out;
  for (const auto& [name, values] : input.at("profiles").as_object()) {
    Profile& profile = out.profiles[name];
    for (const auto& [key, value] : values.as_object()) profile[key] = {value.as_text(), {}, "config:1"};
  }
  if (const Json* sessions = input.find("sso_sessions"))
    for (const auto& [name, values] : sessions->as_object())
      for (const auto& [key, value] : values.as_object())
        out.sso_sessions[name][key] = {value.as_text(), {}, "config:9"};
  return out;
}

std::string shown(const ProfileChain& chain) {
  std::string out;
  if (const auto* keys = std::get_if<ProfileKeys>(&chain.source))
    out = "keys " + keys->access_key_id + " " + keys->secret_access_key;
  if (const auto* named = std::get_if<ProfileSource>(&chain.source))
    out = "source " + std::to_string(static_cast<int>(named->source));
  if (const auto* web = std::get_if<ProfileWebIdentity>(&chain.source))
    out = "web " + web->role.role + " " + web->role.session_name + " " + web->token_file;
  if (const auto* sso = std::get_if<SsoProfile>(&chain.source))
    out = "sso " + sso->role.account + " " + sso->role.role + " " + sso->region + " " + sso->start_url;
  for (const AssumedRole& role : chain.roles)
    out += ", role " + role.role + " " + role.session_name + " " + role.external_id.value_or("-");
  return out;
}

std::string expected_chain(const Json& links) {
  std::string out;
  for (const Json& link : links.as_array()) {
    if (const Json* keys = link.find("AccessKey"))
      out = "keys " + keys->at("access_key_id").as_text() + " " + keys->at("secret_access_key").as_text();
    if (auto source = link.text("NamedSource"))
      out = "source " + std::to_string(*source == "Environment" ? 0 : *source == "Ec2InstanceMetadata" ? 1 : 2);
    if (const Json* web = link.find("WebIdentityToken"))
      out = "web " + web->at("role_arn").as_text() + " " + web->text("role_session_name").value_or("certferry") + " " +
            web->at("web_identity_token_file").as_text();
    if (const Json* role = link.find("AssumeRole"))
      out += ", role " + role->at("role_arn").as_text() + " " + role->text("role_session_name").value_or("certferry") +
             " " + role->text("external_id").value_or("-");
    if (const Json* sso = link.find("Sso"))
      out = "sso " + sso->at("sso_account_id").as_text() + " " + sso->at("sso_role_name").as_text() + " " +
            sso->at("sso_region").as_text() + " " + sso->at("sso_start_url").as_text();
  }
  return out;
}

// What is refused, by the case's own words: where, and what it is. Every value given stands at "config:1".
const std::map<std::string, std::string> refused_chains = {
    {"source profile and credential source both present",
     "refused | config:1: profile A: source_profile and credential_source exclude one another"},
    {"partial credentials error (missing secret)", "refused | config:1: profile B: aws_secret_access_key is missing"},
    {"missing credentials error (empty source profile)", "refused | config:1: profile A: profile B has no credentials"},
    {"missing source profile", "refused | config:1: profile A: there is no profile B"},
    // A profile that is not there is refused where the files are read, not here.
    {"missing root profile (should never happen in practice)", "nothing"},
    {"assume role profile infinite loop", "refused | config:1: profile A: source_profile leads round in a circle"},
    {"infinite loop with static credentials", "refused | config:1: profile A: source_profile leads round in a circle"},
    {"web identity role", "refused | config:1: profile A: role_arn is missing beside web_identity_token_file"},
    {"invalid SSO credentials configuration: missing account ID",
     "refused | config:1: profile A: sso_account_id is missing"},
    {"invalid SSO credentials configuration: missing role name",
     "refused | config:1: profile A: sso_role_name is missing"},
    {"invalid SSO token configuration: sso_region must be in sso-session",
     "refused | config:1: profile A: sso_region is not that of [sso-session A]"},
    {"invalid SSO token configuration: sso-session not found",
     "refused | config:1: profile A: there is no section [sso-session oops]"},
};

TEST(ProfileChain, FollowsRolesAsTheSdksDo) {
  auto text = file_text(vectors_root() + "/credentials/assume-role-tests.json");
  if (!text) GTEST_SKIP() << "no vectors at " << vectors_root();
  Json tests = Json::parse(*text, "assume-role tests");
  int checked = 0;
  std::size_t refused = 0;
  for (const Json& test : tests.as_array()) {
    std::string found = "nothing";
    const std::string what = test.at("docs").as_text();
    try {
      if (auto chain = profile_chain(profiles_in(test.at("input")), test.at("input").at("selected_profile").as_text()))
        found = shown(*chain);
    } catch (const Failure& failure) {
      found = said(failure).substr(0, said(failure).rfind(" | "));
    }
    const Json* links = test.at("output").find("ProfileChain");
    EXPECT_EQ(found, links                           ? expected_chain(*links)
                     : refused_chains.contains(what) ? refused_chains.at(what)
                                                     : "no such case here")
        << what;
    refused += links ? 0 : 1;
    ++checked;
  }
  expect_on_page("chains of profiles and roles", {checked, {}});
  EXPECT_EQ(refused, refused_chains.size());
}

TEST(ContainerCredentials, AreWhereTheEnvironmentSaysAndPlainHttpOnlyWhereSafe) {
  auto text = file_text(vectors_root() + "/credentials/ecs-tests.json");
  if (!text) GTEST_SKIP() << "no vectors at " << vectors_root();
  int checked = 0;
  Json tests = Json::parse(*text, "container tests");
  for (const Json& test : tests.elements("tests")) {
    PaperHost host;
    for (const auto& [name, value] : test.at("env").as_object()) host.variables[name] = value.as_text();
    std::string found = "no container";
    try {
      if (auto url = container_credentials_url(host)) found = url->text();
    } catch (const Failure& failure) {
      found = failure.what();
    }
    const std::string refusal = test.at("env").as_object().empty()
                                    ? "no container"
                                    : "AWS_CONTAINER_CREDENTIALS_FULL_URI: the URL \"/credentials\" is not absolute";
    EXPECT_EQ(found, test.at("result").text("Ok").value_or(refusal)) << test.dump();
    ++checked;
  }
  expect_on_page("address of a container's credentials", {checked, {}});
}

TEST(InstanceMetadata, IsWhereEnvironmentAndProfileSay) {
  auto text = file_text(vectors_root() + "/credentials/imds-config/imds-endpoint-tests.json");
  if (!text) GTEST_SKIP() << "no vectors at " << vectors_root();
  Tally tally;
  Json tests = Json::parse(*text, "metadata tests");
  for (const Json& test : tests.elements("tests")) {
    if (test.find("endpoint_override") || test.find("mode_override")) {
      tally.left_out["options of an SDK's builder"].emplace_back();
      continue;
    }
    PaperHost host;
    for (const auto& [name, value] : test.at("env").as_object()) host.variables[name] = value.as_text();
    Profile profile;
    if (const Json* config = test.at("fs").find("config"))
      profile = parse_profiles({"config", config->as_text()}, {"credentials", ""}).profiles["default"];
    std::string found;
    try {
      found = instance_metadata_url(host, profile).text() + "/latest/api/token";
    } catch (const Failure& failure) {
      found = failure.what();
    }
    EXPECT_EQ(found, test.at("result").text("Ok").value_or(
                         "config:2: ec2_metadata_service_endpoint_mode: \"IPv7\" is no mode"))
        << test.dump();
    ++tally.checked;
  }
  expect_on_page("address of the metadata service", tally);
}

}  // namespace
}  // namespace certferry::aws::testing
