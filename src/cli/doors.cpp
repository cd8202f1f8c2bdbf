#include "cli/doors.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "cli/trust.h"
#include "real/curl_transport.h"
#include "real/posix_host.h"
#include "real/system_clock.h"
#include "real/system_entropy.h"
#include "real/system_resolver.h"
#include "real/thread_pool.h"

namespace certferry {
namespace {

// What the first of these variables says that says something.
ProxySetting said_by_first_of(const Host& host, std::initializer_list<const char*> variables) {
  for (const char* variable : variables)
    if (const auto value = host.environment(variable); value && !value->empty()) return {*value, variable};
  return {};
}

// The name that AWS's support is to find our requests by (AWS SDKs and Tools Reference Guide, "Application ID"): at
// most 50 characters, those that a field's token has none for replaced.
std::string application_id(const Host& host) {
  constexpr std::size_t longest = 50;
  std::string out = host.environment("AWS_SDK_UA_APP_ID").value_or("").substr(0, longest);
  std::ranges::replace_if(
      out,
      [](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return !letter && std::string_view{"!$%&'*+-.^_`|~"}.find(c) == std::string_view::npos;
      },
      '-');
  return out;
}

TransportOptions transport_options(const Config& config, const std::string& trusted, const Host& host) {
  TransportOptions options;
  options.ca.roots = trusted;
  options.ca.private_addresses = !is_letsencrypt(config.ca);
  // Only an endpoint that the user gave by hand is ever plain HTTP: a local emulator.
  options.aws.http = true;
  options.aws.application = application_id(host);
  options.aws.bundle = options.metadata.bundle = host.environment("AWS_CA_BUNDLE").value_or("");
  options.https_proxy = said_by_first_of(host, {"HTTPS_PROXY", "https_proxy"});
  options.http_proxy = said_by_first_of(host, {"http_proxy"});
  options.no_proxy = said_by_first_of(host, {"NO_PROXY", "no_proxy"}).url;
  return options;
}

SystemResolverOptions resolver_options(const Config& config) {
  SystemResolverOptions options;
  for (const ResolverConfig& resolver : config.resolvers) options.servers.push_back({resolver.address, resolver.port});
  return options;
}

}  // namespace

struct RealDoors::Parts {
  Executor executor;
  Log& log;
  PosixHost host;
  SystemClock clock;
  SystemEntropy entropy;
  std::optional<CurlTransport> transport;
  std::optional<SystemResolver> resolver;
  std::optional<ThreadPool> pool;
  std::optional<Outside> outside;
};

RealDoors::RealDoors(Executor executor, Log& log)
    : parts_(new Parts{std::move(executor), log, {}, {}, {}, {}, {}, {}, {}}) {}
RealDoors::~RealDoors() = default;
Host& RealDoors::host() { return parts_->host; }
Clock& RealDoors::clock() { return parts_->clock; }
Entropy& RealDoors::entropy() { return parts_->entropy; }

Task<Outside*> RealDoors::open(const Config& config) {
  Parts& parts = *parts_;
  if (!parts.outside) {
    std::string trusted;
    if (config.ca.trust) trusted = co_await read_trust(parts.host, *config.ca.trust, config.ca.trust_place);
    parts.transport.emplace(parts.executor, transport_options(config, trusted, parts.host));
    parts.resolver.emplace(parts.entropy, resolver_options(config));
    parts.pool.emplace();
    parts.outside.emplace(
        Outside{*parts.transport, *parts.resolver, parts.clock, parts.entropy, parts.host, *parts.pool, parts.log});
  }
  co_return &*parts.outside;
}

}  // namespace certferry
