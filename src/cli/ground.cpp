#include "cli/ground.h"

#include <fmt/format.h>
#include <utility>

#include "base/failure.h"
#include "cli/empty_store.h"
#include "cli/said.h"
#include "real/sqlite_store.h"
#include "state/heartbeats.h"
#include "state/s3_store.h"

namespace certferry {
namespace {

bool state_in_s3(const Config& config) { return config.state.store.starts_with("s3://"); }

// "s3://bucket/pre/fix" as bucket and "pre/fix/".
std::pair<std::string, std::string> bucket_and_prefix(const std::string& place) {
  const std::string rest = place.substr(std::string_view{"s3://"}.size());
  const auto slash = rest.find('/');
  if (slash == std::string::npos) return {rest, ""};
  std::string prefix = rest.substr(slash + 1);
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return {rest.substr(0, slash), prefix};
}

}  // namespace

std::string state_directory(const Config& config, const Host& host) {
  if (!config.state.store.empty()) return config.state.store;
  if (host.superuser()) return "/var/lib/certferry";
  if (const auto base = host.environment("XDG_STATE_HOME"); base && base->starts_with('/')) return *base + "/certferry";
  return host.home() + "/.local/state/certferry";
}

std::string state_file(const Stage& stage, const Config& config) {
  return fmt::format("{}{}/state.db", stage.disk_root, state_directory(config, stage.host));
}

Task<Roots> trusted_roots(Stage& stage, const std::optional<std::string>& trust) {
  const Roots roots = stage.roots ? *stage.roots : Roots::system();
  if (!trust) co_return roots;
  const auto pem = co_await stage.host.read(*trust);
  if (!pem) {
    throw Misconfigured{Failure{Failure::Kind::refused, fmt::format("{} is not there", *trust),
                                "Write the path of a PEM file with the CA's roots"}};
  }
  co_return roots.with(Roots::from_pem(*pem));
}

Foundation::Foundation(Stage& stage, const Config& config, Outside& outside)
    : stage_(stage), config_(config), outside_(outside), roots_(Roots::none()) {}

Task<std::unique_ptr<Foundation>> Foundation::lay(Stage& stage, const Config& config, Duration wait) {
  Outside* outside = co_await stage.open(config);
  std::unique_ptr<Foundation> foundation{new Foundation{stage, config, *outside}};
  co_await foundation->furnish();
  foundation->open_store(wait);
  co_return foundation;
}

Task<std::unique_ptr<Foundation>> Foundation::lay_to_look(Stage& stage, const Config& config) {
  Outside* outside = co_await stage.open(config);
  std::unique_ptr<Foundation> foundation{new Foundation{stage, config, *outside}};
  co_await foundation->furnish();
  co_await foundation->open_store_to_look();
  co_return foundation;
}

Task<> Foundation::open_store_to_look() {
  if (state_in_s3(config_) || co_await stage_.host.status(state_directory(config_, stage_.host) + "/state.db"))
    open_store(Duration::zero());
  else
    open_no_store();
}

Task<std::unique_ptr<Foundation>> Foundation::lay_what_stands(Stage& stage, const Config& config, Findings& troubles) {
  Outside* outside = co_await stage.open(config);
  std::unique_ptr<Foundation> foundation{new Foundation{stage, config, *outside}};
  const auto trouble = [&](std::string check, std::string subject, const Failure& failure) {
    troubles.push_back({Finding::Verdict::red, std::move(check), std::move(subject), failure.what(), failure.next()});
  };
  try {
    foundation->access_ = co_await aws::Access::open(*outside, {config.aws.region, config.aws.profile});
  } catch (const Failure& failure) {
    trouble("identity", "identity", failure);
  }
  foundation->open_sealing();
  try {
    if (foundation->access_ || !state_in_s3(config)) co_await foundation->open_store_to_look();
  } catch (const Failure& failure) {
    trouble("state", "state " + state_directory(config, stage.host), failure);
  }
  if (!foundation->store_) foundation->open_no_store();
  co_return foundation;
}

void Foundation::open_sealing() {
  const bool by_kms = access_ && !config_.state.kms_key.empty();
  sealing_ = by_kms ? kms_sealing(outside_, access_->client(), config_.state.kms_key)
                    : file_sealing(outside_, state_directory(config_, stage_.host) + "/store.key");
}

Task<> Foundation::furnish() {
  roots_ = co_await trusted_roots(stage_, config_.ca.trust);
  access_ = co_await aws::Access::open(outside_, {config_.aws.region, config_.aws.profile});
  open_sealing();
}

Task<std::unique_ptr<Foundation>> Foundation::lay_store(Stage& stage, const Config& config) {
  Outside* outside = co_await stage.open(config);
  std::unique_ptr<Foundation> foundation{new Foundation{stage, config, *outside}};
  if (state_in_s3(config))
    foundation->access_ = co_await aws::Access::open(*outside, {config.aws.region, config.aws.profile});
  foundation->open_store(Duration::zero());
  co_return foundation;
}

void Foundation::open_store(Duration wait) {
  if (state_in_s3(config_)) {
    const auto [bucket, prefix] = bucket_and_prefix(config_.state.store);
    store_ = s3_store(outside_, access_->client(), bucket, prefix);
    instances_ = heartbeat_instances(outside_, stage_.executor, access_->client(), bucket, prefix);
    return;
  }
  auto store = std::make_unique<SqliteStore>(state_file(stage_, config_));
  instances_ = locked_instances(
      outside_, [lock = store.get()] { return lock->try_lock(); }, [lock = store.get()] { return lock->holder(); },
      wait);
  store_ = std::move(store);
}

void Foundation::open_no_store() {
  store_ = std::make_unique<EmptyStore>(state_directory(config_, stage_.host));
  instances_ = locked_instances(outside_, [] { return true; }, [] { return std::string{}; }, Duration::zero());
}

Patient Foundation::patient(Findings troubles) {
  return {outside_, config_, access_.get(), *store_, *sealing_, std::move(troubles)};
}

Ground Foundation::ground() { return {outside_, *access_, *store_, *sealing_, *instances_, config_, roots_}; }

}  // namespace certferry
