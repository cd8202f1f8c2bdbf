#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "aws/access.h"
#include "config/config.h"
#include "engine/doctor.h"
#include "engine/fleet.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "state/heartbeats.h"
#include "state/s3_store.h"

namespace certferry {

inline void PrintTo(const Finding& finding, std::ostream* out) { *out << to_text({finding}, false); }

// A resolver that changes what another one answers.
class SpoiledResolver final : public Resolver {
 public:
  using Spoil = std::function<void(const dns::Question&, dns::Answer&)>;
  SpoiledResolver(Resolver& resolver, const Spoil& spoil) : resolver_(resolver), spoil_(spoil) {}
  Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) override {
    dns::Answer answer = co_await resolver_.ask(question, std::move(server));
    if (spoil_) spoil_(question, answer);
    co_return answer;
  }
  Task<std::vector<std::string>> addresses(std::string host) override {
    co_return co_await resolver_.addresses(std::move(host));
  }

 private:
  Resolver& resolver_;
  const Spoil& spoil_;
};

// A transport that answers some requests itself.
class SpoiledTransport final : public Transport {
 public:
  using Spoil = std::function<std::optional<http::Response>(const http::Request&)>;
  SpoiledTransport(Transport& transport, const Spoil& spoil) : transport_(transport), spoil_(spoil) {}
  Task<http::Response> send(http::Request request) override {
    if (spoil_)
      if (auto answer = spoil_(request)) co_return std::move(*answer);
    co_return co_await transport_.send(std::move(request));
  }
  Task<PeerChain> handshake(Endpoint endpoint, std::string sni, KeyType key) override {
    co_return co_await transport_.handshake(std::move(endpoint), std::move(sni), key);
  }

 private:
  Transport& transport_;
  const Spoil& spoil_;
};

// Somebody's installation, in which nothing is wrong: state and account key in S3, a classic and an application load
// balancer, files. A test breaks one thing, and lets doctor look.
class Clinic {
 public:
  sandbox::SimulatedWorld simulated{1};
  Config config;
  aws::Credentials credentials{"AKIASANDBOX", Secret{"sandbox-secret"}, Secret{""}, {}, "the test"};
  std::string region = "eu-west-1";
  std::string listener;           // of the application load balancer
  std::string shared_config;      // what ~/.aws/config says; "": there is none, and nobody looks for it
  SpoiledResolver::Spoil answer;  // what doctor's resolvers say otherwise than the world; empty: nothing
  SpoiledTransport::Spoil reply;  // what doctor's requests are answered in place of the world; empty: nothing

  Clinic() {
    sandbox::World& world = this->world();
    world.zones().add("example.com");
    world.buckets().add("state");
    world.buckets().versioning["state"] = "Enabled";
    world.kms().add("alias/certferry");
    const std::string served = world.server_certificates().put(
        "/", "placeholder", world.placeholder({DomainName::parse("placeholder.invalid")}, world.now()));
    world.classic().add("old", served);
    listener = world.load_balancers().add("web", served).arn;
    config = parse_config("[ca]\ndirectory = \"" + world.ca().directory_url() + R"("
agree_to_terms = true
[aws]
region = "eu-west-1"
[account]
key = "s3://state/certferry/account.key"
[state]
store = "s3://state/certferry/"
kms_key = "alias/certferry"
[[certificate]]
name = "www"
domains = ["example.com", "*.example.com"]
[[certificate.install]]
elb = "old"
[[certificate.install]]
listener = ")" + listener + R"("
[[certificate.install]]
files = "/etc/ssl/www"
reload = ["systemctl", "reload", "nginx"]
)",
                          "certferry.toml");
    simulated.machine().write("/usr/bin/systemctl", "", 0755);
  }

  sandbox::World& world() { return simulated.world(); }
  std::map<std::string, sandbox::SimulatedObject>& objects() { return world().buckets().by_name.at("state"); }
  sandbox::SimulatedZone& zone(const std::string& name = "example.com") { return world().zones().zone(name); }
  void caa(const std::string& name, std::vector<std::string> values) {
    world().zones().put("example.com", {.name = name, .type = "CAA", .ttl = 60, .values = std::move(values)});
  }
  void ns(const std::string& zone, const std::string& name, std::vector<std::string> servers) {
    world().zones().put(zone, {.name = name, .type = "NS", .ttl = 60, .values = std::move(servers)});
  }
  void cname(const std::string& zone, const std::string& name, const std::string& to) {
    world().zones().put(zone, {.name = name, .type = "CNAME", .ttl = 60, .values = {to + "."}});
  }
  // AWS refuses these actions ("iam:GetAccountSummary"), or everything but STS.
  void deny(const std::vector<std::string>& actions) {
    Json denied = Json::array();
    for (const std::string& action : actions) denied.push_back(action);
    attach(R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Resource":"*","Action":)" +
           denied.dump() + "}");
  }
  void deny_everything() { attach(R"({"Effect":"Allow","Action":"sts:*","Resource":"*"})"); }
  void attach(const std::string& statements) {
    auto& permissions = world().permissions();
    permissions.attach_to_identity(permissions.user(), R"({"Version":"2012-10-17","Statement":[)" + statements + "]}");
  }

  Findings examine() {
    Findings found;
    const auto ending = simulated.run([&](Outside& real, Store& store) -> Task<> {
      SpoiledResolver resolver{real.resolver, answer};
      SpoiledTransport transport{real.transport, reply};
      Outside outside{transport, resolver, real.clock, real.entropy, real.host, real.pool, real.log};
      const auto access = shared_config.empty() ? this->access(outside) : co_await opened(outside);
      const auto shared = this->store(outside, *access);
      const auto sealing = kms_sealing(outside, access->client(), "alias/certferry");
      Doctor doctor{{outside, config, access.get(), shared ? *shared : store, *sealing}};
      found = co_await doctor.examine();
    });
    if (ending.error) std::rethrow_exception(ending.error);
    return found;
  }
  // The CA's directory is this document.
  void directory(std::string body) {
    world().ca().interpose = [body = std::move(body)](const http::Request&,
                                                      const std::string& operation) -> std::optional<http::Response> {
      if (operation != "directory") return std::nullopt;
      return http::Response{.status = 200, .headers = {}, .body = body};
    };
  }
  // One run of apply; what failed.
  std::vector<std::string> apply() {
    std::vector<std::string> failed;
    const auto ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
      const auto access = this->access(outside);
      const auto shared = store(outside, *access);
      const auto sealing = kms_sealing(outside, access->client(), "alias/certferry");
      const Executor executor = co_await boost::asio::this_coro::executor;
      const auto instances = heartbeat_instances(outside, executor, access->client(), "state", "certferry");
      const Roots roots = world().roots();
      Fleet fleet{Ground{outside, *access, *shared, *sealing, *instances, config, roots}};
      const Report report = co_await fleet.apply({}, minutes(5));
      for (const Outcome& outcome : report.outcomes)
        if (outcome.kind == Outcome::Kind::failed) failed.push_back(outcome.what);
    });
    if (ending.error) std::rethrow_exception(ending.error);
    return failed;
  }

 private:
  Task<std::unique_ptr<aws::Access>> opened(Outside& outside) {
    sandbox::Machine& machine = simulated.machine();
    machine.write(machine.home + "/.aws/config", shared_config);
    machine.environment = {{"AWS_ACCESS_KEY_ID", credentials.access_key_id},
                           {"AWS_SECRET_ACCESS_KEY", std::string{credentials.secret_access_key.reveal()}}};
    co_return co_await aws::Access::open(outside, {.region = region, .profile = "", .profile_place = ""});
  }
  std::unique_ptr<aws::Access> access(Outside& outside) const {
    auto provider = std::make_shared<aws::FixedCredentials>(
        aws::Credentials{credentials.access_key_id, credentials.secret_access_key.clone(),
                         credentials.session_token.clone(), credentials.expires, credentials.source});
    return std::make_unique<aws::Access>(outside, std::move(provider), region, aws::EndpointSettings{});
  }
  std::unique_ptr<Store> store(Outside& outside, aws::Access& access) const {
    if (!config.state.store.starts_with("s3://")) return nullptr;
    const std::string rest = config.state.store.substr(5);
    return s3_store(outside, access.client(), rest.substr(0, rest.find('/')), rest.substr(rest.find('/') + 1));
  }
};

// What a finding may be expected to be.
inline auto is(Finding::Verdict verdict) { return testing::Field("verdict", &Finding::verdict, verdict); }
inline auto subjects_of(const Findings& findings, const std::string& found) {
  std::vector<std::string> subjects;
  for (const Finding& finding : findings)
    if (finding.found.contains(found)) subjects.push_back(finding.subject);
  return subjects;
}
inline auto green() { return is(Finding::Verdict::green); }
// Of what an apply could not do.
inline auto fails_over(const std::string& words) {
  return ::testing::AllOf(::testing::Not(::testing::IsEmpty()), ::testing::Each(::testing::HasSubstr(words)));
}

inline auto says(Finding::Verdict verdict, const std::string& found, const std::string& next = "") {
  return testing::AllOf(is(verdict), testing::Field("found", &Finding::found, testing::HasSubstr(found)),
                        testing::Field("next", &Finding::next, testing::HasSubstr(next)));
}

// The first finding of this check whose subject contains `subject`.
inline Finding about(const Findings& findings, const std::string& check, const std::string& subject = "") {
  for (const Finding& finding : findings)
    if (finding.check == check && finding.subject.contains(subject)) return finding;
  ADD_FAILURE() << "no finding of " << check << " about \"" << subject << "\" in\n" << to_text(findings, false);
  return {Finding::Verdict::green, "", "", "", ""};
}

}  // namespace certferry
