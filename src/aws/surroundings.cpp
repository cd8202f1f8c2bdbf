#include "aws/surroundings.h"

#include <array>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/log.h"

namespace certferry::aws {
namespace {

struct ServiceName {
  std::string_view ours;         // Call::service
  std::string_view environment;  // AWS_ENDPOINT_URL_...
  std::string_view file;         // in [services ...]
};
// The SDKs' names; the plain one is accepted in the environment too, where it would else mean the real service.
constexpr std::array<ServiceName, 7> service_names = {
    {{"route53", "ROUTE_53", "route_53"},
     {"iam", "IAM", "iam"},
     {"elb", "ELASTIC_LOAD_BALANCING", "elastic_load_balancing"},
     {"elbv2", "ELASTIC_LOAD_BALANCING_V2", "elastic_load_balancing_v2"},
     {"s3", "S3", "s3"},
     {"kms", "KMS", "kms"},
     {"sts", "STS", "sts"}}};

std::string env(const Host& host, const std::string& name) { return host.environment(name).value_or(""); }

bool said_true(const std::string& text) { return text == "true" || text == "True" || text == "TRUE" || text == "1"; }

std::string upper_word(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string profile_text(const Profile& profile, std::string_view key) {
  auto found = profile.find(key);
  return found == profile.end() ? "" : found->second.text;
}

std::string shared_file(const Host& host, const std::string& variable, const std::string& usual) {
  std::string given = env(host, variable);
  if (given.empty()) return host.home() + "/.aws/" + usual;
  if (given.starts_with("~/")) return host.home() + given.substr(1);
  return given;
}

EndpointOverrides overrides_in_environment(const Host& host) {
  EndpointOverrides out{env(host, "AWS_ENDPOINT_URL"), {}};
  for (const ServiceName& name : service_names)
    for (const std::string& word : {std::string{name.environment}, upper_word(name.ours)})
      if (std::string url = env(host, "AWS_ENDPOINT_URL_" + word); !url.empty()) {
        out.by_service.try_emplace(std::string{name.ours}, url);
      }
  return out;
}

// Environment before files, one service before all of them.
EndpointOverrides overrides_in(const Host& host, const ProfileFiles& files, const Profile& profile) {
  if (said_true(env(host, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))) return {};
  EndpointOverrides out = overrides_in_environment(host);
  if (!out.all.empty() || said_true(profile_text(profile, "ignore_configured_endpoint_urls"))) return out;
  out.all = profile_text(profile, "endpoint_url");
  auto section = files.services.find(profile_text(profile, "services"));
  if (section == files.services.end()) return out;
  for (const ServiceName& name : service_names) {
    auto service = section->second.find(name.file);
    if (service == section->second.end()) continue;
    if (auto url = service->second.nested.find("endpoint_url"); url != service->second.nested.end())
      out.by_service.try_emplace(std::string{name.ours}, url->second);
  }
  return out;
}

// FIPS is a duty somebody has: other endpoints in silence would break it. Dual-stack is a preference.
void check_endpoint_variants(Outside& outside, const Profile& profile) {
  if (said_true(env(outside.host, "AWS_USE_FIPS_ENDPOINT")) || said_true(profile_text(profile, "use_fips_endpoint")))
    throw Failure(Failure::Kind::refused, "AWS_USE_FIPS_ENDPOINT is set: FIPS endpoints are not known here",
                  "Unset it, and give the FIPS endpoints in AWS_ENDPOINT_URL_<SERVICE>");
  if (said_true(env(outside.host, "AWS_USE_DUALSTACK_ENDPOINT")) ||
      said_true(profile_text(profile, "use_dualstack_endpoint")))
    outside.log.warn(
        "AWS_USE_DUALSTACK_ENDPOINT is set, but dual-stack endpoints are not known here: the usual ones are used");
}

std::string first_of(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts)
    if (!text.empty()) return text;
  return "";
}

}  // namespace

const Profile& Surroundings::chosen_profile() const {
  static const Profile none;
  auto found = files.profiles.find(profile);
  return found == files.profiles.end() ? none : found->second;
}

Task<Surroundings> read_surroundings(Outside& outside, const std::string& configured_region,
                                     const std::string& configured_profile) {
  const Host& host = outside.host;
  Surroundings out;
  out.config_file = shared_file(host, "AWS_CONFIG_FILE", "config");
  out.credentials_file = shared_file(host, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  Bytes config = (co_await outside.host.read(out.config_file)).value_or("");
  Bytes credentials = (co_await outside.host.read(out.credentials_file)).value_or("");
  out.files = parse_profiles({out.config_file, config}, {out.credentials_file, credentials});
  out.profile_in_settings = !configured_profile.empty();
  out.profile = first_of({configured_profile, env(host, "AWS_PROFILE"), "default"});
  if (out.profile != "default" && !out.files.profiles.contains(out.profile))
    throw Failure(Failure::Kind::refused,
                  fmt::format("AWS profile {} is neither in {} nor in {}", quoted(out.profile, 100), out.config_file,
                              out.credentials_file),
                  out.profile_in_settings ? "Add it, or correct profile in [aws]" : "Add it, or correct AWS_PROFILE");
  const Profile& profile = out.chosen_profile();
  check_endpoint_variants(outside, profile);
  out.overrides = overrides_in(host, out.files, profile);
  out.region = first_of(
      {configured_region, env(host, "AWS_REGION"), env(host, "AWS_DEFAULT_REGION"), profile_text(profile, "region")});
  co_return out;
}

}  // namespace certferry::aws
