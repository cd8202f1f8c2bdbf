#include "aws/access.h"

#include <fmt/format.h>

#include "aws/role_credentials.h"
#include "aws/surroundings.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/names.h"

namespace certferry::aws {
namespace {

// Where neither configuration nor environment nor profile say one.
Task<std::string> region_of_instance(const Host& host, InstanceMetadata& metadata, const std::string& profile) {
  std::string what = "no AWS region is known: [aws] region, AWS_REGION and profile " + profile + " give none";
  if (!instance_metadata_disabled(host)) {
    try {
      const auto region = co_await metadata.read("meta-data/placement/region");
      if (region && !region->empty()) co_return *region;
    } catch (const Failure& failure) {
      if (failure.kind() == Failure::Kind::transient && metadata.reached()) throw;  // it may give one yet
      what += fmt::format("; {}", failure.what());
    }
  }
  throw Failure(Failure::Kind::refused, what, "Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
}

}  // namespace

struct Access::State {
  using Role = std::optional<RoleSettings>;
  struct Identity {
    std::shared_ptr<CredentialProvider> credentials;
    Budget budget;
  };

  Outside& outside;
  std::string region;
  EndpointSettings endpoints;
  std::shared_ptr<SigningClock> time;
  const Lease* lease = nullptr;
  std::vector<std::string> ignored_settings;
  std::shared_ptr<Budgets> budgets = std::make_shared<Budgets>();
  std::map<Role, Identity> identities;
  std::map<std::pair<Role, std::string>, std::shared_ptr<Client>> clients;

  const std::shared_ptr<Client>& client(const Role& role, const std::string& in_region);
  const Identity& identity(const Role& role);
};

const Access::State::Identity& Access::State::identity(const Role& role) {
  auto found = identities.find(role);
  if (found != identities.end()) return found->second;
  AssumedRole assumed{role->role, role->session_name, role->external_id};
  auto provider = std::make_shared<RoleCredentials>(outside, client(std::nullopt, region), std::move(assumed));
  Budget budget{budgets, std::string{Arn::parse(role->role).account()}};
  return identities.emplace(role, Identity{std::move(provider), std::move(budget)}).first->second;
}

const std::shared_ptr<Client>& Access::State::client(const Role& role, const std::string& in_region) {
  auto place = std::pair{role, in_region.empty() ? region : in_region};
  if (auto found = clients.find(place); found != clients.end()) return found->second;
  const Identity& who = identity(role);
  auto made = std::make_shared<Client>(outside, who.credentials, place.second, endpoints, who.budget, time);
  if (lease) made->act_under(*lease);
  return clients.emplace(place, std::move(made)).first->second;
}

Access::Access(Outside& outside, std::shared_ptr<CredentialProvider> credentials, std::string region,
               EndpointSettings endpoints, std::shared_ptr<SigningClock> time)
    : state_(new State{.outside = outside,
                       .region = std::move(region),
                       .endpoints = std::move(endpoints),
                       .time = time ? std::move(time) : std::make_shared<SigningClock>(outside)}) {
  endpoint_of("sts", state_->region, state_->endpoints);  // refuses what is no region before anything is asked
  state_->identities.emplace(std::nullopt, State::Identity{std::move(credentials), Budget{state_->budgets}});
}

Access::~Access() = default;

Task<std::unique_ptr<Access>> Access::open(Outside& outside, AccessSettings settings) {
  Surroundings around = co_await read_surroundings(outside, settings);
  for (const std::string& unread : around.unread_variables) outside.log.warn(unread);
  auto metadata =
      std::make_shared<InstanceMetadata>(outside, instance_metadata_url(outside.host, around.chosen_profile()));
  if (around.region.empty()) around.region = co_await region_of_instance(outside.host, *metadata, around.profile);
  auto time = std::make_shared<SigningClock>(outside);
  auto credentials = default_credentials(outside, around, metadata, time);
  auto opened = std::make_unique<Access>(outside, std::move(credentials), around.region, around.endpoints, time);
  opened->state_->ignored_settings = around.ignored_settings();
  co_return opened;
}

const std::vector<std::string>& Access::ignored_settings() const { return state_->ignored_settings; }

const std::string& Access::region() const { return state_->region; }

Client& Access::client() { return *state_->client(std::nullopt, state_->region); }

Client& Access::client_in(const std::string& region) { return *state_->client(std::nullopt, region); }

Client& Access::client_as(const std::optional<RoleSettings>& role, const std::string& region) {
  return *state_->client(role, region);
}

std::uint64_t Access::requests_sent() const {
  std::uint64_t sum = 0;
  for (const auto& [place, client] : state_->clients) sum += client->requests_sent();
  return sum;
}

void Access::act_under(const Lease& lease) {
  state_->lease = &lease;
  for (const auto& [place, client] : state_->clients) client->act_under(lease);
}

}  // namespace certferry::aws
