#include "aws/surroundings.h"

#include <array>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry::aws {
namespace {

struct ServiceName {
  std::string_view ours;         // Call::service
  std::string_view environment;  // AWS_ENDPOINT_URL_...
  std::string_view file;         // in [services ...]
};
// The SDKs' names; the plain one is accepted in the environment too, where it would else mean the real service.
constexpr std::array<ServiceName, 9> service_names = {
    {{"route53", "ROUTE_53", "route_53"},
     {"iam", "IAM", "iam"},
     {"elb", "ELASTIC_LOAD_BALANCING", "elastic_load_balancing"},
     {"elbv2", "ELASTIC_LOAD_BALANCING_V2", "elastic_load_balancing_v2"},
     {"s3", "S3", "s3"},
     {"kms", "KMS", "kms"},
     {"sts", "STS", "sts"},
     {"sso", "SSO", "sso"},
     {"sso-oidc", "SSO_OIDC", "sso_oidc"}}};

std::string env(const Host& host, const std::string& name) { return host.environment(name).value_or(""); }

std::string upper_word(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

// What `name` says in the environment; "" where nothing. Failure (refused): it is no URL of an endpoint.
std::string endpoint_variable(const Host& host, const std::string& name) {
  const std::string url = env(host, name);
  return url.empty() ? "" : service_endpoint_given(url, name).text();
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

// Where a switch is on that the environment or else the profile sets; "" where it is off. One that reads as neither is
// refused: taken for off, it would break a duty such as FIPS in silence.
std::string switched_on(const Host& host, const std::string& variable, const Profile& profile, std::string_view key) {
  std::string text = env(host, variable);
  std::string place = variable;
  if (auto found = profile.find(key); text.empty() && found != profile.end()) {
    text = found->second.text;
    place = fmt::format("{}: {}", found->second.place, key);
  }
  std::string word = upper_word(text);
  if (word == "TRUE" || word == "1") return place;
  if (word.empty() || word == "FALSE" || word == "0") return "";
  throw Failure(Failure::Kind::refused, fmt::format("{}: \"{}\" is neither true nor false", place, quoted(text, 60)),
                "Write true or false");
}

// Where none was given before.
void note_endpoint(std::string_view service, const std::string& url, const std::string& place, EndpointSettings& out) {
  if (out.by_service.try_emplace(std::string{service}, url).second) out.places.emplace(service, place);
}

void add_from_environment(const Host& host, EndpointSettings& out) {
  const std::string of_all = "AWS_ENDPOINT_URL";
  out.all = endpoint_variable(host, of_all);
  if (!out.all.empty()) out.places[""] = of_all;
  for (const ServiceName& name : service_names)
    for (const std::string& word : {std::string{name.environment}, upper_word(name.ours)})
      if (std::string url = endpoint_variable(host, of_all + "_" + word); !url.empty())
        note_endpoint(name.ours, url, of_all + "_" + word, out);
}

void add_from_services(const ProfileFiles& files, const Profile& profile, EndpointSettings& out) {
  auto named = profile.find("services");
  if (named == profile.end()) return;
  auto section = files.services.find(named->second.text);
  if (section == files.services.end())
    throw Failure(
        Failure::Kind::refused,
        fmt::format("{}: there is no section [services {}]", named->second.place, quoted(named->second.text, 100)),
        "Add it to the config file, or correct the name");
  for (const ServiceName& name : service_names) {
    auto service = section->second.find(name.file);
    if (service == section->second.end()) continue;
    const auto url = service->second.nested.find("endpoint_url");
    if (url == service->second.nested.end()) continue;
    const std::string place = fmt::format("{}: endpoint_url of {}", service->second.place, name.file);
    note_endpoint(name.ours, service_endpoint_given(url->second, place).text(), place, out);
  }
}

// Environment before files, one service before all of them (AWS SDKs and Tools Reference Guide, "Service-specific
// endpoints").
EndpointSettings endpoints_in(const Host& host, const ProfileFiles& files, const Profile& profile) {
  EndpointSettings out;
  const std::string fips = switched_on(host, "AWS_USE_FIPS_ENDPOINT", profile, "use_fips_endpoint"),
                    dual_stack = switched_on(host, "AWS_USE_DUALSTACK_ENDPOINT", profile, "use_dualstack_endpoint");
  out.fips = !fips.empty();
  out.dual_stack = !dual_stack.empty();
  if (out.fips) out.places["fips"] = fips;
  if (out.dual_stack) out.places["dual_stack"] = dual_stack;
  if (!switched_on(host, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", profile, "ignore_configured_endpoint_urls").empty())
    return out;
  add_from_environment(host, out);
  if (!out.all.empty()) return out;
  if (auto url = profile.find("endpoint_url"); url != profile.end() && !url->second.text.empty()) {
    out.places[""] = url->second.place + ": endpoint_url";
    out.all = service_endpoint_given(url->second.text, out.places[""]).text();
  }
  add_from_services(files, profile, out);
  return out;
}

// Settings of a profile that other tools honour, and what to do instead.
constexpr auto unread_settings = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"ca_bundle", "set AWS_CA_BUNDLE"},
     {"duration_seconds", "a role is assumed for an hour at a time; leave it away"},
     {"sdk_ua_app_id", "set AWS_SDK_UA_APP_ID"}});

Failure no_such_profile(const Surroundings& around, const std::string& configured_at) {
  std::string what =
      fmt::format("{}{}AWS profile {} is neither in {} nor in {}", configured_at, configured_at.empty() ? "" : ": ",
                  quoted(around.profile, 100), around.config_file, around.credentials_file);
  for (const Ignored& section : around.files.ignored)
    if (section.profile == around.profile) what += "; " + section.said;
  return {Failure::Kind::refused, std::move(what), "Add it, or correct " + around.profile_from};
}

// The variables' order is that of the SDKs that read both, but botocore's, which has it the other way round: where they
// differ, that is said.
void choose_profile(const Host& host, const std::string& configured, Surroundings& out) {
  const std::string named = env(host, "AWS_PROFILE"), by_default = env(host, "AWS_DEFAULT_PROFILE");
  out.profile = "default";
  for (const auto& [from, profile] :
       {std::pair{"profile in [aws]", configured}, {"AWS_PROFILE", named}, {"AWS_DEFAULT_PROFILE", by_default}})
    if (!profile.empty() && out.profile_from.empty()) {
      out.profile = profile;
      out.profile_from = from;
    }
  out.profile_in_settings = !configured.empty();
  if (!named.empty() && !by_default.empty() && named != by_default)
    out.unread_variables.push_back(fmt::format("AWS_DEFAULT_PROFILE ({}) is not read: AWS_PROFILE is {}",
                                               quoted(by_default, 100), quoted(named, 100)));
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

std::vector<std::string> Surroundings::ignored_settings() const {
  std::vector<std::string> out;
  for (const Ignored& part : files.ignored) out.push_back(part.said);
  for (const auto& [key, instead] : unread_settings)
    if (auto found = chosen_profile().find(key); found != chosen_profile().end())
      out.push_back(fmt::format("{}: {} is not read: {}", found->second.place, key, instead));
  return out;
}

Task<Surroundings> read_surroundings(Outside& outside, const AccessSettings& settings) {
  const Host& host = outside.host;
  Surroundings out;
  out.config_file = shared_file(host, "AWS_CONFIG_FILE", "config");
  out.credentials_file = shared_file(host, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  Bytes config = (co_await outside.host.read(out.config_file)).value_or("");
  Bytes credentials = (co_await outside.host.read(out.credentials_file)).value_or("");
  out.files = parse_profiles({out.config_file, config}, {out.credentials_file, credentials});
  choose_profile(host, settings.profile, out);
  if (out.profile != "default" && !out.files.profiles.contains(out.profile))
    throw no_such_profile(out, out.profile_in_settings ? settings.profile_place : "");
  const Profile& profile = out.chosen_profile();
  out.endpoints = endpoints_in(host, out.files, profile);
  out.region = first_of(
      {settings.region, env(host, "AWS_REGION"), env(host, "AWS_DEFAULT_REGION"), profile_text(profile, "region")});
  co_return out;
}

}  // namespace certferry::aws
