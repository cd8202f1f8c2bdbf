#include "sandbox/world.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "base/failure.h"
#include "crypto/certificate_template.h"
#include "sandbox/authorities.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/permissions.h"
#include "sandbox/query_reply.h"
#include "sandbox/request_rates.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "sandbox/signature_check.h"
#include "sandbox/strikes.h"

namespace certferry::sandbox {
namespace {

std::string event_service(const std::string& scope, const http::Request& request) {
  if (scope != "elasticloadbalancing") return scope;
  return QueryCall{request}.text("Version") == "2012-06-01" ? "elb" : "elbv2";
}

int refused_status(const std::string& code) {
  return code == "IncompleteSignature" || code == "InvalidRequest" || code == "XAmzContentSHA256Mismatch" ||
                 code == "AuthorizationHeaderMalformed"
             ? 400
             : 403;
}

// A refusal before any service has looked at the request, in the shape of that service.
http::Response refused_by_aws(const World& world, const std::string& service, const Refusal& refusal) {
  http::Response response;
  response.status = refusal.status;
  if (service == "kms") {
    response.headers.set("Content-Type", "application/x-amz-json-1.1");
    response.body = Json::object({{"__type", refusal.code}, {"message", refusal.message}}).dump();
    return response;
  }
  XmlWriter xml{service == "s3" ? "Error" : "ErrorResponse"};
  if (service != "s3") xml.open("Error").text("Type", "Sender");
  xml.text("Code", refusal.code).text("Message", refusal.message);
  if (service != "s3") xml.close();
  if (refusal.code == "AuthorizationHeaderMalformed") xml.text("Region", world.settings().region);
  xml.text("RequestId", request_id(world));
  response.headers.set("Content-Type", "text/xml");
  response.body = xml.done();
  return response;
}

// The service in the scope of an Authorization that may be wrong otherwise.
std::string claimed_service(const http::Request& request) {
  const std::string field = request.headers.get("Authorization").value_or("");
  const auto end = field.find("/aws4_request");
  if (end == std::string::npos) return "sts";
  const auto begin = field.rfind('/', end - 1);
  return begin == std::string::npos ? "sts" : field.substr(begin + 1, end - begin - 1);
}

void check_region(const CheckedSignature& checked, const Settings& settings) {
  const bool global = checked.service == "route53" || checked.service == "iam";
  const bool elsewhere = (checked.service == "elasticloadbalancing" || checked.service == "kms") &&
                         settings.other_regions.contains(checked.region);
  const bool right = checked.region == (global ? "us-east-1" : settings.region) || elsewhere ||
                     (global && settings.global_by_home_region && checked.region == settings.region) ||
                     (checked.service == "sts" && checked.region == "us-east-1");
  if (right) return;
  if (checked.service == "s3")
    throw Refusal{400, "AuthorizationHeaderMalformed",
                  fmt::format("The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                              checked.region, settings.region)};
  throw Refusal{403, "SignatureDoesNotMatch",
                fmt::format("Credential should be scoped to a valid region, not '{}'. ", checked.region)};
}

void check_session(const SecurityTokens& tokens, const CheckedSignature& checked, const http::Request& request,
                   WallTime now) {
  const auto session = tokens.sessions.find(checked.access_key_id);
  if (session == tokens.sessions.end()) return;
  if (request.headers.get("x-amz-security-token") != session->second.token)
    throw Refusal{403, "InvalidClientTokenId", "The security token included in the request is invalid"};
  if (session->second.expires <= now)
    throw Refusal{checked.service == "s3" ? 400 : 403, "ExpiredToken",
                  "The security token included in the request is expired"};
}

// The default one is shown where none of the list matches: ALB user guide, SSL certificates for your load balancer.
const SimulatedServerCertificate* shown_for(const ServerCertificates& store, const SimulatedListener& listener,
                                            const std::vector<std::string>& more, const std::string& sni,
                                            std::size_t address) {
  if (const auto astray = listener.shown_instead.find(address); astray != listener.shown_instead.end())
    return store.by_arn(astray->second);
  const auto* usual = store.copy_of(listener.shown);
  if (more.empty() || sni.empty()) return usual;
  const auto asked = [&]() -> std::optional<DomainName> {
    try {
      return DomainName::parse(sni);
    } catch (const Failure&) {
      return {};
    }
  }();
  if (!asked) return usual;
  for (const std::string& arn : more)
    if (const auto* other = store.by_arn(arn); other != nullptr && other->content.chain.leaf.covers(*asked))
      return other;
  return usual;
}

}  // namespace

World::World(Settings settings, Entropy& entropy, WallTime start)
    : World(std::move(settings), entropy, start, Authorities::make(start, entropy)) {}

World::World(Settings settings, Entropy& entropy, WallTime start, const Authorities& authorities)
    : settings_(std::move(settings)),
      entropy_(entropy),
      now_(start),
      created_(start - days(365)),
      access_keys_{{"AKIASANDBOX", "sandbox-secret"}},
      authorities_(std::make_unique<const Authorities>(authorities)),
      ca_(std::make_unique<CertificateAuthority>(*this, authorities_->own)),
      zones_(std::make_unique<HostedZones>(*this)),
      server_certificates_(std::make_unique<ServerCertificates>(*this)),
      classic_(std::make_unique<ClassicLoadBalancers>(*this)),
      load_balancers_(std::make_unique<LoadBalancers>(*this)),
      buckets_(std::make_unique<Buckets>(*this)),
      kms_(std::make_unique<KeyManagement>(*this)),
      sts_(std::make_unique<SecurityTokens>(*this)),
      permissions_(std::make_unique<Permissions>(*this)),
      rates_(std::make_unique<RequestRates>(*this)) {}

World::~World() = default;

void World::advance(WallTime now) {
  now_ = std::max(now_, now);
  ca_->advance(now_);  // first: a validation looks at the zones as they were when it was due
  zones_->advance(now_);
  for (auto& [name, balancer] : classic_->by_name)
    for (auto& [port, listener] : balancer.listeners) listener.advance(now_);
  for (auto& [name, balancer] : load_balancers_->by_name)
    for (auto& entry : balancer.listeners) entry.listener.advance(now_);
}

http::Response World::handle(const http::Request& request, WallTime now, bool late) {
  advance(now);
  late_ = late;
  const auto goes_to = [&](const std::string& url) {
    return !url.empty() && request.url.authority() == Url::parse(url).authority();
  };
  const bool to_ca = goes_to(settings_.ca_url) || goes_to(settings_.renewal_info_url);
  http::Response response = to_ca ? ca_->handle(request, now_) : handle_aws(request);
  if (!response.headers.get("Date")) response.headers.set("Date", http_date(now_));
  return response;
}

http::Response World::handle_aws(const http::Request& request) {
  std::string service = claimed_service(request), access_key_id;
  try {
    try {
      // The one call that proves itself by what it carries.
      if (!request.headers.get("Authorization") && QueryCall{request}.action() == "AssumeRoleWithWebIdentity")
        return sts_->handle(request, now_);
      CheckedSignature checked = check_sigv4(request, now_, [this](const std::string& id) { return secret_of(id); });
      check_region(checked, settings_);
      check_session(*sts_, checked, request, now_);
      access_key_id = std::move(checked.access_key_id);
      asked_region_ = std::move(checked.region);
    } catch (const Failure& failure) {
      throw Refusal{refused_status(failure.code()), failure.code(), failure.what()};
    }
    service = event_service(service, request);
    if (const auto struck = struck_at_aws(*this, service, request)) throw *struck;
    if (const auto throttled = rates_->refusal(service, request)) throw *throttled;
    if (const auto refusal = permissions_->refusal(service, request, access_key_id)) throw *refusal;
    if (service == "route53") return zones_->handle(request, now_);
    if (service == "iam") return server_certificates_->handle(request, now_);
    if (service == "elb") return classic_->handle(request, now_);
    if (service == "elbv2") return load_balancers_->handle(request, now_);
    if (service == "s3") return buckets_->handle(request, now_);
    if (service == "kms") return kms_->handle(request, now_);
    if (service == "sts") return sts_->handle(request, now_);
    throw Refusal{404, "UnknownService", fmt::format("The sandbox has no service '{}'", quoted(service, 60))};
  } catch (const Refusal& refusal) {
    http::Response response = refused_by_aws(*this, service, refusal);
    record({now_, service, "refused:" + refusal.code, request.url.path(), refusal.status, false});
    return response;
  }
}

dns::Message World::answer(const dns::Message& query, WallTime now) {
  advance(now);
  return zones_->answer(query, now_);
}

std::optional<Presented> World::presented(const std::string& host, std::uint16_t port, const std::string& sni,
                                          WallTime now, std::size_t address) {
  advance(now);
  const SimulatedServerCertificate* shown = nullptr;
  for (const auto& [name, balancer] : classic_->by_name)
    if (const auto found = balancer.listeners.find(port);
        balancer.dns_name == host && found != balancer.listeners.end())
      shown = shown_for(*server_certificates_, found->second, {}, sni, address);
  for (const auto& [name, balancer] : load_balancers_->by_name)
    if (balancer.dns_name == host)
      for (const auto& entry : balancer.listeners)
        if (entry.listener.port == port)
          shown = shown_for(*server_certificates_, entry.listener, entry.sni, sni, address);
  if (shown == nullptr) return {};
  return shown->content;
}

std::string World::random_id(std::string_view prefix, std::size_t characters) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(characters, '\0');
  entropy_.fill(std::as_writable_bytes(std::span{id}));
  for (char& c : id) c = alphabet[static_cast<unsigned char>(c) % alphabet.size()];
  return std::string{prefix} + id;
}

Roots World::roots() const { return settings_.trusted ? authorities_->both : authorities_->foreign_alone; }

std::string World::roots_pem() const {
  const std::string foreign = authorities_->foreign.root.pem();
  return settings_.trusted ? foreign + authorities_->own.root.pem() : foreign;
}

Presented World::presented_by(const Authority& authority, const std::vector<DomainName>& names, WallTime not_before,
                              WallTime not_after) {
  PrivateKey key = PrivateKey::generate(KeyType::p256);
  Chain chain = authority.issue(key.public_part(), names, not_before, not_after, random_serial(entropy_));
  return {std::move(chain), std::move(key)};
}

Presented World::foreign(const std::vector<DomainName>& names, WallTime not_before, WallTime not_after) {
  return presented_by(authorities_->foreign, names, not_before, not_after);
}

Presented World::placeholder(const std::vector<DomainName>& names, WallTime now) {
  return placeholder(names, now, entropy_);
}

Presented World::placeholder(const std::vector<DomainName>& names, WallTime now, Entropy& for_serial) {
  PrivateKey key = PrivateKey::generate(KeyType::p256);
  CertificateTemplate wanted;
  wanted.common_name = "placeholder";
  wanted.names = names;
  wanted.not_before = std::chrono::floor<std::chrono::seconds>(now);
  wanted.not_after = wanted.not_before + days(3650);
  wanted.serial = random_serial(for_serial);
  Certificate leaf = sign_certificate(wanted, key.public_part(), key, nullptr);
  return {{std::move(leaf), {}}, std::move(key)};
}

void World::add_access_key(const std::string& id, const std::string& secret) { access_keys_[id] = secret; }

std::optional<std::string> World::secret_of(const std::string& access_key_id) const {
  const auto found = access_keys_.find(access_key_id);
  if (found == access_keys_.end()) return {};
  return found->second;
}

void World::record(Event event) {
  event.late = late_;
  const Event heard = event;  // events_ may grow while listeners run
  events_.push_back(std::move(event));
  for (std::size_t i = 0; i < listeners_.size(); ++i) listeners_[i](heard);
}

std::size_t World::count(std::string_view service, std::string_view operation) const {
  return static_cast<std::size_t>(std::ranges::count_if(events_, [&](const Event& event) {
    return event.service == service && (operation.empty() || event.operation == operation);
  }));
}

void World::on_event(std::function<void(const Event&)> listener) { listeners_.push_back(std::move(listener)); }

}  // namespace certferry::sandbox
