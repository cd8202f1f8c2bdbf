#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"

namespace certferry::aws {

// What the configuration's [aws] says; everything else comes from the environment and the shared files.
struct AccessSettings {
  std::string region;         // "" : AWS_REGION, AWS_DEFAULT_REGION, the profile, IMDS
  std::string profile;        // "" : AWS_PROFILE, AWS_DEFAULT_PROFILE, "default"
  std::string profile_place;  // where the configuration names the profile, for messages; "" : none is told
};

struct RoleSettings {
  std::string role;  // ARN
  std::optional<std::string> external_id;
  std::string session_name = "certferry";
  auto operator<=>(const RoleSettings&) const = default;
};

// All the clients that one run needs: one for each region and role, made when first asked for and kept.
class Access {
 public:
  // Reads the environment and the shared config files (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE) through
  // outside.host. Throws Failure (refused) naming file and line for what is malformed, and where no region is known.
  static Task<std::unique_ptr<Access>> open(Outside& outside, AccessSettings settings);
  // With credentials and endpoints of the caller's choice: the sandbox, tests.
  Access(Outside& outside, std::shared_ptr<CredentialProvider> credentials, std::string region,
         EndpointSettings endpoints, std::shared_ptr<SigningClock> time = {});
  ~Access();

  const std::string& region() const;
  Client& client();  // own identity, own region
  Client& client_in(const std::string& region);
  Client& client_as(const std::optional<RoleSettings>& role, const std::string& region = "");
  std::uint64_t requests_sent() const;  // by all of them
  // What of the shared files is not read though somebody may count on it: "~/.aws/config:3: [foo] is no profile here:
  // write [profile foo]". For `doctor`.
  const std::vector<std::string>& ignored_settings() const;
  void act_under(const Lease& lease);  // all of them, those made later too: Client::act_under

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry::aws
