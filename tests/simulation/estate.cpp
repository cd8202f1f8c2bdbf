#include "estate.h"

#include <algorithm>
#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"
#include "state/configured_sealing.h"
#include "state/heartbeats.h"
#include "state/s3_store.h"

namespace certferry::simulation {
namespace {

std::vector<DomainName> parsed(const std::vector<std::string>& names) {
  std::vector<DomainName> all;
  for (const std::string& name : names) all.push_back(DomainName::parse(name));
  return all;
}

// An effect on what certferry keeps for itself, or keys and tokens for that.
bool of_the_state(const std::string& effect) {
  const bool of_files = effect.starts_with("remove /");
  return !of_files && std::ranges::any_of(std::array{"put ", "remove ", "s3 ", "kms ", "sts "},
                                          [&](const char* word) { return effect.starts_with(word); });
}

std::size_t estates_built = 0;

}  // namespace

std::size_t Estate::built() { return estates_built; }

Estate::Estate(std::uint64_t seed, sandbox::Settings settings)
    : simulated(std::make_unique<sandbox::SimulatedWorld>(seed, settings)), watch(std::make_unique<Watch>(*simulated)) {
  ++estates_built;
  config.ca.url = world().ca().directory_url();
  config.ca.agree_to_terms = true;
  config.aws.region = settings.region;
}

Estate::~Estate() {
  if (!judged_) EXPECT_THAT(watch->complaints(), testing::IsEmpty());
}

std::vector<std::string> Estate::verdict() {
  judged_ = true;
  return watch->complaints();
}

Estate& Estate::zone(const std::string& name) {
  world().zones().add(name);
  return *this;
}

Estate& Estate::classic_elb(const std::string& name, const std::string& region) {
  world().classic().add(name, world().server_certificates().put("/", name + "-placeholder", simulated->placeholder()),
                        443, region);
  return *this;
}

std::string Estate::listener(const std::string& name) {
  const std::string old = world().server_certificates().put("/", name + "-placeholder", simulated->placeholder());
  return world().load_balancers().add(name, old).arn;
}

void Estate::bind(const std::string& load_balancer, const std::string& arn) {
  auto& listeners = world().classic().by_name;
  auto& listener = listeners.contains(load_balancer)
                       ? listeners.at(load_balancer).listeners.begin()->second
                       : world().load_balancers().by_name.at(load_balancer).listeners.front().listener;
  listener.bind(arn, simulated->time().now());
  listener.advance(simulated->time().now());
}

void Estate::serve_foreign(const std::string& load_balancer, const std::vector<std::string>& names, Duration left) {
  const WallTime now = simulated->time().now();
  bind(load_balancer, world().server_certificates().put("/", load_balancer + "-foreign",
                                                        world().foreign(parsed(names), now - days(60), now + left)));
}

Estate::Wanted& Estate::Wanted::on_elb(const std::string& name, const std::string& region) {
  config.install.push_back(InstallConfig{ElbInstall{name, 443}});
  config.install.back().region = region;
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

Estate::Wanted& Estate::wanted(const std::string& id) {
  for (const auto& one : wanted_)
    if (one->config.id.text() == id) return *one;
  throw std::logic_error("no certificate " + id);
}

std::vector<CertificateConfig> Estate::all_wanted() const {
  std::vector<CertificateConfig> all;
  for (const auto& one : wanted_) all.push_back(one->config);
  return all;
}

void Estate::unwant(const std::string& id) {
  std::erase_if(wanted_, [&](const auto& one) { return one->config.id.text() == id; });
}

void Estate::state_in_s3() {
  in_s3_ = true;
  world().buckets().add("state");
  world().kms().add("alias/certferry");
  config.state.store = "s3://state/certferry/";
  config.state.kms_key = config.account.kms_key = "alias/certferry";
}

Task<> Estate::one_run(Outside& outside, Store& store, Sealing& sealing, Instances& instances, aws::Access& access,
                       const Config& own, const Act& act) {
  const Roots roots = world().roots();
  Fleet fleet{Ground{outside, access, store, sealing, instances, own, roots}};
  co_await act(fleet);
}

sandbox::Life Estate::life(Request request, Kept kept) {
  return life_of([this, request, kept](Fleet& fleet) -> Task<> {
    *kept = co_await fleet.apply(request, minutes(5));
    watch->secrets().shown(to_text(**kept));
    watch->secrets().shown(to_json(**kept).dump());
  });
}

sandbox::Life Estate::forgetting(std::string id, Duration wait) {
  return life_of([this, id, wait](Fleet& fleet) -> Task<> {
    const auto at_work = watch->is_forgotten(id);
    forgotten_.insert(id);
    co_await fleet.forget(CertificateId::parse(id), wait);
  });
}

sandbox::Life Estate::life_of(Act act) {
  config.certificates.clear();
  for (const auto& wanted : wanted_) config.certificates.push_back(wanted->config);
  // Each life reads its configuration once, as a process does: another may begin before it ends.
  return [this, act, own = std::make_shared<const Config>(config)](Outside& outside, Store& store) -> Task<> {
    aws::Access access{outside,
                       std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"),
                       world().settings().region,
                       {}};
    if (!in_s3_) {
      const auto sealing =
          configured_sealing(outside, &access.client(), own->state.kms_key, "/var/lib/certferry/store.key");
      const auto instances =
          locked_instances(outside, [] { return true; }, [] { return std::string{"nobody"}; }, minutes(5));
      co_await one_run(outside, store, *sealing, *instances, access, *own, act);
      co_return;
    }
    const auto shared = s3_store(outside, access.client(), "state", "certferry");
    const auto sealing = kms_sealing(outside, access.client(), "alias/certferry");
    const Executor executor = co_await boost::asio::this_coro::executor;
    const auto instances = heartbeat_instances(outside, executor, access.client(), "state", "certferry");
    co_await one_run(outside, *shared, *sealing, *instances, access, *own, act);
  };
}

void Estate::lose_state() {
  simulated->state().entries.clear();
  watch->state_lost();
}

sandbox::Ending Estate::apply(Request request) {
  report_->reset();
  const auto ending = simulated->run(life(std::move(request), report_));
  last_report = *report_;
  return ending;
}

sandbox::Ending Estate::forget(const std::string& id, Duration wait) { return simulated->run(forgetting(id, wait)); }

sandbox::Ending Estate::forget_account(const std::string& account) {
  return simulated->run(
      life_of([account](Fleet& fleet) -> Task<> { co_await fleet.forget_account(account, minutes(5)); }));
}

sandbox::Ending Estate::apply_with_restarts(Request request, const sandbox::Seat& seat) {
  report_->reset();
  last_runs_[seat.machine] = simulated->time().now();
  const auto ending = simulated->run_with_restarts(life(std::move(request), report_), seat);
  last_report = *report_;
  return ending;
}

std::optional<Plan> Estate::plan(const sandbox::Seat& seat) {
  const auto kept = std::make_shared<std::optional<Plan>>();
  simulated->run_with_restarts(life_of([kept](Fleet& fleet) -> Task<> { *kept = co_await fleet.plan({}); }), seat);
  return *kept;
}

WallTime Estate::last_run_on(const std::string& machine) const {
  const auto known = last_runs_.find(machine);
  return known == last_runs_.end() ? simulated->time().now() : known->second;
}

// One report of what all of them did; none where one gave none.
void Estate::keep_all(const std::vector<Kept>& reports) {
  last_report = *reports.front();
  for (std::size_t i = 1; i < reports.size(); ++i) {
    const std::optional<Report>& other = *reports[i];
    if (!other) last_report.reset();
    if (!last_report) continue;
    last_report->outcomes.insert(last_report->outcomes.end(), other->outcomes.begin(), other->outcomes.end());
    last_report->endangered.insert(other->endangered.begin(), other->endangered.end());
    last_report->without |= other->without;
  }
}

void Estate::apply_twice_at_once(Duration headstart, Request ones, Request others) {
  const auto one = std::make_shared<std::optional<Report>>(), other = std::make_shared<std::optional<Report>>();
  const auto first = simulated->start(life(std::move(ones), one), sandbox::Seat{"one", "main", "main"});
  simulated->run_for(headstart);
  const auto second = simulated->start(life(std::move(others), other), sandbox::Seat{"two", "second", "main"});
  simulated->run_until([&] { return simulated->ending(first) && simulated->ending(second); }, days(1));
  EXPECT_TRUE(simulated->ending(first) && simulated->ending(second)) << "stuck";
  keep_all({one, other});
}

void Estate::apply_together(std::size_t instances, Duration headstart) {
  std::vector<Kept> reports;
  std::vector<std::size_t> processes;
  for (std::size_t i = 0; i < instances; ++i) {
    if (i > 0) simulated->run_for(headstart);
    const std::string name = "i" + std::to_string(i);
    reports.push_back(std::make_shared<std::optional<Report>>());
    processes.push_back(simulated->start(life({}, reports.back()), sandbox::Seat{name, name, "main"}));
  }
  const auto all_ended = [&] {
    return std::ranges::all_of(processes, [&](std::size_t one) { return simulated->ending(one).has_value(); });
  };
  EXPECT_TRUE(simulated->run_until(all_ended, days(1))) << "stuck";
  keep_all(reports);
}

std::vector<std::string> Estate::asked_to_change(const std::function<void()>& act) {
  const long before = simulated->effects();
  act();
  const auto& all = simulated->effect_names();
  std::vector<std::string> asked{all.begin() + before, all.end()};
  std::erase_if(asked, of_the_state);
  return asked;
}

std::optional<Certificate> Estate::shown_by(const std::string& load_balancer, const std::string& sni) {
  auto& classics = world().classic().by_name;
  const std::string host = classics.contains(load_balancer)
                               ? classics.at(load_balancer).dns_name
                               : world().load_balancers().by_name.at(load_balancer).dns_name;
  const auto shown = world().presented(host, 443, sni, simulated->time().now());
  if (!shown) return {};
  return shown->chain.leaf;
}

std::string Estate::load_balancer_of(const std::string& listener) {
  for (const auto& [name, balancer] : world().load_balancers().by_name)
    for (const auto& entry : balancer.listeners)
      if (entry.arn == listener) return name;
  throw std::logic_error("no listener " + listener);
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

bool Estate::said_held(const std::string& place, const CertificateConfig& wanted) const {
  return reported() && std::ranges::any_of(report().outcomes, [&](const Outcome& outcome) {
           const bool there = outcome.target.empty() || (!place.empty() && outcome.target.contains(place));
           return outcome.kind == Outcome::Kind::held && outcome.certificate == wanted.id.text() && there;
         });
}

std::vector<std::string> Estate::server_certificates_left_over() {
  std::vector<std::string> names;
  for (const std::string& name : our_server_certificates()) {
    const std::string& arn = world().server_certificates().by_name.find(name)->second.arn;
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

std::vector<std::string> Estate::kept_secrets() {
  std::vector<std::string> keys;
  for (const auto& [key, value] : watch->stored())
    if (key.starts_with("secret/")) keys.push_back(key);
  return keys;
}

std::optional<Record> Estate::record(const std::string& id) {
  const std::string key = record_key(CertificateId::parse(id));
  const auto stored = watch->stored(key);
  if (!stored) return {};
  return from_json<Record>(Json::parse(*stored, key));
}

std::optional<Fingerprint> Estate::newest(const std::string& id) {
  const auto known = record(id);
  if (!known || !known->newest) return {};
  return known->newest->issued.fingerprint();
}

std::vector<std::string> Estate::failures() {
  std::vector<std::string> all;
  if (!last_report) return {"no report"};
  for (const Outcome& outcome : last_report->outcomes) {
    if (outcome.kind == Outcome::Kind::failed) all.push_back(outcome.what);
  }
  return all;
}

}  // namespace certferry::simulation
