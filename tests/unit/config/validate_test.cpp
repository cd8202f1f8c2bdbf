#include <fmt/format.h>
#include <gtest/gtest.h>

#include "refusals.h"

namespace certferry {
namespace {

TEST(ValidateConfig, RefusesTwoCertificatesOfOneName) {
  EXPECT_EQ(
      refusal("[[certificate]]\nname = \"www\"\ndomains = [\"a.example\"]\n"
              "[[certificate]]\nname = \"www\"\ndomains = [\"b.example\"]\n"),
      "certferry.toml:4:1: certificate \"www\" stands at certferry.toml:1:1 already -> Give one of the two another "
      "name");
}

TEST(ValidateConfig, RefusesTwoCertificatesThatWantTheSame) {
  EXPECT_EQ(refusal("[[certificate]]\nname = \"one\"\ndomains = [\"a.example\", \"b.example\"]\n"
                    "[[certificate]]\nname = \"two\"\ndomains = [\"b.example\", \"a.example\"]\n"),
            "certferry.toml:4:1: certificate \"two\" wants the same as \"one\" at certferry.toml:1:1 -> Write every "
            "[[certificate.install]] under one of the two");
}

TEST(ValidateConfig, RefusesOneSlotInTwoCertificates) {
  EXPECT_EQ(
      refusal("[[certificate]]\nname = \"one\"\ndomains = [\"a.example\"]\n[[certificate.install]]\n"
              "files = \"/etc/ssl/www\"\n"
              "[[certificate]]\nname = \"two\"\ndomains = [\"b.example\"]\n[[certificate.install]]\n"
              "files = \"/etc/ssl/www/\"\n"),
      "certferry.toml:9:1: files//etc/ssl/www serves certificate \"one\" already, at certferry.toml:4:1 -> Leave it "
      "in one certificate: a slot serves one");
}

TEST(ValidateConfig, KnowsLoadBalancersOfOneNameInTwoRegionsApart) {
  const std::string text =
      "[aws]\nregion = \"eu-west-1\"\n"
      "[[certificate]]\nname = \"one\"\ndomains = [\"a.example\"]\n[[certificate.install]]\nelb = \"web\"\n"
      "[[certificate]]\nname = \"two\"\ndomains = [\"b.example\"]\n[[certificate.install]]\nelb = \"web\"\nregion = ";
  EXPECT_EQ(refusal(text + "\"eu-west-2\"\n"), "");
  EXPECT_NE(refusal(text + "\"eu-west-1\"\n"), "");
}

TEST(ValidateConfig, KnowsLoadBalancersOfOneNameInTwoAccountsApart) {
  const std::string install = "[[certificate.install]]\nelb = \"web\"\n";
  const std::string by_role = install + "role = \"arn:aws:iam::210987654321:role/web\"\n";
  const std::string one = "[[certificate]]\ndomains = [\"a.example\"]\n";
  EXPECT_EQ(refusal(one + install + by_role), "");
  EXPECT_NE(refusal(one + by_role + by_role).find("stands at"), std::string::npos);
}

TEST(ValidateConfig, WantsARoleForWhatGoesWithOneAndOfTheListenersAccount) {
  const std::string one = "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\n";
  EXPECT_EQ(refusal("[[zone]]\nname = \"a.example\"\nexternal_id = \"x1\"\n"),
            "certferry.toml:3:15: external_id stands without a role -> Add role = \"arn:aws:iam::...:role/...\", or "
            "leave external_id away");
  EXPECT_EQ(refusal(one + "elb = \"web\"\nrole = \"arn:aws:iam::210987654321:role/web\"\nsession_name = \"a b\"\n"),
            "certferry.toml:6:16: \"a b\" is no name of a session -> Write 2 to 64 letters, digits and _+=,.@-");
  const auto external_id = [&](const std::string& text) {
    return refusal(one + "elb = \"web\"\nrole = \"arn:aws:iam::210987654321:role/web\"\nexternal_id = \"" + text +
                   "\"\n");
  };
  for (const std::string& good : {std::string{"x1"}, std::string{"a=b,c.d@e:f/g-h_i+j"}, std::string(1224, 'x')})
    EXPECT_EQ(external_id(good), "") << good;
  for (const std::string& bad : {std::string{"x"}, std::string{"shared word"}, std::string{"a&b"}})
    EXPECT_EQ(external_id(bad), "certferry.toml:6:15: \"" + bad +
                                    "\" is no external ID -> Write what the role's trust policy asks for: 2 to 1,224 "
                                    "letters, digits and _+=,.@:/-");
  EXPECT_NE(external_id(std::string(1225, 'x')).find("is no external ID"), std::string::npos);
  EXPECT_EQ(refusal(one + "files = \"/etc/ssl/www\"\nrole = \"arn:aws:iam::210987654321:role/web\"\n"),
            "certferry.toml:5:8: role does not go with files -> Leave it away: it belongs to elb and listener");
  EXPECT_EQ(refusal(one + "listener = \"arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2\"\n"
                          "role = \"arn:aws:iam::210987654321:role/web\"\n"),
            "certferry.toml:3:1: the listener is of account 123456789012, its role of account 210987654321 -> Write a "
            "role of the listener's account");
}

TEST(ValidateConfig, WantsOneExternalIdForARole) {
  const std::string role = "role = \"arn:aws:iam::210987654321:role/dns\"\n";
  const std::string one = "[[zone]]\nname = \"a.example\"\n" + role + "external_id = \"x1\"\n";
  const std::string two = "[[zone]]\nname = \"b.example\"\n" + role;
  const std::string complaint =
      "certferry.toml:5:1: the external_id of role arn:aws:iam::210987654321:role/dns is not the same as at "
      "certferry.toml:1:1 -> Write the one that the role's trust policy asks for, wherever the role stands";
  EXPECT_EQ(refusal(one + two + "external_id = \"x1\"\nsession_name = \"other\"\n"), "");
  EXPECT_EQ(refusal(one + two + "external_id = \"y1\"\n"), complaint);
  EXPECT_EQ(refusal(one + two), complaint);
  EXPECT_NE(refusal(one + "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nelb = \"web\"\n" + role)
                .find("certferry.toml:7:1: the external_id"),
            std::string::npos);
}

TEST(ValidateConfig, WantsSecretsInS3Sealed) {
  EXPECT_EQ(refusal("[state]\nstore = \"s3://my-bucket/certferry/\"\n"),
            "certferry.toml:2:9: [state] store = \"s3://my-bucket/certferry/\" has no kms_key -> Add kms_key = "
            "\"alias/...\" to [state] (--kms-key): secrets in S3 are always sealed");
  EXPECT_EQ(refusal("[account]\nkey = \"s3://my-bucket/account.key\"\n"),
            "certferry.toml:2:7: [account] key = \"s3://my-bucket/account.key\" has no kms_key -> Add kms_key = "
            "\"alias/...\" to [account] or [state] (--kms-key): a key in S3 is always sealed");
  EXPECT_EQ(refusal("[state]\nstore = \"s3:bucket\"\nkms_key = \"alias/x\"\n"),
            "certferry.toml:2:9: [state] store = \"s3:bucket\" names no bucket -> Write s3://bucket/path; a bucket's "
            "name has 3 to 63 lower-case letters, digits, \".\" and \"-\"");
}

TEST(ValidateConfig, WantsAPlaceThatIsTheSameFromEverywhere) {
  EXPECT_EQ(refusal("[state]\nstore = \"certferry-state\"\n"),
            "certferry.toml:2:9: [state] store = \"certferry-state\" is no absolute path -> Write the whole path: from "
            "another directory (cron's) it would be another place");
  EXPECT_EQ(refusal("[ca]\ntrust = \"roots.pem\"\n"),
            "certferry.toml:2:9: trust = \"roots.pem\" is no absolute path -> Write the whole path: from another "
            "directory (cron's) it would be another place");
  EXPECT_NE(refusal("[account]\nkey = \"~/account.key\"\n").find("is no absolute path"), std::string::npos);
}

TEST(ValidateConfig, WantsOneZoneOfAName) {
  EXPECT_EQ(refusal("[[zone]]\nname = \"a.example\"\nid = \"Z1\"\n[[zone]]\nname = \"a.example\"\nid = \"Z2\"\n"),
            "certferry.toml:4:1: zone a.example stands at certferry.toml:1:1 already -> Leave one of the two away: "
            "challenges are written into one zone of a name");
}

TEST(ValidateConfig, KnowsLetsEncryptByItsUrlToo) {
  std::string names;
  for (int i = 0; i < 101; ++i) names += fmt::format("\"n{}.example\",", i);
  for (const char* directory : {"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"})
    EXPECT_NE(refusal(fmt::format("[ca]\ndirectory = \"{}\"\n[[certificate]]\ndomains = [{}]\n", directory, names))
                  .find("Let's Encrypt takes 100"),
              std::string::npos)
        << directory;
}

TEST(ValidateConfig, TakesARegionAndNoAvailabilityZone) {
  const auto with = [](const std::string& region) { return refusal("[aws]\nregion = \"" + region + "\"\n"); };
  for (const char* good : {"eu-west-1", "us-gov-east-1", "ap-southeast-12", "us-iso-west-1"}) EXPECT_EQ(with(good), "");
  EXPECT_EQ(with("us-east-1a"),
            "certferry.toml:2:10: \"us-east-1a\" is an availability zone of a region -> Write \"us-east-1\"");
  for (const char* bad : {"---", "eu-west", "eu-west-", "-west-1", "eu--1", "EU-WEST-1", ""})
    EXPECT_NE(with(bad).find("is no region"), std::string::npos) << bad;
}

TEST(ValidateConfig, WantsARoleWithAName) {
  EXPECT_NE(refusal("[[zone]]\nname = \"a.example\"\nrole = \"arn:aws:iam::123456789012:role/\"\n").find("is no role"),
            std::string::npos);
}

TEST(ValidateConfig, WantsAReloadThatCanBeRunFromAnywhere) {
  const auto with = [](const std::string& reload) {
    return refusal(
        "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nfiles = \"/etc/ssl/www\"\nreload = " +
        reload + "\n");
  };
  const std::string at = "certferry.toml:5:10: reload ";
  EXPECT_EQ(with("[\"systemctl\", \"reload\", \"nginx\"]"), "");
  EXPECT_EQ(with("[\"/opt/my own/reload\"]"), "");
  EXPECT_EQ(with("[\"systemctl reload nginx\"]"),
            at + "is the one word \"systemctl reload nginx\", and no shell takes it apart -> Write reload = "
                 "[\"systemctl\", \"reload\", \"nginx\"]");
  EXPECT_EQ(with("[\"\"]"), at + "begins with no program -> Write the program, and each of its words after it");
  EXPECT_EQ(with("[\"./reload.sh\"]"),
            at + "is \"./reload.sh\", which is no absolute path -> Write the whole path of the program: from another "
                 "directory (cron's) it would be another");
}

TEST(ValidateConfig, RefusesADirectoryInWhatTheLinkOfAnotherLeadsTo) {
  const auto two = [](const std::string& second) {
    return refusal(
        "[[certificate]]\ndomains = [\"a.example\"]\n[[certificate.install]]\nfiles = \"/etc/ssl/www\"\n"
        "[[certificate]]\ndomains = [\"b.example\"]\n[[certificate.install]]\nfiles = \"" +
        second + "\"\n");
  };
  EXPECT_EQ(two("/etc/ssl/www/live"),
            "certferry.toml:7:1: files /etc/ssl/www/live is in what the link /etc/ssl/www/live of certferry.toml:3:1 "
            "leads to -> Write a directory of its own, in which certferry makes a link `live`");
  EXPECT_NE(two("/etc/ssl/www/live/b"), "");
  for (const char* good : {"/etc/ssl/www/b", "/etc/ssl/www-b", "/etc/ssl/www/lively", "/etc/ssl/live"})
    EXPECT_EQ(two(good), "") << good;
}

TEST(ValidateConfig, RefusesAKeyThatTheLoadBalancerCannotServe) {
  const auto with = [](const std::string& kind, const std::string& key) {
    return refusal("[[certificate]]\ndomains = [\"a.example\"]\nkey = \"" + key +
                   "\"\n[[certificate.install]]\nlistener = "
                   "\"arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/" +
                   kind + "/web/50dc6c495c0c9188/f2f7dc8efc522ab2\"\n");
  };
  EXPECT_EQ(with("net", "rsa4096"),
            "certferry.toml:4:1: a network load balancer's listener goes dead with a key of type rsa4096 -> Write key "
            "= \"p256\", or \"rsa2048\" where old clients need RSA");
  EXPECT_EQ(with("net", "p256"), "");
  EXPECT_EQ(with("app", "rsa4096"), "");
}

TEST(ValidateConfig, SaysBeforeAnOrderIsSpentWhatEveryCaRefuses) {
  EXPECT_EQ(refusal("[[certificate]]\ndomains = [\"example.com\", \"*.example.com\", \"www.example.com\"]\n"),
            "certferry.toml:2:44: *.example.com covers www.example.com, and CAs refuse the two together -> Leave "
            "www.example.com away");
  EXPECT_EQ(refusal("[[certificate]]\ndomains = [\"example.com\", \"EXAMPLE.com\"]\n"),
            "certferry.toml:2:27: example.com is listed twice -> Leave one of the two away");
  EXPECT_EQ(refusal("[[certificate]]\ndomains = [\"_acme-challenge.example.com\"]\n"),
            "certferry.toml:2:12: _acme-challenge.example.com has a \"_\", which no CA certifies -> Leave it away, or "
            "write the host's own name");
}

TEST(ValidateConfig, CountsNamesByWhatIsTakenOfThem) {
  const auto with = [](std::size_t names, const std::string& directory, const std::string& profile = "") {
    std::string domains;
    for (std::size_t i = 0; i < names; ++i) domains += fmt::format("  \"h{}.example.com\",\n", i);
    return refusal("[ca]\ndirectory = \"" + directory + "\"\n[[certificate]]\nname = \"www\"\ndomains = [\n" + domains +
                   "]\n" + (profile.empty() ? "" : "profile = \"" + profile + "\"\n"));
  };
  const std::string own = "https://ca.internal/directory",
                    remedy = " -> Make two certificates of it, or let a wildcard stand for several names";
  EXPECT_EQ(with(100, "letsencrypt"), "");
  EXPECT_EQ(with(101, "letsencrypt"),
            "certferry.toml:106:3: certificate \"www\" has 101 names, and Let's Encrypt takes 100" + remedy);
  EXPECT_EQ(with(500, own), "");
  EXPECT_EQ(with(501, own),
            "certferry.toml:506:3: certificate \"www\" has 501 names, and certferry takes 500" + remedy);
  for (const std::string profile : {"tlsserver", "shortlived"}) {
    for (const char* directory : {"letsencrypt", "letsencrypt-staging"}) {
      EXPECT_EQ(with(25, directory, profile), "");
      EXPECT_EQ(with(26, directory, profile),
                "certferry.toml:31:3: certificate \"www\" has 26 names, and Let's Encrypt takes 25 with profile \"" +
                    profile + "\"" + remedy);
    }
    EXPECT_EQ(with(500, own, profile), "") << "another CA's profile of that name";
  }
  EXPECT_EQ(with(100, "letsencrypt", "classic"), "");
}

TEST(ValidateConfig, MeasuresNamesByWhatIamTakesOfThem) {
  const auto with = [](std::size_t names, const std::string& install) {
    std::string domains;
    for (std::size_t i = 0; i < names; ++i) domains += fmt::format("\"customer-number-{:03}.shop.example.com\",", i);
    return refusal("[ca]\ndirectory = \"https://ca.internal/directory\"\n[[certificate]]\nname = \"www\"\ndomains = [" +
                   domains + "]\n[[certificate.install]]\n" + install);
  };
  EXPECT_EQ(with(250, "elb = \"web\"\n"), "");
  EXPECT_EQ(
      with(400, "elb = \"web\"\n"),
      "certferry.toml:3:1: the names of certificate \"www\" are too long together: IAM, where load balancers have "
      "it from, takes 16384 characters of PEM -> Make two certificates of it, or let a wildcard stand for several "
      "names");
  EXPECT_EQ(with(400, "files = \"/etc/ssl/www\"\n"), "");
}

TEST(ValidateConfig, TakesTheSameRulesToFlags) {
  Flags flags;
  flags.domains = {"example.com", "*.example.com"};
  flags.elb = {"my-lb:8443"};
  flags.files = {"/etc/ssl/www"};
  flags.reload = {"systemctl", "reload", "nginx"};
  flags.agree_to_terms = true;
  const Config config = config_from_flags(flags);
  const CertificateConfig& certificate = config.certificates.at(0);
  EXPECT_EQ(certificate.id.text(), "example.com");
  EXPECT_EQ(certificate.install.at(0).slot(), "elb/my-lb:8443");
  EXPECT_EQ(certificate.install.at(1).slot(), "files//etc/ssl/www");
  EXPECT_TRUE(config.ca.test_ca);

  flags.elb = {"my-lb:https"};
  EXPECT_EQ(refusal(flags), "--elb: \"my-lb:https\" has no port after the colon -> Write it as --elb my-lb:443");
  flags.elb = {"my-lb", "my-lb:443"};
  EXPECT_EQ(refusal(flags), "--elb: elb/my-lb:443 stands at --elb already -> Leave one of the two away");
  flags.elb = {};
  flags.files = {"etc"};
  EXPECT_EQ(refusal(flags), "--files: \"etc\" is no absolute path -> Write the whole path, such as \"/etc/ssl/www\"");
  flags.files = {};
  flags.reload = {};
  flags.store = "s3://my-bucket/x/";
  EXPECT_EQ(refusal(flags),
            "--store: [state] store = \"s3://my-bucket/x/\" has no kms_key -> Add kms_key = \"alias/...\" to [state] "
            "(--kms-key): secrets in S3 are always sealed");
  EXPECT_EQ(refusal(Flags{}), "--domain: no name is given -> Add --domain example.com, once for each name");
}

}  // namespace
}  // namespace certferry
