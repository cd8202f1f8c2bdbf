#include "cli/commands/commands.h"

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

#include "base/failure.h"
#include "engine/account.h"
#include "keys/vault_key.h"
#include "real/posix_host.h"
#include "real/sqlite_store.h"
#include "real/system_clock.h"
#include "real/system_entropy.h"
#include "sandbox/mounts/inline_pool.h"
#include "sandbox/mounts/rooted_host.h"
#include "state/records.h"
#include "tests/unit/plan/certificates.h"

namespace certferry {
namespace {

using testing::HasSubstr;

class WarningsKept final : public Log {
 public:
  void line(Level level, std::string text) override {
    if (level == Level::warning) warned += text + '\n';
  }
  void step_begun(std::string_view, std::string_view) override {}
  void step_ended(std::string_view, std::string_view, std::string_view, Duration) override {}
  std::string warned;
};

// What doors lead to that lead nowhere.
class Nobody final : public Transport, public Resolver {
 public:
  Task<http::Response> send(http::Request) override { throw nobody_; }
  Task<PeerChain> handshake(Endpoint, std::string, KeyType) override { throw nobody_; }
  Task<dns::Answer> ask(dns::Question, dns::Nameserver) override { throw nobody_; }
  Task<std::vector<std::string>> addresses(std::string) override { throw nobody_; }

 private:
  Failure nobody_{Failure::Kind::refused, "nobody is there", "Stay inside"};
};

constexpr const char* one_classic =
    "[[certificate]]\ndomains = [\"example.com\"]\n[[certificate.install]]\nelb = \"web\"\n";

// A machine in a directory of its own, whose doors to the outside do not open, or lead nowhere once it keeps a state.
class Commands : public testing::Test {
 protected:
  Commands() {
    std::string pattern = testing::TempDir() + "certferry-cli-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    host_.emplace(posix_, root_, std::map<std::string, std::string>{}, log_);
  }
  ~Commands() override { std::filesystem::remove_all(root_); }

  void environment(std::map<std::string, std::string> variables) {
    host_.emplace(posix_, root_, std::move(variables), log_);
  }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream{whole} << text;
  }

  std::string read(const std::string& path) {
    std::ifstream file{root_ + path};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  int run(const std::vector<std::string>& arguments) {
    out.clear();
    err.clear();
    log_.warned.clear();
    const auto parsed = parse_command_line(arguments);
    const auto& line = std::get<CommandLine>(parsed);
    boost::asio::io_context io{1};
    Console console{[this](std::string_view text) { out += text; }, [this](std::string_view text) { err += text; }};
    Stage stage{.executor = io.get_executor(),
                .console = console,
                .log = log_,
                .host = *host_,
                .clock = clock_,
                .entropy = entropy_,
                .json = line.json,
                .open = [this](const Config&) -> Task<Outside*> {
                  if (!outside_) throw Failure(Failure::Kind::refused, "the doors are shut", "Stay inside");
                  co_return &*outside_;
                },
                .disk_root = root_};
    int exit = -1;
    spawn(io.get_executor(), [&]() -> Task<> { exit = co_await run_command(stage, line); }, [](std::exception_ptr) {});
    io.run();
    return exit;
  }

  // In the state at /srv/state.
  void keep(const Record& record) { keep(record_key(record.id), to_json(record).dump()); }
  void keep(const std::string& key, const Bytes& value) {
    std::filesystem::create_directories(root_ + "/srv");
    boost::asio::io_context io{1};
    SqliteStore store{root_ + "/srv/state/state.db"};
    const auto put = [&]() -> Task<> { co_await store.put(key, value, {}); };
    spawn(io.get_executor(), put, [](std::exception_ptr) {});
    io.run();
    outside_.emplace(nobody_, nobody_, clock_, entropy_, *host_, pool_, log_);
  }

  WallTime now() { return clock_.now(); }

  std::string out, err;
  const std::string& warned() const { return log_.warned; }

 private:
  std::string root_;
  WarningsKept log_;
  PosixHost posix_;
  SystemClock clock_;
  SystemEntropy entropy_;
  std::optional<sandbox::RootedHost> host_;
  Nobody nobody_;
  sandbox::InlinePool pool_;
  std::optional<Outside> outside_;
};

TEST_F(Commands, ExitWithTwoWhereTheConfigurationIsMissingOrWrong) {
  EXPECT_EQ(run({"apply", "--config", "/none.toml"}), 2);
  EXPECT_EQ(err,
            "certferry: the configuration /none.toml is not there\n  -> Write it (docs/configuration.md), or name "
            "another with --config\n");
  EXPECT_EQ(run({"plan"}), 2);
  EXPECT_TRUE(
      err.starts_with("certferry: there is no configuration: neither /etc/certferry/certferry.toml nor "
                      "certferry.toml\n"))
      << err;
  EXPECT_THAT(err, HasSubstr("--domain with --elb"));
  EXPECT_EQ(run({"rehearse"}), 2);
  EXPECT_EQ(err,
            "certferry: there is no configuration: neither /etc/certferry/certferry.toml nor certferry.toml\n"
            "  -> Write one (docs/configuration.md), or name one with --config\n");
  write("/etc/certferry/certferry.toml", "[[certificate]]\ndomains = [\"exa mple.com\"]\n");
  EXPECT_EQ(run({"apply"}), 2);
  EXPECT_TRUE(err.starts_with("certferry: /etc/certferry/certferry.toml:2:12: ")) << err;
  write("/etc/certferry/certferry.toml", "[ca]\nagree_to_terms = true\n");
  EXPECT_EQ(run({"apply"}), 2);
  EXPECT_EQ(err,
            "certferry: /etc/certferry/certferry.toml:1:1: the configuration names no certificate\n  -> Add "
            "[[certificate]] with domains = "
            "[\"example.com\"]\n");
}

TEST_F(Commands, ExitWithTwoWhereANameIsNoCertificate) {
  write("/etc/certferry/certferry.toml", "[[certificate]]\nname = \"www\"\ndomains = [\"example.com\"]\n");
  EXPECT_EQ(run({"apply", "--renew", "wwww"}), 2);
  EXPECT_EQ(err,
            "certferry: --renew: no certificate of /etc/certferry/certferry.toml is called \"wwww\"\n"
            "  -> Write --renew www\n");
}

TEST_F(Commands, ExitWithOneWhereTheOutsideFails) {
  write("/etc/certferry/certferry.toml", "[[certificate]]\nname = \"www\"\ndomains = [\"example.com\"]\n");
  EXPECT_EQ(run({"apply"}), 1);
  EXPECT_EQ(err, "certferry: the doors are shut\n  -> Stay inside\n");
  EXPECT_EQ(run({"apply", "--json"}), 1);
  EXPECT_EQ(out, "{\"error\":\"the doors are shut\",\"kind\":\"refused\",\"next\":\"Stay inside\"}\n");
}

TEST_F(Commands, StatusMakesNoStateAndNeedsNoDoor) {
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(out, "Nothing is known yet: there is no /home/certferry/.local/state/certferry/state.db.\n");
  EXPECT_EQ(run({"status", "--json"}), 0);
  EXPECT_EQ(out, "{\"certificates\":[],\"store\":\"/home/certferry/.local/state/certferry/state.db\"}\n");
}

TEST_F(Commands, StatusLooksWhereTheStateIsSaidToBeWithoutAConfiguration) {
  write("/etc/certferry/certferry.toml", "not read");
  EXPECT_EQ(run({"status", "--store", "/srv/state"}), 0) << err;
  EXPECT_EQ(out, "Nothing is known yet: there is no /srv/state/state.db.\n");
  EXPECT_EQ(run({"forget", "www", "--store", "https://state"}), 2);
  EXPECT_TRUE(err.starts_with("certferry: --store: \"https://state\" is neither a path nor in S3")) << err;
}

TEST_F(Commands, StatusTellsWhenWhatFailedIsTriedAgain) {
  const WallTime later = now() + hours(5);
  Record record{CertificateId::parse("www"),
                {.names = {DomainName::parse("example.com")}, .directory = "https://ca.example/"}};
  planning::Ca ca{"A CA"};
  const Issued issued = planning::issued(ca.issue({"example.com"}, now() - days(1), now() + days(80)), 1);
  record.newest = Record::Newest{issued, KeyRef{record.id, 1, ""}, record.specification};
  record.failures = {.count = 2, .not_before = later, .what = "no such name", .next = "Make it"};
  for (const char* id : {"a", "b", "c", "d"})
    record.targets[id].rolled_back = TargetRecord::RolledBack{issued.fingerprint(), "no answer", 1, later};
  record.targets["b"].rolled_back->stayed = true;
  record.targets["c"].rolled_back->not_before = now() - hours(1);
  record.targets["d"].rolled_back->fingerprint = Fingerprint::parse(std::string(64, 'a'));
  keep(record);
  const std::string again = "; again on " + humane(later);
  EXPECT_EQ(run({"status", "--store", "/srv/state"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("\n  2 failure(s), the last: no such name\n  -> Make it\n  the next try is not before " +
                             humane(later) + "\n  a: rolled back: no answer" + again +
                             "\n  b: in place, and not proven: no answer" + again +
                             "\n  c: rolled back: no answer\n  d: rolled back: no answer\n"));
  EXPECT_EQ(run({"--json", "status", "--store", "/srv/state"}), 0) << err;
  const Json told = Json::parse(out, "status").at("certificates").as_array().front();
  EXPECT_EQ(told.text("next"), "Make it");
  EXPECT_EQ(told.text("not_before"), iso8601(later));
  EXPECT_EQ(told.at("targets").text("a"), "rolled back: no answer" + again);
}

// Of a newer version, say.
TEST_F(Commands, StatusTellsOfTheOthersWhereARecordCannotBeRead) {
  keep("certificate/odd/record", R"({"format":999})");
  keep(Record{CertificateId::parse("www"), {.names = {DomainName::parse("example.com")}, .directory = "https://ca/"}});
  EXPECT_EQ(run({"status", "--store", "/srv/state"}), 1) << err;
  EXPECT_THAT(out, testing::AllOf(HasSubstr("odd: "), HasSubstr("\n  -> "), HasSubstr("www: no certificate yet\n")));
  EXPECT_EQ(run({"--json", "status", "--store", "/srv/state"}), 1) << err;
  const auto told = Json::parse(out, "status").at("certificates").as_array();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told.front().text("certificate"), "odd");
  EXPECT_THAT(told.front().text("error").value_or(""), HasSubstr("format"));
}

TEST_F(Commands, AccountGivesUpWhatTheStateRemembersOfOneAndAsksNobody) {
  const std::string directory = "https://ca.example/directory",
                    text = "[ca]\ndirectory = \"" + directory + "\"\n[state]\nstore = \"/srv/state\"\n";
  write("/etc/certferry/certferry.toml", text);
  keep(vault_key_of_account(directory), "sealed");
  keep(account_key(directory), R"({"format":1,"directory":"","thumbprint":"t","url":"https://ca.example/account/1"})");
  EXPECT_EQ(run({"account", "--replace"}), 0) << err;
  EXPECT_EQ(out, "https://ca.example/account/1 is given up; `certferry apply --retry` begins with another account.\n");
  EXPECT_EQ(run({"account", "--replace"}), 1);
  EXPECT_THAT(err, HasSubstr("the state knows of no account at https://ca.example/directory"));
  keep(vault_key_of_account(directory), "sealed");
  EXPECT_EQ(run({"account", "--replace", "--json"}), 0) << err;
  EXPECT_EQ(out, "{\"directory\":\"https://ca.example/directory\",\"given_up\":null}\n");
  write("/etc/certferry/certferry.toml", text + "[account]\nkey = \"/etc/certferry/account.key\"\n");
  EXPECT_EQ(run({"account", "--replace"}), 1);
  EXPECT_THAT(err, HasSubstr("it begins with the account of the key /etc/certferry/account.key"));
}

TEST_F(Commands, ForgetTakesANameThatCanBeNoneForAWrongWord) { EXPECT_EQ(run({"forget", "a/b"}), 2); }

TEST_F(Commands, PolicySaysThatWhatIsTakenOutIsStillToBeLookedAt) {
  write("/etc/certferry/certferry.toml",
        "[[certificate]]\ndomains = [\"example.com\"]\n[[certificate.install]]\nfiles = \"/etc/ssl/www\"\n");
  EXPECT_EQ(run({"policy", "--offline"}), 0) << err;
  EXPECT_THAT(err, HasSubstr("keep the former policy too"));
  write("/etc/certferry/certferry.toml", one_classic);
  EXPECT_EQ(run({"policy", "--offline"}), 0) << err;
  EXPECT_THAT(err, testing::Not(HasSubstr("keep the former policy too")));
}

TEST_F(Commands, PolicyForTerraformCallsNothingByADigitFirst) {
  write("/etc/certferry/certferry.toml", std::string{one_classic} + "role = \"arn:aws:iam::210987654321:role/9two\"\n");
  EXPECT_EQ(run({"policy", "--offline", "--format", "terraform", "--role", "arn:aws:iam::210987654321:role/9two",
                 "--trust", "certferry", "--account", "123456789012"}),
            0)
      << err;
  EXPECT_THAT(out, testing::AllOf(HasSubstr("\"_9two\" {"), testing::Not(HasSubstr("\"9two\" {"))));
}

TEST_F(Commands, ForgetRefusesWhatIsStillConfigured) {
  write("/etc/certferry/certferry.toml", "[[certificate]]\nname = \"www\"\ndomains = [\"example.com\"]\n");
  EXPECT_EQ(run({"forget", "www"}), 2);
  EXPECT_EQ(err,
            "certferry: certificate \"www\" is configured, at /etc/certferry/certferry.toml:1:1\n  -> Take it out of "
            "the configuration first: the next apply would begin it anew\n");
}

TEST_F(Commands, ForgetAsksNobodyWhereNothingIsKnown) {
  EXPECT_EQ(run({"forget", "www"}), 1);
  EXPECT_EQ(err,
            "certferry: nothing is known of www: there is no /home/certferry/.local/state/certferry/state.db\n"
            "  -> See the names that `certferry status` prints\n");
}

TEST_F(Commands, CheckExitsWithThreeWhereItCannotLook) {
  EXPECT_EQ(run({"check", "a.example"}), 3);
  EXPECT_EQ(run({"check", "--from-file", "/hosts.txt"}), 3);
  EXPECT_EQ(err, "certferry: /hosts.txt is not there\n  -> Name a file with one host a line\n");
}

TEST_F(Commands, AccountShowsNoPasswordOfADirectoryThatItRefuses) {
  for (const char* scheme : {"https", "http", "ftp"}) {
    const std::string url = std::string{scheme} + "://user:half-a-secret@ca.example/directory";
    EXPECT_EQ(run({"account", "--directory", url}), 2);
    EXPECT_THAT(err, HasSubstr("--directory: "));
    EXPECT_THAT(err, HasSubstr(std::string{scheme} + "://***@ca.example/directory\""));
    EXPECT_THAT(err, testing::Not(HasSubstr("half-a-secret")));
  }
}

TEST_F(Commands, CheckSaysThatAFileNamesNoHost) {
  write("/hosts.txt", "# none yet\n\n");
  EXPECT_EQ(run({"check", "--from-file", "/hosts.txt"}), 3);
  EXPECT_THAT(err, HasSubstr("certferry: /hosts.txt names no host\n  -> Write one host a line into it"));
}

TEST_F(Commands, PolicyTakesTheRegionOfTheEnvironmentWhereNothingIsAsked) {
  write("/etc/certferry/certferry.toml", one_classic);
  environment({{"AWS_REGION", "cn-north-1"}});
  EXPECT_EQ(run({"policy", "--offline"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("\"arn:aws-cn:elasticloadbalancing:cn-north-1:*:loadbalancer/web\""));
  EXPECT_THAT(out, HasSubstr("\"arn:aws-cn:route53:::hostedzone/*\""));
  environment({{"AWS_DEFAULT_REGION", "us-gov-west-1"}});
  EXPECT_EQ(run({"policy", "--offline"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("\"arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:*:loadbalancer/web\""));
  write("/etc/certferry/certferry.toml", std::string{"[aws]\nregion = \"eu-west-1\"\n"} + one_classic);
  EXPECT_EQ(run({"policy", "--offline", "--json"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("arn:aws:elasticloadbalancing:eu-west-1:*:loadbalancer/web"));
  EXPECT_THAT(out, HasSubstr("\"unknown\":[]"));
}

TEST_F(Commands, PolicyTakesThePartitionOfAListenerOrSaysThatItIsNotKnown) {
  const std::string listener =
      "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2";
  write("/etc/certferry/certferry.toml",
        "[[certificate]]\ndomains = [\"example.com\"]\n[[certificate.install]]\nlistener = \"" + listener + "\"\n");
  EXPECT_EQ(run({"policy", "--offline"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("\"arn:aws-cn:route53:::hostedzone/*\""));
  write("/etc/certferry/certferry.toml", one_classic);
  EXPECT_EQ(run({"policy", "--offline", "--json"}), 0) << err;
  EXPECT_THAT(out,
              HasSubstr("\"unknown\":[{\"next\":\"Set region in [aws], or AWS_REGION\",\"what\":\"the partition of "));
  EXPECT_EQ(run({"policy", "--offline"}), 0) << err;
  EXPECT_THAT(warned(), HasSubstr("not known: the partition of AWS: ARNs are those of aws"));
  EXPECT_THAT(warned(), HasSubstr(" -> Set region in [aws], or AWS_REGION\n"));
}

TEST_F(Commands, PolicySaysWhichPartsOfAnArnItLeavesOpen) {
  const std::string listener =
      "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2";
  write("/etc/certferry/certferry.toml",
        std::string{one_classic} + "[[certificate.install]]\nlistener = \"" + listener + "\"\n");
  for (const char* format : {"json", "terraform", "cloudformation"}) {
    EXPECT_EQ(run({"policy", "--offline", "--format", format}), 0) << err;
    EXPECT_THAT(out, HasSubstr("arn:aws:elasticloadbalancing:*:*:loadbalancer/web"));
    EXPECT_THAT(warned(), HasSubstr("Which account this is in is not known: every one is allowed")) << format;
    EXPECT_THAT(warned(), HasSubstr("Which region this is in is not known: every one is allowed")) << format;
  }
  EXPECT_EQ(run({"policy", "--offline", "--json"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("Which account this is in is not known"));
  environment({{"AWS_REGION", "eu-west-1"}});
  EXPECT_EQ(run({"policy", "--offline", "--account", "123456789012"}), 0) << err;
  EXPECT_THAT(warned(), testing::Not(HasSubstr("this is in is not known")));
}

TEST_F(Commands, PolicySaysThatCloudFormationMakesAKeyOfItsOwn) {
  write("/etc/certferry/certferry.toml",
        "[aws]\nregion = \"eu-west-1\"\n[state]\nkms_key = \"alias/certferry\"\n[[certificate]]\ndomains = "
        "[\"example.com\"]\n");
  EXPECT_EQ(run({"policy", "--offline", "--key", "--format", "cloudformation"}), 0) << err;
  EXPECT_THAT(warned(), HasSubstr("A new key is made beside alias/certferry: "));
  EXPECT_THAT(warned(), testing::Not(HasSubstr("A key has one policy")));
  EXPECT_EQ(run({"policy", "--offline", "--key", "--format", "terraform"}), 0) << err;
  EXPECT_THAT(warned(), HasSubstr("A key has one policy"));
}

TEST_F(Commands, PolicySaysInEveryFormatWhatAPolicyReplaces) {
  write("/etc/certferry/certferry.toml",
        "[aws]\nregion = \"eu-west-1\"\n[state]\nstore = \"s3://state/certferry/\"\nkms_key = "
        "\"alias/certferry\"\n[[certificate]]\ndomains = [\"example.com\"]\n");
  for (const char* format : {"json", "terraform", "cloudformation"}) {
    EXPECT_EQ(run({"policy", "--offline", "--bucket", "--format", format}), 0) << err;
    EXPECT_THAT(warned(), HasSubstr("A bucket has one policy: this one replaces that of state.")) << format;
  }
  EXPECT_THAT(out, HasSubstr("# A bucket has one policy: this one replaces that of state."));
}

TEST_F(Commands, SandboxTellsAllThatIsWrongWithZoneRegionAndAccount) {
  EXPECT_EQ(
      run({"sandbox", "--zone", "exa mple.com", "--zone", "*.example.com", "--region", "Ireland", "--account", "12"}),
      2);
  EXPECT_THAT(err, HasSubstr("--zone: \"exa mple.com\""));
  EXPECT_THAT(err, HasSubstr("--zone: \"*.example.com\" is no zone"));
  EXPECT_THAT(err, HasSubstr("--region: \"Ireland\" is no region"));
  EXPECT_THAT(err, HasSubstr("--account: \"12\" is no AWS account"));
  EXPECT_EQ(run({"sandbox", "--account", "12345678901x"}), 2);
  EXPECT_EQ(err,
            "certferry: --account: \"12345678901x\" is no AWS account\n  -> Write its number, such as "
            "\"123456789012\"\n");
}

TEST_F(Commands, SandboxTakesNoWordThatAwsWouldNot) {
  EXPECT_EQ(run({"sandbox", "--elb", "x:99999", "--listener", "foo", "--kms-key", "foo", "--bucket", "B_A", "--role",
                 "arn:aws:iam::1:role/dns"}),
            2);
  EXPECT_THAT(err, HasSubstr("--elb: 99999 is no port"));
  EXPECT_THAT(err, HasSubstr("--listener: \"foo\" is no ARN"));
  EXPECT_THAT(err, HasSubstr("--kms-key: \"foo\" is no alias of a KMS key"));
  EXPECT_THAT(err, HasSubstr("--bucket: \"B_A\" is no name of a bucket"));
  EXPECT_THAT(err, HasSubstr("--role: \"arn:aws:iam::1:role/dns\" is of no AWS account"));
  EXPECT_EQ(run({"sandbox", "--host", "www.example.com=nowhere"}), 2);
  EXPECT_THAT(err, HasSubstr("there is no such load balancer"));
}

TEST_F(Commands, ACaIsJudgedByOneRuleWhereverItIsNamed) {
  const std::string said =
      "\"digicert\" is no CA that certferry knows\n  -> Write \"letsencrypt\" or \"letsencrypt-staging\", or the https "
      "URL "
      "of the CA's ACME directory\n";
  for (const std::vector<std::string>& words : {std::vector<std::string>{"account", "--directory", "digicert"},
                                                {"plan", "--domain", "example.com", "--directory", "digicert"}}) {
    EXPECT_EQ(run(words), 2);
    EXPECT_EQ(err, "certferry: --directory: " + said);
  }
  write("/etc/certferry/certferry.toml",
        "[ca]\ndirectory = \"digicert\"\n[[certificate]]\ndomains = [\"example.com\"]\n");
  EXPECT_EQ(run({"plan"}), 2);
  EXPECT_EQ(err, "certferry: /etc/certferry/certferry.toml:2:13: " + said);
}

TEST_F(Commands, RootsThatAreMissingAreCalledAsTheyWereWritten) {
  EXPECT_EQ(run({"check", "--trust", "/none", "127.0.0.1:1"}), 3);
  EXPECT_EQ(err, "certferry: --trust: \"/none\" is not there\n  -> Name a PEM file with the roots to trust\n");
}

TEST_F(Commands, SandboxWantsToKnowWhosePolicyItIs) {
  EXPECT_EQ(run({"sandbox", "--bucket", "state", "--bucket-policy", "/bucket.json"}), 2);
  EXPECT_EQ(err,
            "certferry: --bucket-policy: \"/bucket.json\" does not say whose policy it is\n  -> Write it as "
            "--bucket-policy my-bucket=policy.json\n");
  EXPECT_EQ(run({"sandbox", "--key-policy", "/key.json"}), 2);
  EXPECT_THAT(err, HasSubstr("Write it as --key-policy alias/my-key=policy.json"));
  EXPECT_EQ(run({"sandbox", "--policy", "/a=b.json"}), 2);
  EXPECT_THAT(err, HasSubstr("the policy /a=b.json is not there"));
  write("/bucket.json", R"({"Version":"2012-10-17","Statement":[]})");
  EXPECT_EQ(run({"sandbox", "--bucket", "state", "--bucket-policy", "other=/bucket.json"}), 2);
  EXPECT_THAT(err, HasSubstr("the sandbox has no bucket other"));
  EXPECT_EQ(run({"sandbox", "--policy", "arn:aws:iam::123456789012:role/none=/bucket.json"}), 2);
  EXPECT_THAT(err, HasSubstr("the sandbox has no role arn:aws:iam::123456789012:role/none"));
}

TEST_F(Commands, SandboxWritesOverNoFileThatItDidNotWrite) {
  for (const char* file : {"/etc/certferry/certferry.toml", "/roots/ca.pem", "/other/sandbox.json"}) {
    const std::string path = file, directory = path.substr(0, path.rfind('/'));
    write(path, "[ca]\n");
    EXPECT_EQ(run({"sandbox", "--directory", directory}), 2);
    EXPECT_EQ(err, "certferry: " + path +
                       " is there, and was not written by a sandbox, or by one of an earlier version\n  -> Name a "
                       "directory of its own by --directory, or "
                       "move that file away\n");
    EXPECT_EQ(read(path), "[ca]\n");
  }
}

TEST_F(Commands, SandboxSaysOfAPolicyThatIsNoneInWhichFileItIs) {
  write("/less.json", "{ broken");
  EXPECT_EQ(run({"sandbox", "--policy", "/less.json"}), 2);
  EXPECT_THAT(err, testing::StartsWith("certferry: /less.json: it is no JSON that can be read: "));
  EXPECT_THAT(err, HasSubstr("\n  -> Write it as `certferry policy` does: "));
  write(
      "/less.json",
      R"({"Version":"2012-10-17","Statement":[{"Sid":"KeepState","Effect":"Allow","Resource":"*","Principal":"*"}]})");
  for (const auto& [option, word] :
       {std::pair{"--bucket-policy", "state=/less.json"}, std::pair{"--key-policy", "alias/k=/less.json"}}) {
    EXPECT_EQ(run({"sandbox", "--bucket", "state", "--kms-key", "alias/k", option, word}), 2);
    EXPECT_THAT(err, HasSubstr("/less.json: statement KeepState: it has no Action")) << option;
  }
}

}  // namespace
}  // namespace certferry
