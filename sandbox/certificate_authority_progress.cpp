#include <algorithm>
#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/failure.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/strikes.h"
#include "sandbox/world.h"
#include "wire/base64.h"

// What the CA does by itself as time passes: validations, issuance, expiry.
namespace certferry::sandbox {
namespace {

constexpr Duration valid_authorization_life = days(30);
constexpr Duration backdated = hours(1);
constexpr int longest_cname_chain = 8;

}  // namespace

std::string CertificateAuthority::txt_value(const CaAuthorization& proof, const CaChallenge& challenge) const {
  const std::string key_authorization = challenge.token + "." + accounts.at(proof.account).key.thumbprint();
  Bytes digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(key_authorization.data()), key_authorization.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return base64url(digest);
}

void CertificateAuthority::advance(WallTime now) {
  while (!agenda_.empty() && agenda_.begin()->first <= now) {
    const auto [when, url] = *agenda_.begin();
    agenda_.erase(agenda_.begin());
    if (const auto found = authorizations.find(url); found != authorizations.end()) {
      CaAuthorization& proof = found->second;
      if (proof.due && *proof.due <= when) end_validation(proof, when);
      if (proof.expires <= when && (proof.status == "pending" || proof.status == "valid")) {
        proof.status = proof.status == "valid" ? "expired" : "invalid";
        proof.due.reset();
        settle_orders_of(proof);
      }
    }
    if (const auto found = orders.find(url); found != orders.end()) {
      CaOrder& order = found->second;
      if (order.due && *order.due <= when) issue(order, when);
      if (order.expires <= when && (order.status == "pending" || order.status == "ready")) {
        order.status = "invalid";
        order.error = CaProblem{403, "malformed", "The order has expired"};
      }
    }
  }
}

// Asks the world's name servers as they answer at that moment: only what is INSYNC counts.
std::optional<CaProblem> CertificateAuthority::dns_objection(const CaAuthorization& proof, const CaChallenge& challenge,
                                                             WallTime when) const {
  const std::string asked = "_acme-challenge." + proof.identifier.text();
  const std::string wanted = txt_value(proof, challenge);
  std::string name = asked;
  std::vector<std::string> seen;
  for (int step = 0; step <= longest_cname_chain; ++step) {
    dns::Message query;
    query.questions.push_back({name, dns::Type::txt});
    const dns::Message reply = world_.zones().answer(query, when);
    if (reply.rcode == dns::Rcode::name_error && reply.answers.empty())
      return CaProblem{400, "dns", fmt::format("DNS problem: NXDOMAIN looking up TXT for {}", asked)};
    if (reply.rcode == dns::Rcode::refused)
      return CaProblem{400, "dns", fmt::format("DNS problem: REFUSED looking up TXT for {}", asked)};
    std::string next;
    for (const dns::Record& record : reply.answers) {
      if (record.type == dns::Type::txt) seen.push_back(record.data);
      if (record.type == dns::Type::cname) next = record.data;
    }
    if (!seen.empty() || next.empty()) break;
    name = next;
  }
  if (std::ranges::find(seen, wanted) != seen.end()) return {};
  if (seen.empty()) return CaProblem{403, "unauthorized", fmt::format("No TXT record found at {}", asked)};
  return CaProblem{403, "unauthorized",
                   fmt::format("Incorrect TXT record \"{}\" found at {}", quoted(seen.front(), 100), asked)};
}

void CertificateAuthority::end_validation(CaAuthorization& proof, WallTime when) {
  proof.due.reset();
  const auto found = std::ranges::find(proof.challenges, "processing", &CaChallenge::status);
  if (found == proof.challenges.end() || proof.status != "pending") return;
  std::optional<CaProblem> objection;
  if (fail_validation) objection = fail_validation(proof);
  if (!objection && strikes(world_, &Faults::validation_failed))
    objection = CaProblem{400, "dns", "During secondary validation: DNS problem: query timed out"};
  if (!objection && found->type == "dns-01") objection = dns_objection(proof, *found, when);
  if (!objection) objection = caa_objection(proof, when);
  if (!objection && found->type != "dns-01")
    objection = CaProblem{400, "connection", fmt::format("{}: nothing answers there", proof.identifier.text())};
  found->validated_at = when;
  if (objection) {
    const FailedChallenge manner = world_.settings().failed_challenge;
    found->error = std::move(objection);
    found->status = manner == FailedChallenge::stays_pending ? "pending" : "invalid";
    if (manner == FailedChallenge::ends_authorization) proof.status = "invalid";
  } else {
    found->status = proof.status = "valid";
    proof.expires = when + valid_authorization_life;
    at(proof.expires, proof.url);
  }
  settle_orders_of(proof);
}

void CertificateAuthority::settle_orders_of(const CaAuthorization& proof) {
  for (auto& [url, order] : orders)
    if (order.account == proof.account && (order.status == "pending" || order.status == "ready") &&
        std::ranges::find(order.authorizations, proof.url) != order.authorizations.end())
      settle(order);
}

void CertificateAuthority::settle(CaOrder& order) {
  bool all_valid = true;
  for (const std::string& url : order.authorizations) {
    const CaAuthorization& proof = authorizations.at(url);
    all_valid = all_valid && proof.status == "valid";
    if (proof.status == "valid" || proof.status == "pending") continue;
    order.status = "invalid";
    order.error = CaProblem{403,
                            "unauthorized",
                            fmt::format("The authorization for {} is {}", proof.identifier.text(), proof.status),
                            {proof.identifier.text()}};
    for (const CaChallenge& one : proof.challenges)
      if (one.error) {
        order.error->status = one.error->status;
        order.error->type = one.error->type;
        order.error->detail = one.error->detail;
      }
    return;
  }
  if (all_valid) order.status = "ready";
}

void CertificateAuthority::issue(CaOrder& order, WallTime when) {
  order.due.reset();
  if (order.status != "processing") return;
  if (fail_issuance)
    if (auto problem = fail_issuance(order)) {
      order.status = "invalid";
      order.error = std::move(problem);
      return;
    }
  if (strikes(world_, &Faults::issuance_failed)) {
    order.status = "invalid";
    order.error = CaProblem{500, "serverInternal", "Error finalizing order"};
    return;
  }
  const RequestedCertificate& wanted = order.requested.value();
  const auto profile = world_.settings().profiles.find(order.profile);
  const Duration lifetime =
      profile == world_.settings().profiles.end() ? world_.settings().certificate_lifetime : profile->second;
  const WallTime from = when - backdated;
  Chain chain = authority_.issue(wanted.key, order.names, from, from + lifetime, random_serial(world_.entropy()));
  std::string ari_id = ari_certificate_id(chain.leaf);
  if (strikes(world_, &Faults::certificate_wrong)) chain = unfit_chain(world_, wanted.key, std::move(chain));
  if (spoil_certificate) chain = spoil_certificate(std::move(chain), wanted);
  order.certificate = new_url("cert");
  certificates.emplace(order.certificate, CaCertificate{.url = order.certificate,
                                                        .account = order.account,
                                                        .order = order.url,
                                                        .ari_id = std::move(ari_id),
                                                        .chain = std::move(chain)});
  order.status = "valid";
}

Chain CertificateAuthority::issued_for(const PublicKey& key, const std::vector<DomainName>& names) const {
  const WallTime from = world_.now() - backdated;
  return authority_.issue(key, names, from, from + world_.settings().certificate_lifetime,
                          random_serial(world_.entropy()));
}

}  // namespace certferry::sandbox
