#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits/renewal.h"
#include "cli/said.h"

namespace certferry {
namespace {

template <class T>
T understood(const std::vector<std::string>& arguments) {
  const auto parsed = parse_command_line(arguments);
  if (const auto* told = std::get_if<Told>(&parsed)) throw std::runtime_error(told->text);
  if (const auto* wrong = std::get_if<UsageError>(&parsed)) throw std::runtime_error(failure_text(wrong->failure));
  return std::get<T>(std::get<CommandLine>(parsed).command);
}

Told told(const std::vector<std::string>& arguments) {
  const auto parsed = parse_command_line(arguments);
  if (const auto* wrong = std::get_if<UsageError>(&parsed)) return {failure_text(wrong->failure), wrong->exit};
  const auto* words = std::get_if<Told>(&parsed);
  return words ? *words : Told{"understood", -1};
}

TEST(CommandLine, ReadsApplyWithAConfiguration) {
  const auto apply = understood<ApplyCommand>(
      {"apply", "--config", "web.toml", "--renew", "www", "--renew", "api", "--retry", "--wait", "90s"});
  EXPECT_EQ(apply.config.file, "web.toml");
  EXPECT_FALSE(apply.config.flags);
  EXPECT_EQ(apply.request.renew, (std::vector<std::string>{"www", "api"}));
  EXPECT_TRUE(apply.request.retry);
  EXPECT_FALSE(apply.request.permits.drop_names);
  EXPECT_EQ(apply.wait, seconds(90));
  EXPECT_EQ(understood<ApplyCommand>({"apply"}).wait, limits::renewal::claim_wait);
}

TEST(CommandLine, ReadsApplyByFlagsAlone) {
  const auto apply = understood<ApplyCommand>(
      {"apply", "--agree-to-terms", "-d", "example.com", "--domain", "*.example.com", "--elb", "my-lb:443", "--files",
       "/etc/ssl/www", "--reload", "systemctl", "reload", "nginx", "--install-untrusted", "--drop-names"});
  ASSERT_TRUE(apply.config.flags);
  const Flags& flags = *apply.config.flags;
  EXPECT_TRUE(flags.agree_to_terms);
  EXPECT_EQ(flags.domains, (std::vector<std::string>{"example.com", "*.example.com"}));
  EXPECT_EQ(flags.elb, (std::vector<std::string>{"my-lb:443"}));
  EXPECT_EQ(flags.files, (std::vector<std::string>{"/etc/ssl/www"}));
  EXPECT_EQ(flags.reload, (std::vector<std::string>{"systemctl", "reload", "nginx"}));
  EXPECT_TRUE(apply.request.permits.install_untrusted);
  EXPECT_TRUE(apply.request.permits.drop_names);
}

TEST(CommandLine, SaysHowAWordOfReloadWithADashIsWritten) {
  const std::vector<std::string> words{"apply", "-d", "a.example", "--files", "/etc/ssl/www", "--reload", "nginx"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return more;
  };
  for (const char* word : {"-s", "--graceful"})
    EXPECT_THAT(told(with({word, "reload"})).text, testing::HasSubstr("is written as in --reload=-s")) << word;
  EXPECT_EQ(understood<ApplyCommand>(with({"--reload=-s", "--reload", "reload"})).config.flags->reload,
            (std::vector<std::string>{"nginx", "-s", "reload"}));
}

TEST(CommandLine, ReadsWhereTheStateIsForWhatNeedsNothingElse) {
  const auto status = understood<StatusCommand>({"status", "--store", "s3://my-bucket/x/", "--kms-key", "alias/a"});
  ASSERT_TRUE(status.config.flags);
  EXPECT_EQ(status.config.flags->store, "s3://my-bucket/x/");
  EXPECT_EQ(status.config.flags->kms_key, "alias/a");
  EXPECT_EQ(understood<ForgetCommand>({"forget", "www", "--store", "/srv"}).config.flags->store, "/srv");
}

TEST(CommandLine, ReadsWhatStandsInASandbox) {
  EXPECT_EQ(understood<RehearseCommand>({"rehearse", "-c", "web.toml"}).config, "web.toml");
  EXPECT_EQ(understood<RehearseCommand>({"rehearse"}).config, "");
  const auto sandbox = understood<SandboxCommand>({"sandbox", "--zone", "example.com", "--elb", "old:8443",
                                                   "--listener", "arn:aws:x", "--host", "example.com=old", "--region",
                                                   "eu-central-1", "--account", "210987654321"});
  EXPECT_EQ(sandbox.elb, (std::vector<std::string>{"old:8443"}));
  EXPECT_EQ(sandbox.listeners, (std::vector<std::string>{"arn:aws:x"}));
  EXPECT_EQ(sandbox.hosts, (std::vector<std::string>{"example.com=old"}));
  EXPECT_EQ(sandbox.region, "eu-central-1");
  EXPECT_EQ(sandbox.account, "210987654321");
}

TEST(CommandLine, ReadsCheckAsAMonitoringPluginDoes) {
  const auto check = understood<CheckCommand>(
      {"check", "a.example", "b.example:993", "--warn", "30", "--crit", "36h", "--starttls", "imap"});
  EXPECT_EQ(check.hosts, (std::vector<std::string>{"a.example", "b.example:993"}));
  EXPECT_EQ(check.settings.warn, days(30));
  EXPECT_EQ(check.settings.critical, hours(36));
  EXPECT_EQ(check.settings.starttls, StartTls::imap);
  const auto usual = understood<CheckCommand>({"check", "a.example"});
  EXPECT_FALSE(usual.settings.warn || usual.settings.critical) << "what was not said is not taken for said";
}

TEST(CommandLine, TakesAPolicyApart) {
  const auto policy = understood<PolicyCommand>({"policy", "--format", "terraform", "--trust", "eks", "--bucket",
                                                 "--service-account", "web/renewer", "-d", "example.com"});
  EXPECT_EQ(policy.format, PolicyFormat::terraform);
  EXPECT_EQ(policy.trust, Trustee::eks);
  EXPECT_TRUE(policy.bucket);
  EXPECT_FALSE(policy.key);
  EXPECT_EQ(policy.eks.name_space, "web");
  EXPECT_EQ(policy.eks.service_account, "renewer");
  EXPECT_EQ(policy.config.flags->domains, std::vector<std::string>{"example.com"});
  EXPECT_EQ(told({"policy", "--trust", "fargate"}).exit, 2);
  EXPECT_EQ(told({"policy", "--service-account", "renewer"}).exit, 2);
}

TEST(CommandLine, TakesNoAccountAndNobodyThatAPolicyCannotName) {
  const auto policy = understood<PolicyCommand>(
      {"policy", "--account", "123456789012", "--key", "--principal", "arn:aws:iam::123456789012:role/certferry"});
  EXPECT_EQ(policy.account, "123456789012");
  EXPECT_EQ(policy.principal, "arn:aws:iam::123456789012:role/certferry");
  const auto account = told({"policy", "--offline", "--account", "nonsense"});
  EXPECT_EQ(account.exit, 2);
  EXPECT_THAT(account.text, testing::HasSubstr("--account: \"nonsense\" is no account of AWS; write its 12 digits"));
  const auto principal = told({"policy", "--offline", "--principal", "x y"});
  EXPECT_EQ(principal.exit, 2);
  EXPECT_THAT(principal.text,
              testing::HasSubstr("--principal: \"x y\" is none that a policy can name; write the ARN of a role"));
  const auto provider = told({"policy", "--trust", "eks", "--oidc-provider", "https://oidc.eks.example/id/A1"});
  EXPECT_EQ(provider.exit, 2);
  EXPECT_THAT(provider.text, testing::HasSubstr("write it without https://"));
}

TEST(CommandLine, TakesNoWordOfAPolicyThatWouldSayNothing) {
  const auto refused = [](std::vector<std::string> words) {
    words.insert(words.begin(), "policy");
    const Told said = told(words);
    EXPECT_EQ(said.exit, 2) << said.text;
    return said.text;
  };
  const std::string who = "arn:aws:iam::123456789012:role/certferry";
  EXPECT_THAT(refused({"--principal", who}), testing::HasSubstr("--principal goes with --bucket, --key and --trust "
                                                                "certferry alone"));
  refused({"--principal", who, "--trust", "ecs"});
  EXPECT_THAT(refused({"--trust", "ecs", "--oidc-provider", "oidc.eks.example/id/A1"}),
              testing::HasSubstr("--oidc-provider goes with --trust eks alone"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--service-account", "a/b"}, {"--service-account", "a/b", "--trust", "ec2"}})
    EXPECT_THAT(refused(words), testing::HasSubstr("--service-account goes with --trust eks and eks-pod-identity"));
  EXPECT_THAT(refused({"--json", "--format", "terraform"}), testing::HasSubstr("--format terraform beside --json"));
  understood<PolicyCommand>({"policy", "--json", "--format", "json"});
  understood<PolicyCommand>({"policy", "--bucket", "--principal", who});
  understood<PolicyCommand>({"policy", "--role", who, "--trust", "certferry", "--principal", who});
  understood<PolicyCommand>({"policy", "--trust", "eks-pod-identity", "--service-account", "a/b"});
}

TEST(CommandLine, TellsAFileOfRootsFromWhomARoleTrusts) {
  EXPECT_THAT(told({"policy", "--trust", "roots.pem"}).text,
              testing::HasSubstr("; a PEM file of roots, as --trust names one elsewhere, is of no use to policies"));
  EXPECT_THAT(told({"policy", "--trust", "fargate"}).text, testing::Not(testing::HasSubstr("PEM")));
}

TEST(CommandLine, TakesJsonBeforeAndAfterTheCommand) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--json", "status"}, std::vector<std::string>{"status", "--json"}}) {
    const auto parsed = parse_command_line(words);
    ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
    EXPECT_TRUE(std::get<CommandLine>(parsed).json);
  }
}

TEST(CommandLine, SaysWhatIsWrongAndExitsWithTwo) {
  EXPECT_EQ(told({"aply"}).text,
            "certferry: there is no command \"aply\"; did you mean apply?\n  -> See certferry "
            "--help\n");
  EXPECT_EQ(told({"aply"}).exit, 2);
  EXPECT_EQ(told({"apply", "--colour"}).exit, 2);
  EXPECT_EQ(told({"apply", "--config", "a.toml", "-d", "example.com"}).text,
            "certferry: --config stands beside flags that configure too; write everything into the file, or use flags "
            "alone\n  -> See certferry apply --help\n");
  EXPECT_EQ(told({"apply", "--wait", "soon"}).text,
            "certferry: --wait: \"soon\" is no duration; write a number and a unit, such as 90s or 5min\n  -> See "
            "certferry apply --help\n");
  EXPECT_EQ(understood<ForgetCommand>({"forget", "--account", "123456789012"}).account, "123456789012");
  EXPECT_EQ(told({"forget", "--account", "12345"}).exit, 2);
  EXPECT_EQ(told({"forget", "www", "--account", "123456789012"}).exit, 2);
  EXPECT_EQ(told({"forget"}).exit, 2);
  EXPECT_EQ(
      told({"forget"}).text,
      "certferry: which certificate? certferry forget NAME, or --account NUMBER\n  -> See certferry forget --help\n");
  EXPECT_EQ(told({"--bogus"}).text, "certferry: certferry has no option --bogus\n  -> See certferry --help\n");
  EXPECT_EQ(told({"--config=a.toml"}).text,
            "certferry: which command? certferry COMMAND [OPTIONS]\n  -> See certferry --help\n");
  EXPECT_EQ(told({"status", "--config", "a.toml", "--store", "/srv/state"}).exit, 2);
  EXPECT_EQ(told({}).exit, 2);
}

TEST(CommandLine, SaysWhichOptionWasMeant) {
  const auto apply = [](const std::string& what) {
    return "certferry: apply has no option " + what + "\n  -> See certferry apply --help\n";
  };
  EXPECT_EQ(told({"apply", "--domian", "x"}).text, apply("--domian; did you mean --domain?"));
  EXPECT_EQ(told({"apply", "--domian=x", "--colour"}).text, apply("--domian; did you mean --domain?"));
  EXPECT_EQ(told({"apply", "--verbos"}).text, apply("--verbos; did you mean --verbose?"));
  EXPECT_EQ(told({"apply", "--colour"}).text, apply("--colour"));
  EXPECT_EQ(told({"apply", "--domian"}).exit, 2);
  EXPECT_EQ(told({"--verison"}).text,
            "certferry: certferry has no option --verison; did you mean --version?\n  -> See certferry --help\n");
  EXPECT_EQ(told({"check", "a.example", "--wran", "3"}).exit, 3);
  EXPECT_EQ(told({"sandbox", "--companion-off", "3"}).text,
            "certferry: sandbox has no option --companion-off\n  -> See certferry sandbox --help\n")
      << "which is for itself alone";
  EXPECT_EQ(told({"plan", "www", "api"}).text,
            "certferry: plan does not take \"www\"\n  -> See certferry plan --help\n");
}

TEST(CommandLine, HelpsByItsWordToo) {
  EXPECT_EQ(told({"help"}).text, told({"--help"}).text);
  EXPECT_EQ(told({"help", "apply"}).text, told({"apply", "--help"}).text);
  EXPECT_EQ(told({"help", "apply"}).exit, 0);
  EXPECT_EQ(told({"help", "aply"}).text,
            "certferry: there is no command \"aply\"; did you mean apply?\n  -> See certferry --help\n");
}

TEST(CommandLine, SaysThatItGoesOnOnlyWhereItDoes) {
  EXPECT_EQ(next_after_signal(ApplyCommand{}), "Run certferry again; it goes on where it stopped");
  EXPECT_EQ(next_after_signal(ForgetCommand{}), next_after_signal(ApplyCommand{}));
  for (const Verb& anew : {Verb{DemoCommand{}}, Verb{RehearseCommand{}}, Verb{CheckCommand{}}, Verb{PlanCommand{}}})
    EXPECT_EQ(next_after_signal(anew), "Run it again; it begins anew");
}

TEST(CommandLine, ExitsWithThreeWhereCheckIsMisused) {
  EXPECT_EQ(told({"check"}).exit, 3);
  EXPECT_EQ(told({"check", "a.example", "--starttls", "gopher"}).exit, 3);
  EXPECT_TRUE(told({"check", "a.example", "--warn", "x"}).text.contains("--warn: \"x\" is no number of days; "));
  EXPECT_EQ(told({"check", "a.example", "--warn", "5", "--crit", "7"}).text,
            "certferry: --crit is more than --warn\n  -> See certferry check --help\n");
  EXPECT_EQ(told({"check", "a.example", "--crit", "30"}).text,
            "certferry: --crit is more than the 21 days of --warn; write both\n  -> See certferry check --help\n");
}

TEST(CommandLine, RemembersThatJsonWasAskedForWhateverElseIsWrong) {
  const auto json = [](const std::vector<std::string>& words) {
    return std::get<UsageError>(parse_command_line(words)).json;
  };
  EXPECT_TRUE(json({"apply", "--json", "--bogus"}));
  EXPECT_TRUE(json({"apply", "--bogus", "--json"}));
  EXPECT_TRUE(json({"--json", "aply"}));
  EXPECT_TRUE(json({"check", "--json"}));
  EXPECT_FALSE(json({"check"}));
}

TEST(CommandLine, ExitsWithThreeWhereCheckCouldNotLook) {
  EXPECT_EQ(exit_of_failure(CheckCommand{}), 3);
  EXPECT_EQ(exit_of_failure(ApplyCommand{}), 1);
  EXPECT_EQ(exit_of_misuse(CheckCommand{}), 3);
  EXPECT_EQ(exit_of_misuse(ApplyCommand{}), 2);
  EXPECT_EQ(exit_of_misuse(PlanCommand{}), 2);
  EXPECT_EQ(exit_of_misuse(PlanCommand{.detailed_exitcode = true}), 1) << "2 says that there is something to do";
  EXPECT_EQ(told({"plan", "--bogus"}).exit, 2);
  EXPECT_EQ(told({"plan", "--bogus", "--detailed-exitcode"}).exit, 1);
}

TEST(CommandLine, HelpsWithExamplesForEveryCommand) {
  EXPECT_EQ(told({"--help"}).exit, 0);
  for (const char* name : {"apply", "plan", "doctor", "check", "status", "forget", "account", "policy", "sandbox",
                           "demo", "rehearse", "version"}) {
    const Told help = told({name, "--help"});
    EXPECT_EQ(help.exit, 0) << name;
    EXPECT_NE(help.text.find("Examples:\n  certferry " + std::string{name}), std::string::npos) << help.text;
    EXPECT_NE(help.text.find("--json"), std::string::npos) << help.text;
    EXPECT_NE(told({"--help"}).text.find(name), std::string::npos) << name;
  }
}

TEST(CommandLine, HelpsWithNoCommandThatItDoesNotKnow) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"aply", "--help"}, {"--help", "aply"}, {"-h", "aply"}}) {
    EXPECT_EQ(told(words).exit, 2);
    EXPECT_EQ(told(words).text,
              "certferry: there is no command \"aply\"; did you mean apply?\n  -> See certferry --help\n");
  }
  EXPECT_EQ(told({"--json", "--help"}).exit, 0);
}

TEST(CommandLine, ShowsPeopleNoOptionThatIsForItselfAlone) {
  EXPECT_EQ(told({"sandbox", "--help"}).text.find("companion"), std::string::npos);
  EXPECT_EQ(understood<SandboxCommand>({"sandbox", "--companion-of", "7"}).companion_of, 7);
}

TEST(CommandLine, KnowsItsVersionAsCommandAndAsFlag) {
  understood<VersionCommand>({"version"});
  understood<VersionCommand>({"--version"});
}

}  // namespace
}  // namespace certferry
