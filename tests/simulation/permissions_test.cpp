#include "sandbox/permissions.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "generations.h"
#include "plan/policy.h"
#include "plan/resource_policies.h"
#include "plan/trust_policy.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"

// The policies that `certferry policy` writes, by which AWS refuses whatever they do not allow.
namespace certferry::simulation {
namespace {

using sandbox::AccessRequest;
using testing::IsEmpty;

constexpr const char* partner_role = "arn:aws:iam::210987654321:role/dns";
constexpr const char* branch_role = "arn:aws:iam::333333333333:role/web";
constexpr const char* branch_listener =
    "arn:aws:elasticloadbalancing:eu-west-1:333333333333:listener/net/web-tcp/50dc6c495c0c9188/f2f7dc8efc522ab2";

std::string ourselves(Estate& estate) { return estate.world().permissions().user(); }

// Two zones of this name, of which the world is told to ask the first.
void add_twins(Estate& estate, const std::string& name) {
  estate.zone(name).zone(name);
  estate.world().zones().all.back().delegated = false;
}

// A network load balancer of another account, by its role; it serves somebody else's certificate of that account, which
// nobody sees from here.
void add_branch(Estate& estate) {
  estate.world().sts().add_role(branch_role, "another-word");
  const WallTime now = estate.simulated->time().now();
  const auto served = estate.world().server_certificates().put(
      "/", "branch-foreign",
      estate.world().foreign({DomainName::parse("tcp.shop.example")}, now - days(60), now + days(20)), "333333333333");
  estate.world().load_balancers().add_listener(Arn::parse(branch_listener), served).sni = {served};
  CertificateConfig& installed = estate.certificate("tcp", {"tcp.shop.example"}).on_listener(branch_listener).config;
  installed.install.front().verify = Verify::api;
  installed.install.front().role = RoleConfig{.arn = branch_role, .external_id = "another-word"};
}

// An estate of everything that policies are for: state and account key in S3, in buckets of their own, a classic and an
// application load balancer, and a network load balancer of another account by its role, two zones of one name, a zone
// of a third account by its role, a challenge delegated by a CNAME, and certificates of somebody else where ours are to
// be served.
void everything(Estate& estate) {
  add_twins(estate, "shop.example");
  add_twins(estate, "partner.example");
  estate.zone("proofs.example").classic_elb("old-web");
  estate.world().sts().add_role(partner_role, "shared-word");
  estate.config.zones.push_back(
      {DomainName::parse("partner.example"), {}, RoleConfig{.arn = partner_role, .external_id = "shared-word"}, {}});
  estate.config.delegated = {DomainName::parse("proofs.example")};
  estate.world().zones().put(
      "shop.example",
      {.name = "_acme-challenge.blog.shop.example", .type = "CNAME", .ttl = 60, .values = {"blog.proofs.example."}});
  // Another tool's values stand at challenges' names: the change must match them.
  for (const std::string zone : {"shop.example", "partner.example"})
    estate.world().zones().put(
        zone, {.name = "_acme-challenge." + zone, .type = "TXT", .ttl = 300, .values = {"\"theirs\""}});
  estate.state_in_s3();
  estate.world().buckets().add("keys");
  estate.config.account.key = "s3://keys/acme/account.key";
  const std::string web = estate.listener("web");
  estate.serve_foreign("old-web", {"shop.example"}, days(20));
  estate.serve_foreign("web", {"shop.example"}, days(20));
  estate.world().load_balancers().listener(web)->sni = {estate.bound_on("web")};  // as the console makes one
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
  add_branch(estate);
  estate.certificate("blog", {"blog.shop.example", "partner.example"});
}

PlacedChallenge placed(Estate& estate, const std::string& domain, const std::string& zone, const std::string& written,
                       const std::string& role = "") {
  PlacedChallenge place{DomainName::parse("_acme-challenge." + domain), DomainName::parse(written), role, {}};
  for (const auto& one : estate.world().zones().all)
    if (one.name == zone) place.zones.push_back(HostedZoneId::parse(one.id));
  return place;
}

// What there is to know about it.
PolicyFacts facts_of(Estate& estate) {
  const auto key = estate.world().kms().key_arn(Json::object({{"KeyId", "alias/certferry"}}));
  return {.partition = "aws",
          .account = estate.world().settings().account,
          .region = estate.world().settings().region,
          .principal = ourselves(estate),
          .keys = {{"alias/certferry", key.value()}},
          .challenges = {
              placed(estate, "shop.example", "shop.example", "_acme-challenge.shop.example"),
              placed(estate, "tcp.shop.example", "shop.example", "_acme-challenge.tcp.shop.example"),
              placed(estate, "blog.shop.example", "shop.example", "_acme-challenge.blog.shop.example"),
              placed(estate, "blog.shop.example", "proofs.example", "blog.proofs.example"),
              placed(estate, "partner.example", "partner.example", "_acme-challenge.partner.example", partner_role)}};
}

Config config_of(Estate& estate) {
  Config config = estate.config;
  config.certificates = estate.all_wanted();
  return config;
}

std::vector<Policy> policies_of(Estate& estate) { return identity_policies(config_of(estate), facts_of(estate)); }

std::string json(const Policy& policy) { return policy_document(policy.statements).dump(); }

void attach(Estate& estate, const std::vector<Policy>& policies) {
  for (const Policy& policy : policies)
    estate.world().permissions().attach_to_identity(policy.of.empty() ? ourselves(estate) : policy.of, json(policy));
}

bool applied(Estate& estate, Duration then) {
  estate.apply();
  estate.pass(then);
  return estate.reported() && estate.failures().empty();
}

// What is kept off a target is no failure.
bool serves_ours_everywhere(Estate& estate) {
  return std::ranges::all_of(std::array{"old-web", "web", "web-tcp"}, [&](const char* load_balancer) {
    return estate.bound_on(load_balancer).contains(":server-certificate/certferry/");
  });
}

bool is_listed(const sandbox::SimulatedLoadBalancer& balancer) {
  return std::ranges::any_of(balancer.listeners, [](const auto& entry) { return !entry.sni.empty(); });
}

// What a life leaves behind where it may not remove it: certificates that nothing uses, former ones on the lists of
// listeners, who was at work.
bool tidy(Estate& estate) {
  const auto& objects = estate.world().buckets().by_name.at("state");
  const auto& balancers = estate.world().load_balancers().by_name;
  return estate.server_certificates_left_over().empty() &&
         std::ranges::none_of(balancers, [](const auto& one) { return is_listed(one.second); }) &&
         std::ranges::none_of(objects, [](const auto& object) { return object.first.contains("/instance/"); });
}

// From the first certificates, over a listener that somebody puts another one on, to the retirement of predecessors;
// whether all of it went well.
bool whole_life(Estate& estate) {
  if (!applied(estate, hours(26))) return false;
  estate.serve_foreign("web", {"shop.example"}, days(3));
  for (int round = 0; round < 3; ++round)
    if (!applied(estate, hours(26)) || !applied(estate, days(61))) return false;
  return tidy(estate) && serves_ours_everywhere(estate);
}

TEST(Permissions, AsGeneratedSufficeFromTheFirstCertificateToTheRetirementOfItsPredecessorAndAreAllNeeded) {
  Estate estate;
  everything(estate);
  attach(estate, policies_of(estate));
  EXPECT_TRUE(whole_life(estate));
  EXPECT_THAT(estate.failures(), IsEmpty());
  sandbox::Permissions& permissions = estate.world().permissions();
  EXPECT_THAT(permissions.refused(), IsEmpty());
  EXPECT_THAT(permissions.unused(ourselves(estate)), IsEmpty());
  EXPECT_THAT(permissions.unused(partner_role), IsEmpty());
  EXPECT_THAT(permissions.unused(branch_role), IsEmpty());
  EXPECT_TRUE(estate.bound_on("web-tcp").starts_with("arn:aws:iam::333333333333:server-certificate/certferry/"));
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
  EXPECT_THAT(estate.challenge_records(), testing::UnorderedElementsAre("_acme-challenge.shop.example \"theirs\"",
                                                                        "_acme-challenge.partner.example \"theirs\""));
}

// Deleted and made anew while values of ours stood in them: the policies name the new ones.
TEST(Permissions, SufficeToLearnThatZonesAreGone) {
  Estate estate;
  estate.state_in_s3();
  estate.zone("shop.example").zone("partner.example");
  estate.world().sts().add_role(partner_role, "shared-word");
  estate.config.zones.push_back(
      {DomainName::parse("partner.example"), {}, RoleConfig{.arn = partner_role, .external_id = "shared-word"}, {}});
  estate.certificate("shop", {"shop.example", "partner.example"});
  const auto attach_anew = [&] {
    estate.config.zones.front().id = HostedZoneId::parse(estate.world().zones().zone("partner.example").id);
    attach(estate, policies_of(estate));
  };
  attach_anew();
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(2)) << "parked";
  estate.world().ca().interpose = nullptr;
  const auto former = std::exchange(estate.world().zones().all, {});
  estate.zone("shop.example").zone("partner.example");
  attach_anew();
  estate.pass(hours(1));
  for (int run = 0; run < 2; ++run) EXPECT_TRUE(applied(estate, hours(2)));
  for (const auto& zone : former)
    EXPECT_THAT(estate.watch->stored().at("zone/" + zone.id + "/ledger"),
                testing::Not(testing::HasSubstr("_acme-challenge")))
        << zone.name;
}

// Whether a life without this piece of the policies goes wrong.
void expect_missed(const std::function<void(std::vector<Policy>&)>& take_away, const std::string& what) {
  Estate estate;
  everything(estate);
  std::vector<Policy> policies = policies_of(estate);
  take_away(policies);
  attach(estate, policies);
  EXPECT_FALSE(whole_life(estate)) << "nobody misses " << what;
  EXPECT_FALSE(estate.world().permissions().refused().empty()) << what;
  estate.verdict();  // what is left unfinished so is the point
}

std::vector<Policy> all_policies() {
  Estate estate;
  everything(estate);
  return policies_of(estate);
}

TEST(Permissions, AreMissedStatementByStatement) {
  const auto all = all_policies();
  for (std::size_t whose = 0; whose < all.size(); ++whose)
    for (std::size_t which = 0; which < all[whose].statements.size(); ++which)
      expect_missed(
          [&](std::vector<Policy>& policies) {
            auto& statements = policies[whose].statements;
            statements.erase(statements.begin() + static_cast<std::ptrdiff_t>(which));
          },
          all[whose].of + " " + all[whose].statements[which].sid);
}

TEST(Permissions, AreMissedActionByAction) {
  const auto all = all_policies();
  for (std::size_t whose = 0; whose < all.size(); ++whose)
    for (std::size_t which = 0; which < all[whose].statements.size(); ++which)
      for (const std::string& action : all[whose].statements[which].actions)
        if (all[whose].statements[which].actions.size() > 1)
          expect_missed(
              [&](std::vector<Policy>& policies) { std::erase(policies[whose].statements[which].actions, action); },
              all[whose].of + " " + all[whose].statements[which].sid + " " + action);
}

// What somebody with our keys could do beside our work.
TEST(Permissions, AllowNothingBesideTheWork) {
  Estate estate;
  everything(estate);
  const PolicyFacts facts = facts_of(estate);
  const std::vector<Policy> policies = policies_of(estate);
  const sandbox::PolicyDocument own{sandbox::PolicyDocument::Of::identity, json(policies.front()), "ours"};
  const auto allowed = [&](AccessRequest asked) {
    return own.judge(asked, {ourselves(estate)}) == sandbox::PolicyDocument::Verdict::allowed;
  };
  const std::string zone = "arn:aws:route53:::hostedzone/" + facts.challenges.front().zones.front().text();
  const auto change = [&](const std::string& action, const std::string& type, const std::string& name,
                          const std::string& where) {
    return AccessRequest{"route53:ChangeResourceRecordSets",
                         where,
                         {{"route53:ChangeResourceRecordSetsNormalizedRecordNames", {name}},
                          {"route53:ChangeResourceRecordSetsRecordTypes", {type}},
                          {"route53:ChangeResourceRecordSetsActions", {action}}}};
  };
  const std::string name = "_acme-challenge.shop.example";
  EXPECT_TRUE(allowed(change("CREATE", "TXT", name, zone)));
  EXPECT_FALSE(allowed(change("UPSERT", "TXT", name, zone)));
  EXPECT_FALSE(allowed(change("CREATE", "A", name, zone)));
  EXPECT_FALSE(allowed(change("CREATE", "TXT", "shop.example", zone)));
  EXPECT_FALSE(allowed(change("CREATE", "TXT", "_acme-challenge.other.shop.example", zone)));
  EXPECT_FALSE(allowed(change("CREATE", "TXT", name, "arn:aws:route53:::hostedzone/ZOTHER")));

  const std::string key = facts.keys.at("alias/certferry");
  const auto decrypt = [&](const std::string& context) {
    return AccessRequest{"kms:Decrypt", key, {{"kms:EncryptionContext:certferry", {context}}}};
  };
  EXPECT_TRUE(allowed(decrypt("secret/shop/1")));
  EXPECT_TRUE(allowed(decrypt("s3://keys/acme/account.key")));
  EXPECT_FALSE(allowed(decrypt("s3://keys/other.key")));
  EXPECT_FALSE(allowed({"kms:Decrypt", key, {}}));

  EXPECT_TRUE(allowed({"s3:PutObject", "arn:aws:s3:::state/certferry/certificate/shop/record", {}}));
  EXPECT_FALSE(allowed({"s3:PutObject", "arn:aws:s3:::state/other", {}}));
  EXPECT_FALSE(allowed({"s3:DeleteObject", "arn:aws:s3:::keys/acme/account.key", {}}));
  EXPECT_FALSE(allowed({"s3:ListBucket", "arn:aws:s3:::state", {{"s3:prefix", {"other/"}}}}));

  const std::string account = "arn:aws:iam::" + facts.account + ":";
  EXPECT_FALSE(allowed({"iam:DeleteServerCertificate", account + "server-certificate/theirs", {}}));
  EXPECT_FALSE(allowed({"elasticloadbalancing:SetLoadBalancerListenerSSLCertificate",
                        "arn:aws:elasticloadbalancing:" + facts.region + ":" + facts.account + ":loadbalancer/other",
                        {}}));
  EXPECT_TRUE(allowed({"sts:AssumeRole", partner_role, {{"sts:ExternalId", {"shared-word"}}}}));
  EXPECT_FALSE(allowed({"sts:AssumeRole", partner_role, {}}));
  EXPECT_TRUE(allowed({"sts:AssumeRole", branch_role, {{"sts:ExternalId", {"another-word"}}}}));
  EXPECT_FALSE(allowed({"sts:AssumeRole", branch_role, {{"sts:ExternalId", {"shared-word"}}}}));
  EXPECT_FALSE(allowed({"elasticloadbalancing:ModifyListener", branch_listener, {}})) << "that is the role's";
}

// The policies of buckets, keys and roles, in place of what our identity's would allow of buckets and keys.
struct ResourcePolicies {
  std::vector<Policy> buckets, keys, trusts;
};

ResourcePolicies resource_policies_of(Estate& estate) {
  const Config config = config_of(estate);
  const PolicyFacts facts = facts_of(estate);
  return {bucket_policies(config, facts),
          key_policies(config, facts),
          {trust_policy(config, facts, Trustee::certferry, partner_role, {}),
           trust_policy(config, facts, Trustee::certferry, branch_role, {})}};
}

void attach_instead(Estate& estate, const ResourcePolicies& resources) {
  std::vector<Policy> policies = policies_of(estate);
  std::erase_if(policies.front().statements, [](const PolicyStatement& statement) {
    const std::string& action = statement.actions.front();
    return action.starts_with("s3:") || action.starts_with("kms:");
  });
  attach(estate, policies);
  sandbox::Permissions& permissions = estate.world().permissions();
  for (const Policy& bucket : resources.buckets) permissions.attach_to_bucket(bucket.of, json(bucket));
  for (const Policy& key : resources.keys) permissions.attach_to_key(key.of, json(key));
  for (const Policy& trust : resources.trusts) permissions.trust(trust.of, json(trust));
}

TEST(Permissions, OfBucketsAndKeysAndTrustSufficeWhereTheIdentityHasNone) {
  Estate estate;
  everything(estate);
  attach_instead(estate, resource_policies_of(estate));
  EXPECT_TRUE(whole_life(estate));
  EXPECT_THAT(estate.world().permissions().refused(), IsEmpty());
}

// All of them, as pointers into `resources`.
std::vector<Policy*> each_of(ResourcePolicies& resources) {
  std::vector<Policy*> all;
  for (Policy& bucket : resources.buckets) all.push_back(&bucket);
  for (Policy& key : resources.keys) all.push_back(&key);
  for (Policy& trust : resources.trusts) all.push_back(&trust);
  return all;
}

// Whether certferry needs it: the others refuse what it never asks for, or are for the account's administrators.
bool for_certferry(const PolicyStatement& statement) { return !statement.deny && statement.sid != "Administer"; }

void expect_resource_missed(const std::function<void(PolicyStatement&)>& change, std::size_t whose, std::size_t which) {
  Estate estate;
  everything(estate);
  ResourcePolicies resources = resource_policies_of(estate);
  PolicyStatement& statement = each_of(resources)[whose]->statements[which];
  const std::string what = fmt::format("{} of {}", statement.sid, each_of(resources)[whose]->of);
  change(statement);
  attach_instead(estate, resources);
  EXPECT_FALSE(whole_life(estate)) << "nobody misses " << what;
  EXPECT_FALSE(estate.world().permissions().refused().empty()) << what;
  estate.verdict();  // what is left unfinished so is the point
}

// Statement by statement, and where one has several actions, action by action.
TEST(Permissions, OfBucketsAndKeysAndTrustAreMissedOneByOne) {
  ResourcePolicies resources = [] {
    Estate estate;
    everything(estate);
    return resource_policies_of(estate);
  }();
  const std::vector<Policy*> all = each_of(resources);
  for (std::size_t whose = 0; whose < all.size(); ++whose)
    for (std::size_t which = 0; which < all[whose]->statements.size(); ++which) {
      const PolicyStatement& needed = all[whose]->statements[which];
      if (!for_certferry(needed)) continue;
      expect_resource_missed([](PolicyStatement& statement) { statement.actions = {"nobodys:Action"}; }, whose, which);
      for (const std::string& action : needed.actions)
        if (needed.actions.size() > 1)
          expect_resource_missed([&](PolicyStatement& statement) { std::erase(statement.actions, action); }, whose,
                                 which);
    }
}

// What the statements that certferry does not need are for.
TEST(Permissions, OfBucketsRefusePlainHttpAndThoseOfKeysLetTheAccountAdministerAlone) {
  using Verdict = sandbox::PolicyDocument::Verdict;
  Estate estate;
  everything(estate);
  const ResourcePolicies resources = resource_policies_of(estate);
  const auto put = [&](const std::string& who, const std::string& object, const std::string& tls) {
    const auto of = std::ranges::find(resources.buckets, "state", &Policy::of);
    return sandbox::PolicyDocument{sandbox::PolicyDocument::Of::resource, json(*of), "the bucket's"}.judge(
        {"s3:PutObject", "arn:aws:s3:::state/" + object, {{"aws:SecureTransport", {tls}}}}, {who});
  };
  const std::string somebody = "arn:aws:iam::123456789012:user/somebody";
  EXPECT_EQ(put(ourselves(estate), "certferry/a", "true"), Verdict::allowed);
  EXPECT_EQ(put(ourselves(estate), "certferry/a", "false"), Verdict::denied);
  EXPECT_EQ(put(somebody, "certferry/a", "false"), Verdict::denied);
  EXPECT_EQ(put(somebody, "certferry/a", "true"), Verdict::silent);
  EXPECT_EQ(put(ourselves(estate), "other/a", "false"), Verdict::silent) << "what is not ours to say";

  const auto judged = [&](const std::string& who, const std::string& action) {
    return sandbox::PolicyDocument{sandbox::PolicyDocument::Of::resource, json(resources.keys.front()), "the key's"}
        .judge({action, "*", {{"kms:EncryptionContext:certferry", {"secret/shop/1"}}}}, {who});
  };
  for (const char* action : {"kms:PutKeyPolicy", "kms:DescribeKey", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
                             "kms:EnableKeyRotation", "kms:TagResource"})
    EXPECT_EQ(judged(somebody, action), Verdict::for_account) << action;
  for (const char* action : {"kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:Encrypt"})
    EXPECT_EQ(judged(somebody, action), Verdict::silent) << action;
  EXPECT_EQ(judged("arn:aws:iam::210987654321:user/somebody", "kms:PutKeyPolicy"), Verdict::silent);
  EXPECT_EQ(judged(ourselves(estate), "kms:Decrypt"), Verdict::allowed);
  EXPECT_EQ(judged(ourselves(estate), "kms:PutKeyPolicy"), Verdict::for_account) << "no more than anybody";
}

// Who may seal, but not open, would hear of it when the certificate is to be renewed.
TEST(KmsKey, ThatSealsAloneLetsNoCertificateBeOrdered) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.state_in_s3();
  estate.world().permissions().attach_to_identity(ourselves(estate), R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]})");
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::Contains(testing::HasSubstr("kms:Decrypt")));
  EXPECT_THAT(estate.world().ca().orders, IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
