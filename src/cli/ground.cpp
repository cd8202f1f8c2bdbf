#include "cli/ground.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "base/failure.h"
#include "base/s3_place.h"
#include "cli/empty_store.h"
#include "cli/trust.h"
#include "config/misconfigured.h"
#include "real/sqlite_store.h"
#include "real/state_directory.h"
#include "state/configured_sealing.h"
#include "state/heartbeats.h"
#include "state/s3_store.h"

namespace certferry {
namespace {

bool state_in_s3(const Config& config) { return in_s3(config.state.store); }

// A region or a profile that is none is the user's to correct; credentials are not asked for yet. The failure names the
// place that is wrong, which is seldom one of the configuration's.
Task<std::unique_ptr<aws::Access>> open_access(Outside& outside, const AwsConfig& config) {
  try {
    co_return co_await aws::Access::open(outside, {config.region, config.profile, config.place.text()});
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    throw Misconfigured{failure};
  }
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

Task<Roots> trusted_roots(Stage& stage, const std::optional<std::string>& trust, const Place& place) {
  const Roots roots = stage.roots ? *stage.roots : Roots::system();
  if (!trust) co_return roots;
  co_return roots.with(Roots::from_pem(co_await read_trust(stage.host, *trust, place)));
}

namespace {

// What is wrong with the file of [ca] trust; empty where nothing is.
Task<std::optional<Finding>> unread_trust(Stage& stage, const Config& config) {
  try {
    co_await trusted_roots(stage, config.ca.trust, config.ca.trust_place);
  } catch (const Failure& failure) {
    co_return Finding{Finding::Verdict::red, "ca", "[ca] trust", failure.what(), failure.next()};
  }
  co_return std::nullopt;
}

}  // namespace

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

Task<bool> Foundation::state_is_there() {
  if (state_in_s3(config_)) co_return true;
  co_return (co_await stage_.host.status(state_directory(config_, stage_.host) + "/state.db")).has_value();
}

Task<> Foundation::open_store_to_look() {
  if (co_await state_is_there())
    open_store(Duration::zero());
  else
    open_no_store();
}

Task<> Foundation::require_store_or_place() {
  co_await open_store_to_look();
  if (co_await state_is_there()) co_return;
  require_place_for_state_file(state_file(stage_, config_));
  co_await stage_.host.require_writable(state_directory(config_, stage_.host));
}

Task<std::unique_ptr<Foundation>> Foundation::lay_what_stands(Stage& stage, const Config& config, Findings& troubles) {
  Config legible = config;  // without what cannot be read
  if (auto unread = co_await unread_trust(stage, config)) {
    troubles.push_back(std::move(*unread));
    legible.ca.trust.reset();
  }
  Outside* outside = co_await stage.open(legible);
  std::unique_ptr<Foundation> foundation{new Foundation{stage, config, *outside}};
  const auto trouble = [&](std::string check, std::string subject, const Failure& failure) {
    troubles.push_back({Finding::Verdict::red, std::move(check), std::move(subject), failure.what(), failure.next()});
  };
  try {
    foundation->access_ = co_await open_access(*outside, config.aws);
  } catch (const Failure& failure) {
    trouble("identity", "identity", failure);
  }
  foundation->open_sealing();
  try {
    if (foundation->access_ || !state_in_s3(config)) co_await foundation->require_store_or_place();
  } catch (const Failure& failure) {
    trouble("state", "state " + state_directory(config, stage.host), failure);
    foundation->store_opens_ = false;
  }
  if (!foundation->store_) foundation->open_no_store();
  co_return foundation;
}

void Foundation::open_sealing() {
  const Path key_file = state_in_s3(config_) ? "" : state_directory(config_, stage_.host) + "/store.key";
  sealing_ = configured_sealing(outside_, access_ ? &access_->client() : nullptr, config_.state.kms_key, key_file);
}

Task<> Foundation::furnish() {
  roots_ = co_await trusted_roots(stage_, config_.ca.trust, config_.ca.trust_place);
  access_ = co_await open_access(outside_, config_.aws);
  open_sealing();
}

Task<std::unique_ptr<Foundation>> Foundation::lay_store(Stage& stage, const Config& config) {
  Outside* outside = co_await stage.open(config);
  std::unique_ptr<Foundation> foundation{new Foundation{stage, config, *outside}};
  if (state_in_s3(config)) foundation->access_ = co_await open_access(*outside, config.aws);
  foundation->open_store(Duration::zero());
  co_return foundation;
}

void Foundation::open_store(Duration wait) {
  if (const auto place = S3Place::parse(config_.state.store)) {
    store_ = s3_store(outside_, access_->client(), place->bucket, place->prefix());
    instances_ = heartbeat_instances(outside_, stage_.executor, access_->client(), place->bucket, place->prefix());
    return;
  }
  const std::string file = state_file(stage_, config_);
  if (const auto closed_again = prepare_state_file(file); !closed_again.empty())
    outside_.log.warn(
        fmt::format("{}: their group had access, as a volume's fsGroup gives it; they are this user's alone again",
                    fmt::join(closed_again, ", ")));
  auto store = std::make_unique<SqliteStore>(file);
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
  return {outside_, config_, access_.get(), *store_, *sealing_, std::move(troubles), store_opens_};
}

Ground Foundation::ground() { return {outside_, *access_, *store_, *sealing_, *instances_, config_, roots_}; }

}  // namespace certferry
