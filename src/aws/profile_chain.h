#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/profile_files.h"
#include "aws/role_credentials.h"
#include "aws/sso_credentials.h"

namespace certferry::aws {

struct ProfileKeys {
  std::string access_key_id, secret_access_key, session_token;
  std::string profile;
};
enum class NamedSource { environment, instance, container };
struct ProfileSource {  // credential_source
  NamedSource source;
  std::string profile, place;  // whose it is, and where it stands: "~/.aws/config:12"
};
struct ProfileWebIdentity {
  AssumedRole role;
  std::string token_file;
};
struct ProfileProcess {
  std::string command, profile;
};

// How a profile comes to credentials: a source, and the roles assumed with it one after the other.
struct ProfileChain {
  std::variant<ProfileKeys, ProfileSource, ProfileWebIdentity, SsoProfile, ProfileProcess> source;
  std::vector<AssumedRole> roles;
};

// Follows role_arn with source_profile or credential_source. Empty: the profile says nothing about credentials. Failure
// (refused), with file and line: a loop, half of a pair, a missing source profile or sso-session.
std::optional<ProfileChain> profile_chain(const ProfileFiles& files, const std::string& profile);

}  // namespace certferry::aws
