#include "aws/access.h"

#include "aws/role_credentials.h"
#include "aws/surroundings.h"
#include "base/failure.h"

namespace certferry::aws {

struct Access::State {
  using Role = std::optional<RoleSettings>;
  struct Identity {
    std::shared_ptr<CredentialProvider> credentials;
    std::shared_ptr<Budget> budget = std::make_shared<Budget>();
  };

  Outside& outside;
  std::string region;
  EndpointSettings endpoints;
  const Lease* lease = nullptr;
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
  return identities.emplace(role, Identity{std::move(provider)}).first->second;
}

const std::shared_ptr<Client>& Access::State::client(const Role& role, const std::string& in_region) {
  auto place = std::pair{role, in_region.empty() ? region : in_region};
  if (auto found = clients.find(place); found != clients.end()) return found->second;
  const Identity& who = identity(role);
  auto made = std::make_shared<Client>(outside, who.credentials, place.second, endpoints, who.budget);
  if (lease) made->act_under(*lease);
  return clients.emplace(place, std::move(made)).first->second;
}

Access::Access(Outside& outside, std::shared_ptr<CredentialProvider> credentials, std::string region,
               EndpointSettings endpoints)
    : state_(new State{outside, std::move(region), std::move(endpoints), nullptr, {}, {}}) {
  endpoint_of("sts", state_->region, state_->endpoints);  // refuses what is no region before anything is asked
  state_->identities.emplace(std::nullopt, State::Identity{std::move(credentials)});
}

Access::~Access() = default;

Task<std::unique_ptr<Access>> Access::open(Outside& outside, AccessSettings settings) {
  Surroundings around = co_await read_surroundings(outside, settings.region, settings.profile);
  auto metadata =
      std::make_shared<InstanceMetadata>(outside, instance_metadata_url(outside.host, around.chosen_profile()));
  if (around.region.empty() && !instance_metadata_disabled(outside.host)) {
    try {
      around.region = (co_await metadata->read("meta-data/placement/region")).value_or("");
    } catch (const Failure&) {
      // No instance of EC2: the missing region is reported below.
    }
  }
  if (around.region.empty())
    throw Failure(Failure::Kind::refused,
                  "no AWS region is known: [aws] region, AWS_REGION and profile " + around.profile + " give none",
                  "Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
  auto credentials = default_credentials(outside, around, metadata);
  co_return std::make_unique<Access>(outside, std::move(credentials), around.region, around.endpoints);
}

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
