#include "sandbox/certificate_authority.h"

#include <fmt/format.h>
#include <span>

#include "sandbox/certificate_authority_session.h"
#include "sandbox/strikes.h"

// The CA's door: routing, nonces, signatures, errors. What it does is in the files named after it.
namespace certferry::sandbox {
namespace {

constexpr std::size_t most_nonces = 4096;
constexpr std::string_view error_urn = "urn:ietf:params:acme:error:";

struct CaRoute {
  std::string_view kind, operation;
};
constexpr CaRoute ca_routes[] = {{"directory", "directory"},      {"nonce-plz", "newNonce"},
                                 {"sign-me-up", "newAccount"},    {"my-account", "account"},
                                 {"my-orders", "orders"},         {"order-plz", "newOrder"},
                                 {"my-order", "order"},           {"authz", "authorization"},
                                 {"chall", "challenge"},          {"finalize-order", "finalize"},
                                 {"cert", "certificate"},         {"revoke-cert", "revokeCert"},
                                 {"renewal-info", "renewalInfo"}, {"rollover-account-key", "keyChange"}};

CaProblem problem_of(const Failure& failure) {
  const std::string& type = failure.code();
  return {type == "unauthorized" ? 403 : 400, type.empty() ? "malformed" : type, failure.what()};
}

}  // namespace

Json CaProblem::to_json() const {
  Json body = Json::object({{"type", std::string{error_urn} + type}, {"detail", detail}, {"status", status}});
  if (type == "badSignatureAlgorithm") body["algorithms"] = Json::array({"ES256", "ES384", "RS256"});
  for (const std::string& identifier : identifiers)
    body["subproblems"].push_back(
        Json::object({{"type", std::string{error_urn} + type},
                      {"detail", detail},
                      {"identifier", Json::object({{"type", "dns"}, {"value", identifier}})}}));
  return body;
}

http::Response CaProblem::response() const {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/problem+json");
  response.body = to_json().dump();
  return response;
}

CaProblem busy() { return {503, "rateLimited", "Service busy; retry later.", {}}; }

CaChallenge& CaAuthorization::challenge(std::string_view type) {
  for (CaChallenge& one : challenges)
    if (one.type == type) return one;
  throw CaProblem{404, "malformed", "There is no such challenge"};
}

CertificateAuthority::CertificateAuthority(World& world, const Authority& authority)
    : world_(world), authority_(authority) {}
CertificateAuthority::~CertificateAuthority() = default;

std::string CertificateAuthority::directory_url() const { return world_.settings().ca_url + "/directory"; }

std::string CertificateAuthority::url_of(std::string_view kind, std::string_view id) const {
  return fmt::format("{}/{}{}{}", world_.settings().ca_url, kind, id.empty() ? "" : "/", id);
}

std::string CertificateAuthority::new_url(std::string_view kind) {
  return url_of(kind, fmt::format("{:06}-{}", ++counter_, world_.random_id("", 8)));
}

std::string CertificateAuthority::fresh_nonce() {
  if (nonces_.size() >= most_nonces) nonces_.erase(nonces_.begin());
  return *nonces_.insert(fmt::format("{:012}{}", ++counter_, world_.random_id("", 16))).first;
}

bool CertificateAuthority::asked_too_fast(WallTime now) {
  const int limit = world_.settings().ca_requests_per_second;
  if (limit == 0) return false;
  const Duration each = seconds(1) / limit;
  limit_used_until_ = std::max(limit_used_until_, now);
  if (limit_used_until_ + each - now > seconds(1)) return true;
  limit_used_until_ += each;
  return false;
}

http::Response CertificateAuthority::handle(const http::Request& request, WallTime now) {
  advance(now);
  Session session{*this, request, now};
  http::Response response;
  if (asked_too_fast(now)) {  // by what stands before the CA, and knows no nonces
    response = busy().response();
    response.headers.set("Retry-After", "3");
    if (request.method == "HEAD") response.body.clear();
    world_.record({now, "acme", session.operation, request.url.text(), response.status, false});
    return response;
  }
  try {
    if (interpose)
      if (auto spoiled = interpose(request, session.operation)) {
        world_.record({now, "acme", session.operation, request.url.text(), spoiled->status, false});
        return *spoiled;
      }
    if (const auto struck = struck_at_ca(world_, session.operation))
      response = *struck;
    else
      response = session.respond();
  } catch (const CaProblem& problem) {
    response = problem.response();
  } catch (const Failure& failure) {
    response = problem_of(failure).response();
  }
  response.headers.set("Replay-Nonce", fresh_nonce());
  response.headers.set("Date", http_date(now));
  response.headers.set("Cache-Control", "public, max-age=0, no-cache");
  if (session.operation != "directory")
    response.headers.add("Link", fmt::format("<{}>;rel=\"index\"", directory_url()));
  if (request.method == "HEAD") response.body.clear();
  world_.record({now, "acme", session.operation, session.object.empty() ? request.url.text() : session.object,
                 response.status, session.changed});
  return response;
}

CertificateAuthority::Session::Session(CertificateAuthority& authority, const http::Request& asked, WallTime time)
    : ca(authority), request(asked), now(time) {
  const std::string path = request.url.path().substr(1);
  const auto slash = std::min(path.find('/'), path.size());
  kind = path.substr(0, slash);
  id = slash < path.size() ? path.substr(slash + 1) : "";
  for (const CaRoute& route : ca_routes)
    if (route.kind == kind) operation = route.operation;
}

http::Response CertificateAuthority::Session::respond() {
  if (request.headers.get("User-Agent").value_or("").empty())
    throw CaProblem{400, "malformed", "A request needs a User-Agent"};
  if (operation == "?") throw CaProblem{404, "malformed", "There is no such resource"};
  const bool read = request.method == "GET" || request.method == "HEAD";
  const bool open = operation == "directory" || operation == "newNonce" || operation == "renewalInfo";
  if (open ? !read : request.method != "POST")
    throw CaProblem{405, "malformed", fmt::format("{} is not allowed here", quoted(request.method, 20))};
  if (operation == "directory") return directory();
  if (operation == "newNonce") return new_nonce();
  if (operation == "renewalInfo") return renewal_info();
  verify(operation == "newAccount" ? Signer::new_key : operation == "revokeCert" ? Signer::either : Signer::account);
  if (operation == "newAccount") return new_account();
  if (operation == "account") return account_update();
  if (operation == "orders") return orders_list();
  if (operation == "newOrder") return new_order();
  if (operation == "order") return show_order();
  if (operation == "authorization") return authorization();
  if (operation == "challenge") return challenge();
  if (operation == "finalize") return finalize();
  if (operation == "certificate") return certificate();
  if (operation == "revokeCert") return revoke();
  throw CaProblem{501, "serverInternal", "This CA does not offer key changes"};
}

// RFC 8555 sections 6.2 to 6.5, in the order that loses the least: a nonce is spent only by a request that is signed.
void CertificateAuthority::Session::verify(Signer signer) {
  if (request.headers.get("Content-Type") != "application/jose+json")
    throw CaProblem{415, "malformed", "The content type must be application/jose+json"};
  jws = check_jws(request.body, [this](const std::string& kid) -> std::optional<PublicKey> {
    const auto found = ca.accounts.find(kid);
    if (found == ca.accounts.end()) return {};
    return found->second.key;
  });
  const bool known = ca.nonces_.erase(jws.nonce) == 1;
  if (!known || happens(ca.world_, ca.world_.settings().nonce_rejection_percent) ||
      strikes(ca.world_, &Faults::nonce_refused))
    throw CaProblem{400, "badNonce", "The nonce is unknown, used or too old"};
  if (jws.url != request.url.text())
    throw CaProblem{400, "malformed", "The protected header's url is not the request's"};
  if (signer == Signer::account && jws.jwk) throw CaProblem{400, "malformed", "This resource wants kid, not jwk"};
  if (signer == Signer::new_key && !jws.jwk) throw CaProblem{400, "malformed", "This resource wants jwk, not kid"};
  if (jws.jwk) return;
  account = &ca.accounts.at(jws.kid);
  if (account->status != "valid")
    throw CaProblem{403, "unauthorized", fmt::format("The account is {}", account->status)};
}

Json CertificateAuthority::Session::payload() const {
  Json body;
  try {
    body = Json::parse(jws.payload, "the payload");
  } catch (const Failure& failure) {
    throw CaProblem{400, "malformed", failure.what()};
  }
  if (!body.is_object()) throw CaProblem{400, "malformed", "The payload is no object"};
  if (body.find("resource") != nullptr) throw CaProblem{400, "malformed", "\"resource\" was in ACME v1"};
  return body;
}

void CertificateAuthority::Session::require_no_payload() const {
  if (!jws.payload.empty()) throw CaProblem{400, "malformed", "POST-as-GET has an empty payload"};
}

std::size_t CertificateAuthority::Session::random_below(std::size_t bound) const {
  std::uint32_t number = 0;
  ca.world_.entropy().fill(std::as_writable_bytes(std::span{&number, 1}));
  return number % bound;
}

http::Response CertificateAuthority::Session::json(int status, const Json& body) const {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = body.dump();
  return response;
}

void CertificateAuthority::Session::add_retry_after(http::Response& response) const {
  if (const int wait = ca.world_.settings().retry_after_seconds; wait > 0)
    response.headers.set("Retry-After", std::to_string(wait));
}

http::Response CertificateAuthority::Session::directory() const {
  const std::string& renewal_info_url = ca.world_.settings().renewal_info_url;
  Json profiles = Json::object({{"classic", "https://ca.sandbox.test/profiles#classic"}});
  for (const auto& [name, lifetime] : ca.world_.settings().profiles)
    profiles[name] = "https://ca.sandbox.test/profiles#" + name;
  Json body = Json::object(
      {{"newNonce", ca.url_of("nonce-plz", "")},
       {"newAccount", ca.url_of("sign-me-up", "")},
       {"newOrder", ca.url_of("order-plz", "")},
       {"revokeCert", ca.url_of("revoke-cert", "")},
       {"keyChange", ca.url_of("rollover-account-key", "")},
       {"renewalInfo", renewal_info_url.empty() ? ca.url_of("renewal-info", "") : renewal_info_url + "/renewal-info"}});
  body["meta"] = Json::object({{"termsOfService", ca.url_of("terms", "2026-11")},
                               {"website", ca.url_of("about", "")},
                               {"caaIdentities", Json::array({"ca.sandbox.test"})},
                               {"externalAccountRequired", false},
                               {"profiles", profiles}});
  // Clients must not stumble over what they do not know: Let's Encrypt puts such a member there too.
  body[ca.world_.random_id("", 11)] = "https://ca.sandbox.test/why-is-there-a-random-member-here";
  return json(200, body);
}

http::Response CertificateAuthority::Session::new_nonce() const {
  http::Response response;
  response.status = request.method == "HEAD" ? 200 : 204;
  return response;
}

}  // namespace certferry::sandbox
