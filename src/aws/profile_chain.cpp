#include "aws/profile_chain.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/names.h"

namespace certferry::aws {
namespace {

// source: ours; AWS lets one role assume another for an hour, and nobody chains more than two or three, 2026-11-23
constexpr std::size_t longest_chain = 16;

std::string value_in(const Profile& profile, std::string_view key) {
  auto found = profile.find(key);
  return found == profile.end() ? "" : found->second.text;
}

// The failure names the line of `key`, where it stands.
Failure profile_refused(const std::string& name, const Profile& profile, std::string_view key, const std::string& what,
                        const std::string& next) {
  auto found = profile.find(key);
  std::string place = found == profile.end() ? "" : found->second.place + ": ";
  return {Failure::Kind::refused, fmt::format("{}profile {}: {}", place, quoted(name, 100), what), next};
}

std::optional<ProfileKeys> keys_in(const std::string& name, const Profile& profile) {
  std::string id = value_in(profile, "aws_access_key_id"), secret = value_in(profile, "aws_secret_access_key");
  if (id.empty() && secret.empty()) return std::nullopt;
  if (id.empty() || secret.empty())
    throw profile_refused(name, profile, id.empty() ? "aws_secret_access_key" : "aws_access_key_id",
                          id.empty() ? "aws_access_key_id is missing" : "aws_secret_access_key is missing",
                          "Write both keys, or neither");
  return ProfileKeys{id, secret, value_in(profile, "aws_session_token"), name};
}

AssumedRole role_in(const std::string& name, const Profile& profile) {
  AssumedRole out{.role = value_in(profile, "role_arn")};
  try {
    Arn::parse(out.role);
  } catch (const Failure& failure) {
    throw profile_refused(name, profile, "role_arn", failure.what(), failure.next());
  }
  if (std::string session = value_in(profile, "role_session_name"); !session.empty()) out.session_name = session;
  if (std::string id = value_in(profile, "external_id"); !id.empty()) out.external_id = id;
  return out;
}

NamedSource named_source(const std::string& name, const Profile& profile, std::string_view text) {
  if (text == "Environment") return NamedSource::environment;
  if (text == "Ec2InstanceMetadata") return NamedSource::instance;
  if (text == "EcsContainer") return NamedSource::container;
  throw profile_refused(name, profile, "credential_source",
                        fmt::format("credential_source \"{}\" is none", quoted(text, 60)),
                        "Write Environment, Ec2InstanceMetadata or EcsContainer");
}

constexpr auto sso_marks =
    std::to_array<std::string_view>({"sso_session", "sso_start_url", "sso_account_id", "sso_role_name"});
constexpr auto sso_of_session = std::to_array<std::string_view>({"sso_start_url", "sso_region"});

// The [sso-session] that the profile names, where sso_start_url and sso_region stand; null for a profile of the older
// kind, which says them itself.
const Profile* sso_session_of(const ProfileFiles& files, const std::string& name, const Profile& profile) {
  const std::string session = value_in(profile, "sso_session");
  if (session.empty()) return nullptr;
  auto found = files.sso_sessions.find(session);
  if (found == files.sso_sessions.end())
    throw profile_refused(name, profile, "sso_session",
                          fmt::format("there is no section [sso-session {}]", quoted(session, 100)),
                          "Add it to the config file, or correct the name");
  for (std::string_view key : sso_of_session)
    if (profile.contains(key) && value_in(profile, key) != value_in(found->second, key))
      throw profile_refused(name, profile, key,
                            fmt::format("{} is not that of [sso-session {}]", key, quoted(session, 100)),
                            fmt::format("Write {} in the sso-session alone", key));
  return &found->second;
}

// IAM Identity Center; empty where the profile does not mention it.
std::optional<SsoProfile> sso_in(const ProfileFiles& files, const std::string& name, const Profile& profile) {
  const auto* mark = std::ranges::find_if(sso_marks, [&](std::string_view key) { return profile.contains(key); });
  if (mark == sso_marks.end()) return std::nullopt;
  const Profile* named = sso_session_of(files, name, profile);
  const Profile& session = named ? *named : profile;
  auto needed = [&](const Profile& section, std::string_view key) {
    std::string value = value_in(section, key);
    if (value.empty())
      throw profile_refused(name, profile, *mark, fmt::format("{} is missing", key),
                            "Write it, or let aws configure sso write the profile");
    return value;
  };
  return SsoProfile{.role = {needed(profile, "sso_account_id"), needed(profile, "sso_role_name")},
                    .session = value_in(profile, "sso_session"),
                    .start_url = needed(session, "sso_start_url"),
                    .region = needed(session, "sso_region"),
                    .profile = name};
}

// What a profile without role_arn says itself.
std::optional<ProfileChain> own_source(const ProfileFiles& files, const std::string& name, const Profile& profile) {
  if (!value_in(profile, "web_identity_token_file").empty())
    throw profile_refused(name, profile, "web_identity_token_file",
                          "role_arn is missing beside web_identity_token_file", "Write role_arn");
  if (auto sso = sso_in(files, name, profile)) return ProfileChain{*sso, {}};
  if (auto keys = keys_in(name, profile)) return ProfileChain{*keys, {}};
  if (std::string command = value_in(profile, "credential_process"); !command.empty())
    return ProfileChain{ProfileProcess{command, name}, {}};
  if (profile.contains("login_session"))
    throw profile_refused(
        name, profile, "login_session", "the session of aws login is the AWS CLI's own",
        fmt::format("Use a profile with credential_process = aws configure export-credentials --profile {} --format "
                    "process",
                    quoted(name, 100)));
  return std::nullopt;
}

void check_role_sources(const std::string& name, const Profile& profile) {
  if (profile.contains("mfa_serial"))
    throw profile_refused(name, profile, "mfa_serial", "nobody is there to type the code of mfa_serial",
                          "Use a role that needs none");
  bool from_profile = profile.contains("source_profile"), from_source = profile.contains("credential_source");
  if (from_profile && from_source)
    throw profile_refused(name, profile, "credential_source",
                          "source_profile and credential_source exclude one another", "Write one of them");
  if (!from_profile && !from_source)
    throw profile_refused(name, profile, "role_arn", "role_arn needs a source of credentials",
                          "Write source_profile or credential_source");
}

class ChainWalk {
 public:
  explicit ChainWalk(const ProfileFiles& files) : files_(files) {}

  std::optional<ProfileChain> from(const std::string& name, bool as_source) {
    const Profile& profile = files_.profiles.find(name)->second;
    if (!visited_.insert(name).second)
      throw profile_refused(name, profile, "source_profile", "source_profile leads round in a circle",
                            "Break the circle");
    if (visited_.size() > longest_chain)
      throw profile_refused(name, profile, "source_profile", "source_profile leads through too many profiles",
                            "Shorten the chain");
    // Static keys of a profile that others use as their source come before its own role.
    if (as_source)
      if (auto keys = keys_in(name, profile)) return ProfileChain{*keys, {}};
    if (value_in(profile, "role_arn").empty()) return own_source(files_, name, profile);
    if (std::string file = value_in(profile, "web_identity_token_file"); !file.empty())
      return ProfileChain{ProfileWebIdentity{role_in(name, profile), file}, {}};
    check_role_sources(name, profile);
    ProfileChain chain = role_source(name, profile);
    chain.roles.push_back(role_in(name, profile));
    return chain;
  }

 private:
  ProfileChain role_source(const std::string& name, const Profile& profile) {
    if (auto found = profile.find("credential_source"); found != profile.end() && !found->second.text.empty()) {
      const auto& [text, nested, place] = found->second;
      return ProfileChain{ProfileSource{named_source(name, profile, text), name, place}, {}};
    }
    std::string next = value_in(profile, "source_profile");
    if (next == name) {
      auto keys = keys_in(name, profile);
      if (!keys)
        throw profile_refused(name, profile, "source_profile", "it is its own source, without keys", "Write the keys");
      return ProfileChain{*keys, {}};
    }
    if (!files_.profiles.contains(next))
      throw profile_refused(name, profile, "source_profile", "there is no profile " + quoted(next, 100),
                            "Add it, or correct the name");
    auto chain = from(next, true);
    if (!chain)
      throw profile_refused(name, profile, "source_profile",
                            fmt::format("profile {} has no credentials", quoted(next, 100)),
                            "Write keys, a role or a credential_process in it");
    return std::move(*chain);
  }

  const ProfileFiles& files_;
  std::set<std::string> visited_;
};

}  // namespace

std::optional<ProfileChain> profile_chain(const ProfileFiles& files, const std::string& profile) {
  if (!files.profiles.contains(profile)) return std::nullopt;
  return ChainWalk{files}.from(profile, false);
}

}  // namespace certferry::aws
