#include <gtest/gtest.h>

#include "refusals.h"

namespace certferry {
namespace {

constexpr const char* kWhole = R"([ca]
directory = "letsencrypt"
agree_to_terms = true
trust = "/etc/certferry/ca.pem"

[aws]
region = "eu-west-1"
profile = "web"

[account]
key = "s3://my-bucket/certferry/account.key"
key_type = "rsa4096"
contact = ["ops@example.com", "mailto:second@example.com"]

[state]
store = "s3://my-bucket/certferry/"
kms_key = "alias/certferry"

[challenge]
delegated = ["acme.example.net"]
resolvers = ["192.0.2.1", "127.0.0.1:5353", "2001:db8::1", "[2001:db8::2]:53"]

[[zone]]
name = "example.com"
id = "/hostedzone/Z0123456789ABC"
role = "arn:aws:iam::210987654321:role/dns"
external_id = "us"
session_name = "certs@web-1"

[[certificate]]
name = "www"
domains = ["example.com", "*.example.com"]
key = "p384"
profile = "shortlived"
[[certificate.install]]
elb = "my-classic-lb"
[[certificate.install]]
elb = "my-classic-lb"
port = 8443
shelf = "iam"
verify = "api"
retire_after = "3d"
region = "eu-west-2"
role = "arn:aws:iam::210987654321:role/web"
[[certificate.install]]
listener = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
[[certificate.install]]
files = "/etc/ssl//www/"
reload = ["systemctl", "reload", "nginx"]
reload_timeout = "90s"
connect = "localhost:443"
)";

TEST(ParseConfig, ReadsEveryKey) {
  const Config config = parse_config(kWhole, "certferry.toml");
  EXPECT_EQ(config.ca.url, "https://acme-v02.api.letsencrypt.org/directory");
  EXPECT_TRUE(config.ca.agree_to_terms);
  EXPECT_FALSE(config.ca.test_ca);
  EXPECT_EQ(config.ca.trust, "/etc/certferry/ca.pem");
  EXPECT_EQ(config.aws.region, "eu-west-1");
  EXPECT_EQ(config.aws.profile, "web");
  EXPECT_EQ(config.account.key, "s3://my-bucket/certferry/account.key");
  EXPECT_EQ(config.account.kms_key, "alias/certferry") << "that of the state";
  EXPECT_EQ(config.account.key_type, KeyType::rsa4096);
  EXPECT_EQ(config.account.contact, (std::vector<std::string>{"mailto:ops@example.com", "mailto:second@example.com"}));
  EXPECT_EQ(config.state.store, "s3://my-bucket/certferry/");
  EXPECT_EQ(config.delegated.at(0).text(), "acme.example.net");
  EXPECT_EQ(config.resolvers, (std::vector<ResolverConfig>{
                                  {"192.0.2.1", 53}, {"127.0.0.1", 5353}, {"2001:db8::1", 53}, {"2001:db8::2", 53}}));
  EXPECT_EQ(config.zones.at(0).id->text(), "Z0123456789ABC");
  EXPECT_EQ(
      config.zones.at(0).role,
      (RoleConfig{.arn = "arn:aws:iam::210987654321:role/dns", .external_id = "us", .session_name = "certs@web-1"}));

  const CertificateConfig& www = config.certificates.at(0);
  EXPECT_EQ(www.id.text(), "www");
  EXPECT_EQ(www.domains.at(0).text(), "example.com") << "as written: the SNI";
  EXPECT_EQ(config.spec(www).names.at(0).text(), "*.example.com") << "sorted: what the CA compares";
  EXPECT_EQ(config.spec(www).directory, config.ca.url);
  EXPECT_EQ(www.key_type, KeyType::p384);
  EXPECT_EQ(www.profile, "shortlived");
  ASSERT_EQ(www.install.size(), 4U);
  EXPECT_EQ(www.install[0].slot(), "elb/my-classic-lb:443");
  EXPECT_EQ(www.install[0].retire_after, hours(24));
  EXPECT_EQ(www.install[1].slot(), "elb/my-classic-lb:8443");
  EXPECT_EQ(www.install[1].verify, Verify::api);
  EXPECT_EQ(www.install[1].retire_after, days(3));
  EXPECT_EQ(www.install[1].region, "eu-west-2");
  EXPECT_EQ(www.install[1].role, RoleConfig{.arn = "arn:aws:iam::210987654321:role/web"});
  EXPECT_FALSE(www.install[0].role);
  EXPECT_TRUE(www.install[2].slot().starts_with("listener/arn:aws:elasticloadbalancing:"));
  const auto& files = std::get<FilesInstall>(www.install[3].where);
  EXPECT_EQ(files.directory, "/etc/ssl/www");
  EXPECT_EQ(files.reload.size(), 3U);
  EXPECT_EQ(files.reload_timeout, seconds(90));
  EXPECT_EQ(files.connect, "localhost:443");
}

TEST(ParseConfig, GivesAReloadFiveMinutesOrWhatIsWritten) {
  const std::string files =
      "[[certificate]]\ndomains = [\"example.com\"]\n[[certificate.install]]\nfiles = \"/etc/w\"\n";
  const Config config = parse_config(files + "reload = [\"a\"]\n", "certferry.toml");
  EXPECT_EQ(std::get<FilesInstall>(config.certificates.at(0).install.at(0).where).reload_timeout, minutes(5));
  for (const char* odd : {"0s", "999ms", "25h"})
    EXPECT_EQ(refusal(files + "reload = [\"a\"]\nreload_timeout = \"" + odd + "\"\n"),
              std::string{"certferry.toml:6:18: reload_timeout = \""} + odd +
                  "\" is no time that a command may take -> Write one of a second to a day, such as \"5 min\"");
  EXPECT_EQ(
      refusal(files + "reload_timeout = \"90s\"\n"),
      "certferry.toml:5:18: reload_timeout stands without a reload -> Add reload = [\"command\", \"argument\"], or "
      "leave reload_timeout away");
  EXPECT_EQ(refusal("[[certificate]]\ndomains = [\"example.com\"]\n[[certificate.install]]\nelb = \"web\"\n"
                    "reload_timeout = \"90s\"\n"),
            "certferry.toml:5:18: reload_timeout does not go with elb -> Leave it away: it belongs to files");
}

TEST(ParseConfig, BeginsWithStagingAndNamesACertificateByItsFirstName) {
  const Config config = parse_config("[[certificate]]\ndomains = [\"WWW.Example.com.\"]\n", "certferry.toml");
  EXPECT_EQ(config.ca.url, "https://acme-staging-v02.api.letsencrypt.org/directory");
  EXPECT_TRUE(config.ca.test_ca);
  EXPECT_FALSE(config.ca.agree_to_terms);
  EXPECT_EQ(config.certificates.at(0).id.text(), "www.example.com");
  EXPECT_EQ(config.certificates.at(0).place.text(), "certferry.toml:1:1");
}

TEST(ParseConfig, NamesTheKeyThatWasMeant) {
  EXPECT_EQ(refusal("[[certificate]]\ndomians = [\"example.com\"]\ndomains = [\"example.com\"]\n"),
            "certferry.toml:2:1: unknown key \"domians\" in [[certificate]] -> Write \"domains\"");
  EXPECT_EQ(refusal("[ca]\nagree = true\n"),
            "certferry.toml:2:1: unknown key \"agree\" in [ca] -> Write \"agree_to_terms\"");
  EXPECT_EQ(refusal("[ca]\ncolour = \"red\"\n"),
            "certferry.toml:2:1: unknown key \"colour\" in [ca] -> Use one of agree_to_terms, directory, trust");
  EXPECT_EQ(refusal("[certificates]\n"), "certferry.toml:1:2: unknown table \"certificates\" -> Write \"certificate\"");
}

TEST(ParseConfig, SaysWhichTypeAValueMustHave) {
  EXPECT_EQ(refusal("[ca]\nagree_to_terms = \"yes\"\n"),
            "certferry.toml:2:18: agree_to_terms is a string and must be true or false -> Write agree_to_terms = true, "
            "without quotation marks");
  EXPECT_EQ(refusal("[[certificate]]\ndomains = \"example.com\"\n"),
            "certferry.toml:2:11: domains is a string and must be a list of strings -> Write domains = [\"...\", "
            "\"...\"]");
  EXPECT_EQ(refusal("[[certificate]]\nname = 5\ndomains = [\"example.com\"]\n"),
            "certferry.toml:2:8: name is a whole number and must be a string -> Write name = \"...\"");
  EXPECT_EQ(refusal("[certificate]\ndomains = [\"example.com\"]\n"),
            "certferry.toml:1:1: certificate is a table and must be a list of tables -> Write [[certificate]] on a "
            "line of its own, once for each");
  EXPECT_EQ(refusal("ca = 1\n"),
            "certferry.toml:1:6: ca is a whole number and must be a table -> Write [ca] on a line of its own, and its "
            "keys below");
}

TEST(ParseConfig, SaysWhereTheTomlBreaks) {
  const std::string text = refusal("[ca]\ndirectory = letsencrypt\n");
  EXPECT_TRUE(text.starts_with("certferry.toml:2:13: ")) << text;
  EXPECT_TRUE(text.ends_with(" -> Correct the TOML there; docs/configuration.md has an example")) << text;
  for (const char mark : {'*', ';', '#', '/', '.'}) {
    EXPECT_EQ(refusal(std::string{"["} + mark + "example]\n"),
              std::string{"certferry.toml:1:2: Error while parsing key: expected bare key starting character or string "
                          "delimiter, saw '"} +
                  mark + "' -> Correct the TOML there; docs/configuration.md has an example");
  }
  EXPECT_TRUE(refusal("[ca]\ndirectory = \"letsencrypt\n")
                  .ends_with(" -> Close the string with a quotation mark; "
                             "docs/configuration.md has an example"));
  for (const char* line : {"äge = 1\n", "[ä]\n", "ca = ä\n", "caä = 1\n", "ca =\u00a0\"x\"\n"})
    EXPECT_TRUE(refusal(line).starts_with("certferry.toml:1:")) << line << refusal(line);
  EXPECT_TRUE(refusal("[ca]\n[ca]\n").starts_with("certferry.toml:2:")) << refusal("[ca]\n[ca]\n");
}

TEST(ParseConfig, SaysEverythingThatIsWrongInOneGo) {
  EXPECT_EQ(refusal(R"([ca]
directroy = "letsencrypt"
[[certificate]]
domains = ["exa mple.com"]
key = "p265"
)"),
            "certferry.toml:2:1: unknown key \"directroy\" in [ca]. Write \"directory\"\n"
            "certferry.toml:4:12: \"exa mple.com\" is no DNS name: label \"exa mple\" may hold letters, digits, \"-\" "
            "and \"_\" only. Write a DNS name such as www.example.com or *.example.com\n"
            "certferry.toml:5:7: \"p265\" is no key type. Write \"p256\""
            " -> Correct these 3 places of certferry.toml; docs/configuration.md has every key");
}

TEST(ParseConfig, SaysOfAListOfTheWrongKindNothingButThat) {
  EXPECT_EQ(refusal("[[certificate]]\ndomains = [1]\n"),
            "certferry.toml:2:12: an element of domains is a whole number and must be a string -> Write domains = "
            "[\"...\", \"...\"]");
}

TEST(ParseConfig, SaysOfAMisspeltKeyOnlyThat) {
  EXPECT_EQ(refusal("[[certificate]]\ndomain = [\"example.com\"]\n"),
            "certferry.toml:2:1: unknown key \"domain\" in [[certificate]] -> Write \"domains\"");
}

TEST(ParseConfig, SaysWhereAKeyBelongs) {
  EXPECT_EQ(refusal("agree_to_terms = true\n[[certificate]]\ndomains = [\"example.com\"]\n"),
            "certferry.toml:1:1: unknown key \"agree_to_terms\" -> Write it below [ca]");
}

TEST(ParseConfig, SaysWhichCharacterMayNotStandInAString) {
  EXPECT_EQ(refusal("[ca]\ndirectory = \"lets\x1b[1mencrypt\"\n"),
            "certferry.toml:2:18: the control character U+001B stands in a string -> Remove it, or write \\u001B "
            "between double quotation marks");
}

TEST(ParseConfig, TakesARoleOfAnAccountAlone) {
  EXPECT_EQ(
      refusal("[[zone]]\nname = \"example.com\"\nrole = \"arn:aws:iam::1:role/dns\"\n"),
      "certferry.toml:3:8: \"arn:aws:iam::1:role/dns\" is of no AWS account -> Write the account's 12 digits, as in "
      "arn:aws:iam::123456789012:role/dns");
}

TEST(ParseConfig, WantsNamesInEveryCertificate) {
  EXPECT_EQ(refusal("[[certificate]]\nname = \"www\"\n"),
            "certferry.toml:1:1: [[certificate]] has no domains -> Add domains = [\"example.com\"]");
  EXPECT_EQ(refusal("[[certificate]]\ndomains = []\n"),
            "certferry.toml:2:11: domains is empty -> Write domains = [\"example.com\"]");
}

TEST(ParseConfig, KnowsItsCertificateAuthorities) {
  EXPECT_EQ(refusal("[ca]\ndirectory = \"letsencrypt-stagin\"\n"),
            "certferry.toml:2:13: \"letsencrypt-stagin\" is no CA that certferry knows -> Write "
            "\"letsencrypt-staging\"");
  EXPECT_EQ(refusal("[ca]\ndirectory = \"digicert\"\n"),
            "certferry.toml:2:13: \"digicert\" is no CA that certferry knows -> Write \"letsencrypt\" or "
            "\"letsencrypt-staging\", or the https URL of the CA's ACME directory");
  EXPECT_EQ(refusal("[ca]\ndirectory = \"http://ca.example/directory\"\n"),
            "certferry.toml:2:13: the directory \"http://ca.example/directory\" is not https -> Write the CA's https "
            "URL; ACME allows no other");
  const Config config = parse_config("[ca]\ndirectory = \"https://ca.example/directory\"\n", "certferry.toml");
  EXPECT_EQ(config.ca.url, "https://ca.example/directory");
  EXPECT_FALSE(config.ca.test_ca);
}

TEST(ParseConfig, RefusesWhatIsNotThereYet) {
  EXPECT_EQ(refusal("[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nelb = \"web\"\n"
                    "shelf = \"acm\"\n"),
            "certferry.toml:5:9: shelf = \"acm\" is not yet supported -> Write shelf = \"iam\", which serves every "
            "classic, application and network load balancer");
}

TEST(ParseConfig, WantsResolversAsAddresses) {
  for (const char* wrong : {"dns.example.com", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:66000", "192.0.2",
                            "[192.0.2.1]:53", "[2001:db8::1", "[2001:db8::1]x", "::1:5353:zz", ""})
    EXPECT_EQ(refusal("[challenge]\nresolvers = [\"" + std::string{wrong} + "\"]\n"),
              "certferry.toml:2:14: [challenge] resolvers: \"" + std::string{wrong} +
                  "\" is no address of a resolver -> Write an address, with a port where it is not 53: "
                  "\"192.0.2.1\", \"127.0.0.1:5353\", \"[2001:db8::1]:53\"");
}

// As whoever connects reads it: of "::1:8443" all is the address.
TEST(ParseConfig, WantsAPortInConnect) {
  const std::string head =
      "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nfiles = \"/etc/tls\"\n";
  for (const char* wrong : {"localhost", "localhost:", ":443", "localhost:0", "localhost:65536", "a b:443", "::1:8443",
                            "[::1]", "[::1:443", "a@b:443", "https://a.example:443"})
    EXPECT_EQ(refusal(head + "connect = \"" + wrong + "\"\n"),
              "certferry.toml:5:11: connect = \"" + std::string{wrong} +
                  "\" is no host with a port -> Write it as \"host:443\", or \"[2001:db8::1]:443\"");
  for (const char* right : {"localhost:443", "127.0.0.1:8443", "[::1]:8443", "[fe80::1%eth0]:443"})
    EXPECT_EQ(refusal(head + "connect = \"" + right + "\"\n"), "") << right;
}

TEST(ParseConfig, WantsDurationsWithAUnit) {
  const std::string head = "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nelb = \"web\"\n";
  EXPECT_EQ(refusal(head + "retire_after = \"soon\"\n"),
            "certferry.toml:5:16: retire_after = \"soon\" is no duration -> Write a number and a unit, such as "
            "\"24h\", \"30d\" or \"90s\"");
  EXPECT_EQ(refusal(head + "retire_after = 24\n"),
            "certferry.toml:5:16: retire_after is a whole number and must be a string -> Write retire_after = "
            "\"...\"");
}

TEST(ParseConfig, KnowsAListenerFromWhatIsNone) {
  const auto with = [](const std::string& arn) {
    return refusal("[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nlistener = \"" + arn + "\"\n");
  };
  EXPECT_EQ(with("web"),
            "certferry.toml:4:12: \"web\" is no ARN: it does not begin with \"arn:\" -> Write the ARN as AWS shows it: "
            "arn:partition:service:region:account:resource");
  EXPECT_EQ(with("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"),
            "certferry.toml:4:12: \"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/"
            "50dc6c495c0c9188\" is the ARN of a load balancer, not of its listener -> Write the ListenerArn that `aws "
            "elbv2 describe-listeners --load-balancer-arn ...` prints");
  EXPECT_EQ(with("arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/gwy/web/50dc6c495c0c9188/f2f7"),
            "certferry.toml:4:12: \"arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/gwy/web/"
            "50dc6c495c0c9188/f2f7\" is the listener of a gateway load balancer, which ends no TLS -> Write the ARN of "
            "an application or network load balancer's listener");
  EXPECT_EQ(with("arn:aws:iam::123456789012:role/dns"),
            "certferry.toml:4:12: \"arn:aws:iam::123456789012:role/dns\" is no listener's ARN -> Write the ListenerArn "
            "that `aws elbv2 describe-listeners` prints: "
            "arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener/app/NAME/ID/ID");
}

TEST(ParseConfig, TellsWhichKeysGoTogether) {
  const std::string head = "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\n";
  EXPECT_EQ(refusal(head),
            "certferry.toml:3:1: [[certificate.install]] says not where -> Add elb = \"name\", listener = "
            "\"arn:...\" or files = \"/directory\"");
  EXPECT_EQ(refusal(head + "elb = \"web\"\nfiles = \"/etc/ssl/www\"\n"),
            "certferry.toml:3:1: [[certificate.install]] has elb and files -> Write one [[certificate.install]] for "
            "each");
  EXPECT_EQ(refusal(head + "files = \"/etc/ssl/www\"\nport = 443\n"),
            "certferry.toml:5:8: port does not go with files -> Leave it away: it belongs to elb");
  EXPECT_EQ(refusal(head + "elb = \"web\"\nreload = [\"true\"]\n"),
            "certferry.toml:5:10: reload does not go with elb -> Leave it away: it belongs to files");
  EXPECT_EQ(refusal(head + "files = \"ssl/www\"\n"),
            "certferry.toml:4:9: files = \"ssl/www\" is no absolute path -> Write the whole path, such as "
            "\"/etc/ssl/www\"");
  EXPECT_EQ(refusal(head + "elb = \"web\"\nport = 70000\n"),
            "certferry.toml:5:8: 70000 is no port -> Write a number from 1 to 65535");
}

}  // namespace
}  // namespace certferry
