#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/access.h"
#include "aws/endpoints.h"
#include "aws/instance_metadata.h"
#include "aws/profile_files.h"
#include "outside/outside.h"

namespace certferry::aws {

// What environment and shared files say, read once.
struct Surroundings {
  ProfileFiles files;
  std::string config_file, credentials_file;  // their names
  std::string profile;                        // in use
  std::string profile_from;                   // who says so: "AWS_PROFILE"; "" where nobody does
  bool profile_in_settings = false;           // then the environment's keys do not count
  std::vector<std::string> unread_variables;  // "AWS_DEFAULT_PROFILE (a) is not read: AWS_PROFILE is b"
  EndpointSettings endpoints;
  std::string region;  // "" where neither environment nor profile says one

  const Profile& chosen_profile() const;  // an empty one where "default" is not there
  // What of the files is not read though somebody may count on it, each with its place.
  std::vector<std::string> ignored_settings() const;
};

// Through host alone. Failure (refused): a file is malformed, a profile or a services section is named that is in
// neither, a switch is neither true nor false, an endpoint is no URL or has a query; it names the file and line or the
// variable.
Task<Surroundings> read_surroundings(Outside& outside, const AccessSettings& settings);

// The chain of the AWS CLI: environment; a profile's role; web identity; a profile's IAM Identity Center, keys or
// process; container; instance. Which of them counts is decided here, once. Failure (refused): see profile_chain.
// time: the one of all clients that will use them.
std::shared_ptr<CredentialProvider> default_credentials(Outside& outside, const Surroundings& surroundings,
                                                        std::shared_ptr<InstanceMetadata> metadata,
                                                        std::shared_ptr<SigningClock> time);

}  // namespace certferry::aws
