#include "estate.h"

#include <gtest/gtest.h>

#include "base/failure.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::simulation {
namespace {

std::vector<DomainName> parsed(const std::vector<std::string>& names) {
  std::vector<DomainName> all;
  for (const std::string& name : names) all.push_back(DomainName::parse(name));
  return all;
}

}  // namespace

Estate::Estate(std::uint64_t seed, sandbox::Settings settings)
    : simulated(std::make_unique<sandbox::SimulatedWorld>(seed, settings)) {
  config.ca.url = world().ca().directory_url();
  config.ca.agree_to_terms = true;
  config.aws.region = settings.region;
}

Estate& Estate::zone(const std::string& name) {
  world().zones().add(name);
  return *this;
}

Estate& Estate::classic_elb(const std::string& name) {
  const auto old = world().placeholder(parsed({"placeholder.invalid"}), simulated->time().now());
  world().classic().add(name, world().server_certificates().put("/", name + "-placeholder", old));
  return *this;
}

std::string Estate::listener(const std::string& name) {
  const auto old = world().placeholder(parsed({"placeholder.invalid"}), simulated->time().now());
  return world().load_balancers().add(name, world().server_certificates().put("/", name + "-placeholder", old)).arn;
}

void Estate::serve_foreign(const std::string& load_balancer, const std::vector<std::string>& names, Duration left) {
  const WallTime now = simulated->time().now();
  const std::string arn = world().server_certificates().put("/", load_balancer + "-foreign",
                                                            world().foreign(parsed(names), now - days(60), now + left));
  auto& listeners = world().classic().by_name;
  auto& listener = listeners.contains(load_balancer)
                       ? listeners.at(load_balancer).listeners.begin()->second
                       : world().load_balancers().by_name.at(load_balancer).listeners.front().listener;
  listener.bind(arn, now);
  listener.advance(now);
}

Estate::Wanted& Estate::Wanted::on_elb(const std::string& name) {
  config.install.push_back(InstallConfig{ElbInstall{name, 443}});
  return *this;
}
Estate::Wanted& Estate::Wanted::on_listener(const std::string& arn) {
  config.install.push_back(InstallConfig{ListenerInstall{Arn::parse(arn)}});
  return *this;
}
Estate::Wanted& Estate::Wanted::in_files(const std::string& directory, std::vector<std::string> reload) {
  config.install.push_back(InstallConfig{FilesInstall{directory, std::move(reload), ""}});
  return *this;
}
Estate::Wanted& Estate::Wanted::retired_after(Duration grace) {
  for (InstallConfig& install : config.install) install.retire_after = grace;
  return *this;
}

Estate::Wanted& Estate::certificate(const std::string& id, const std::vector<std::string>& domains) {
  wanted_.push_back(std::make_unique<Wanted>(Wanted{CertificateConfig{CertificateId::parse(id), parsed(domains)}}));
  return *wanted_.back();
}

sandbox::Life Estate::life(Request request) {
  config.certificates.clear();
  for (const auto& wanted : wanted_) config.certificates.push_back(wanted->config);
  return [this, request, kept = report_](Outside& outside, Store& store) -> Task<> {
    aws::Access access{outside,
                       std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"),
                       world().settings().region,
                       {}};
    const auto sealing = file_sealing(outside, "/var/lib/certferry/store.key");
    const auto instances =
        locked_instances(outside, [] { return true; }, [] { return std::string{"nobody"}; }, minutes(5));
    const Roots roots = world().roots();
    Fleet fleet{Ground{outside, access, store, *sealing, *instances, config, roots}};
    *kept = co_await fleet.apply(request, minutes(5));
  };
}

sandbox::Ending Estate::apply(Request request) {
  report_->reset();
  const auto ending = simulated->run(life(std::move(request)));
  last_report = *report_;
  return ending;
}

sandbox::Ending Estate::apply_with_restarts(Request request) {
  report_->reset();
  const auto ending = simulated->run_with_restarts(life(std::move(request)));
  last_report = *report_;
  return ending;
}

std::optional<Certificate> Estate::shown_by(const std::string& load_balancer) {
  auto& classics = world().classic().by_name;
  const std::string host = classics.contains(load_balancer)
                               ? classics.at(load_balancer).dns_name
                               : world().load_balancers().by_name.at(load_balancer).dns_name;
  const auto shown = world().presented(host, 443, "any.example", simulated->time().now());
  if (!shown) return {};
  return shown->chain.leaf;
}

std::string Estate::bound_on(const std::string& load_balancer) {
  auto& classics = world().classic().by_name;
  return classics.contains(load_balancer)
             ? classics.at(load_balancer).listeners.begin()->second.certificate
             : world().load_balancers().by_name.at(load_balancer).listeners.front().listener.certificate;
}

std::vector<std::string> Estate::challenge_records() {
  std::vector<std::string> found;
  for (const auto& zone : world().zones().all) {
    for (const auto& [key, set] : zone.sets) {
      if (set.type != "TXT") continue;
      for (const std::string& value : set.values) found.push_back(set.name + " " + value);
    }
  }
  return found;
}

std::vector<std::string> Estate::our_server_certificates() {
  std::vector<std::string> names;
  for (const auto& [name, certificate] : world().server_certificates().by_name) {
    if (certificate.path == "/certferry/") names.push_back(name);
  }
  return names;
}

std::vector<std::string> Estate::server_certificates_left_over() {
  std::vector<std::string> names;
  for (const std::string& name : our_server_certificates()) {
    const std::string& arn = world().server_certificates().by_name.at(name).arn;
    if (!world().classic().refers_to(arn) && !world().load_balancers().refers_to(arn)) names.push_back(name);
  }
  return names;
}

std::size_t Estate::orders_answered() {
  std::size_t count = 0;
  for (const auto& [url, order] : world().ca().orders) count += order.answered ? 1 : 0;
  return count;
}

std::size_t Estate::accounts() { return world().ca().accounts.size(); }

std::vector<std::string> Estate::failures() {
  std::vector<std::string> all;
  if (!last_report) return {"no report"};
  for (const Outcome& outcome : last_report->outcomes) {
    if (outcome.kind == Outcome::Kind::failed) all.push_back(outcome.what);
  }
  return all;
}

long effects_of(const std::function<void(Estate&)>& build, const std::function<void(Estate&)>& live) {
  Estate estate;
  build(estate);
  live(estate);
  return estate.simulated->effects();
}

void for_each_crash_point(const std::function<void(Estate&)>& build, const std::function<void(Estate&)>& live,
                          const std::function<void(Estate&)>& check) {
  using sandbox::Moment;
  const long effects = effects_of(build, live);
  ASSERT_GT(effects, 0);
  for (long effect = 0; effect < effects; ++effect) {
    for (const Moment moment : {Moment::before, Moment::after_effect_before_reply, Moment::after_reply}) {
      Estate estate;
      build(estate);
      estate.simulated->kill_at({effect, moment});
      live(estate);
      check(estate);
      if (testing::Test::HasFailure()) {
        FAIL() << "killed " << sandbox::name(moment) << " effect " << effect << " ("
               << estate.simulated->effect_names()[static_cast<std::size_t>(effect)] << ")\n"
               << estate.simulated->trace().text();
      }
    }
  }
}

}  // namespace certferry::simulation
