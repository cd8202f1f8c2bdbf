#include <algorithm>
#include <fmt/format.h>

#include "sandbox/certificate_authority_session.h"
#include "sandbox/strikes.h"
#include "wire/base64.h"

// Certificates once issued: download, revocation (RFC 8555 sections 7.4.2 and 7.6), renewal info (RFC 9773).
namespace certferry::sandbox {
namespace {

// Of the reasons that RFC 5280 section 5.3.1 knows, those that a subscriber may give: unspecified, keyCompromise,
// superseded, cessationOfOperation.
bool reason_allowed(std::int64_t reason) { return reason == 0 || reason == 1 || reason == 4 || reason == 5; }

}  // namespace

http::Response CertificateAuthority::Session::certificate() {
  require_no_payload();
  CaCertificate& found = mine(ca.certificates, request.url.text());
  http::Response response;
  response.status = 200;
  response.headers.set("Content-Type", "application/pem-certificate-chain");
  const bool spoiled = strikes(ca.world_, &Faults::chain_wrong);
  response.body = spoiled ? spoiled_download(ca.world_, found) : found.chain.pem();
  return response;
}

http::Response CertificateAuthority::Session::revoke() {
  const Json body = payload();
  const auto der = parse_base64url(body.text("certificate").value_or(""));
  if (!der) throw CaProblem{400, "malformed", "\"certificate\" is no base64url"};
  const auto found =
      std::ranges::find_if(ca.certificates, [&](const auto& entry) { return entry.second.chain.leaf.der() == *der; });
  if (found == ca.certificates.end()) throw CaProblem{404, "malformed", "The certificate is not of this CA"};
  CaCertificate& revoked = found->second;
  const auto proves = [&](const DomainName& name) {
    return std::ranges::any_of(ca.authorizations, [&](const auto& entry) {
      const CaAuthorization& one = entry.second;
      return one.account == account->url && one.status == "valid" && one.identifier == name.without_wildcard() &&
             one.wildcard == name.wildcard();
    });
  };
  const bool allowed = jws.jwk
                           ? *jws.jwk == revoked.chain.leaf.public_key()
                           : revoked.account == account->url || std::ranges::all_of(revoked.chain.leaf.names(), proves);
  if (!allowed) throw CaProblem{403, "unauthorized", "This key may not revoke that certificate"};
  if (!reason_allowed(body.integer("reason").value_or(0)))
    throw CaProblem{400, "badRevocationReason", "The reason is none of 0, 1, 4, 5"};
  if (revoked.revoked) throw CaProblem{400, "alreadyRevoked", "The certificate is revoked already"};
  revoked.revoked = changed = true;
  object = revoked.url;
  http::Response response;
  response.status = 200;
  return response;
}

std::pair<WallTime, WallTime> CertificateAuthority::renewal_window(const CaCertificate& certificate,
                                                                   WallTime now) const {
  if (certificate.window) return *certificate.window;
  if (certificate.revoked) return {now - hours(1), now - minutes(30)};
  const Certificate& leaf = certificate.chain.leaf;
  const WallTime ideal = leaf.not_after() - leaf.lifetime() / 3;
  return {ideal - leaf.lifetime() / 100, ideal + leaf.lifetime() / 100};
}

http::Response CertificateAuthority::Session::renewal_info() {
  const auto found =
      std::ranges::find_if(ca.certificates, [&](const auto& entry) { return entry.second.ari_id == id; });
  if (found == ca.certificates.end()) throw CaProblem{404, "malformed", "The certificate is not of this CA"};
  object = found->first;
  const auto [start, end] = ca.renewal_window(found->second, now);
  Json body = Json::object({{"suggestedWindow", Json::object({{"start", iso8601(start)}, {"end", iso8601(end)}})}});
  if (!found->second.explanation.empty()) body["explanationURL"] = found->second.explanation;
  http::Response response = json(200, body);
  const auto wait = ca.world_.settings().renewal_info_retry_after;
  response.headers.set("Retry-After", std::to_string(std::chrono::floor<std::chrono::seconds>(wait).count()));
  return response;
}

}  // namespace certferry::sandbox
