#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "sandbox/certificate_authority_session.h"
#include "wire/base64.h"

// Orders, authorizations and challenges as clients see them (RFC 8555 sections 7.4 and 7.5).
namespace certferry::sandbox {
namespace {

constexpr std::size_t most_identifiers = 100;

// A dns identifier as RFC 8555 section 7.1.4 wants it.
DomainName identifier_name(const Json& identifier) {
  const auto type = identifier.text("type"), value = identifier.text("value");
  if (!type || !value) throw CaProblem{400, "malformed", "An identifier has no type or no value"};
  if (*type != "dns")
    throw CaProblem{400, "unsupportedIdentifier",
                    fmt::format("Identifiers of type {} are not supported", quoted(*type, 40))};
  try {
    DomainName name = DomainName::parse(*value);
    if (name.text() == *value && !name.without_wildcard().text().contains('*')) return name;
  } catch (const Failure&) {
    throw CaProblem{400, "malformed", fmt::format("\"{}\" is no domain name", quoted(*value, 260))};
  }
  throw CaProblem{400, "malformed", fmt::format("\"{}\" is not a lower-case A-label name", quoted(*value, 260))};
}

bool issuable(const DomainName& name) {
  const std::string text = name.without_wildcard().text();
  const std::string_view last = std::string_view{text}.substr(text.rfind('.') + 1);
  const bool address = std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
  return text.contains('.') && !address && !text.contains('_');
}

}  // namespace

std::vector<DomainName> CertificateAuthority::Session::identifiers_in(const Json& body) const {
  std::vector<DomainName> names;
  std::vector<std::string> refused;
  for (const Json& identifier : body.elements("identifiers")) {
    names.push_back(identifier_name(identifier));
    const DomainName bare = names.back().without_wildcard();
    const bool blocked = std::ranges::any_of(ca.rejected, [&](const DomainName& top) { return bare.within(top); });
    if (blocked || !issuable(bare)) refused.push_back(names.back().text());
  }
  if (names.empty() || names.size() > most_identifiers)
    throw CaProblem{400, "malformed", "An order has between 1 and 100 identifiers"};
  if (!refused.empty())
    throw CaProblem{400, "rejectedIdentifier", "The CA does not issue for this name", std::move(refused)};
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end())
    throw CaProblem{400, "malformed", "An identifier is there twice"};
  for (const DomainName& name : names)
    for (const DomainName& other : names)
      if (!name.wildcard() && other.wildcard() && name.covered_by(other))
        throw CaProblem{400, "malformed", fmt::format("{} is redundant beside {}", name.text(), other.text())};
  return names;
}

// RFC 9773 section 5; Boulder's order of checks.
void CertificateAuthority::Session::check_replaces(const std::string& replaces,
                                                   const std::vector<DomainName>& names) const {
  const auto found =
      std::ranges::find_if(ca.certificates, [&](const auto& entry) { return entry.second.ari_id == replaces; });
  if (found == ca.certificates.end())
    throw CaProblem{404, "malformed", "The certificate that the order replaces is not known"};
  if (found->second.account != account->url)
    throw CaProblem{403, "unauthorized", "The certificate that the order replaces is another account's"};
  const auto former = found->second.chain.leaf.names();
  if (std::ranges::none_of(names, [&](const auto& name) { return std::ranges::find(former, name) != former.end(); }))
    throw CaProblem{400, "malformed", "The certificate that the order replaces shares no name with it"};
  for (const auto& [url, order] : ca.orders)
    if (order.replaces == replaces && order.status != "invalid")
      throw CaProblem{409, "alreadyReplaced", "Another order replaces that certificate"};
}

CaOrder* CertificateAuthority::Session::reusable_order(const std::vector<DomainName>& names,
                                                       const std::string& profile) const {
  if (!ca.world_.settings().orders_reused) return nullptr;
  for (auto& [url, order] : ca.orders)
    if (order.account == account->url && (order.status == "pending" || order.status == "ready") &&
        order.names == names && order.profile == profile && order.expires > now)
      return &order;
  return nullptr;
}

std::string CertificateAuthority::Session::reusable_authorization(const DomainName& name) const {
  if (!ca.world_.settings().authorizations_reused) return "";
  for (const auto& [url, one] : ca.authorizations)
    if (one.account == account->url && (one.status == "pending" || one.status == "valid") && one.expires > now &&
        one.identifier == name.without_wildcard() && one.wildcard == name.wildcard())
      return url;
  return "";
}

// Several types, one of them without a token, in no order that a client could rely on. A wildcard is proven by DNS.
std::vector<CaChallenge> CertificateAuthority::Session::offered_challenges(bool wildcard) {
  std::vector<CaChallenge> offered;
  for (const char* type : {"dns-01", "http-01", "dns-persist-01"}) {
    if (wildcard && type == std::string_view{"http-01"}) continue;
    CaChallenge challenge;
    challenge.type = type;
    Bytes token(32, '\0');
    ca.world_.entropy().fill(std::as_writable_bytes(std::span{token}));
    if (challenge.type != "dns-persist-01") challenge.token = base64url(token);
    offered.push_back(std::move(challenge));
  }
  shuffle(offered);
  return offered;
}

std::string CertificateAuthority::Session::authorization_for(const DomainName& name) {
  if (std::string url = reusable_authorization(name); !url.empty()) return url;
  CaAuthorization made{.url = ca.new_url("authz"),
                       .account = account->url,
                       .identifier = name.without_wildcard(),
                       .wildcard = name.wildcard(),
                       .expires = now + ca.world_.settings().order_life,
                       .challenges = offered_challenges(name.wildcard())};
  ca.at(made.expires, made.url);
  return ca.authorizations.emplace(made.url, made).first->first;
}

http::Response CertificateAuthority::Session::new_order() {
  const Json body = payload();
  const std::vector<DomainName> names = identifiers_in(body);
  if (body.find("notBefore") != nullptr || body.find("notAfter") != nullptr)
    throw CaProblem{400, "malformed", "notBefore and notAfter are not supported"};
  const std::string profile = body.text("profile").value_or("classic");
  if (profile != "classic" && !ca.world_.settings().profiles.contains(profile))
    throw CaProblem{400, "invalidProfile", "The CA has no such profile"};
  const std::string replaces = body.text("replaces").value_or("");
  if (!replaces.empty()) check_replaces(replaces, names);
  CaOrder* order = reusable_order(names, profile);
  if (order == nullptr) {
    CaOrder made{.url = ca.new_url("my-order"), .account = account->url, .profile = profile, .replaces = replaces};
    made.names = names;
    made.created = now;
    made.expires = now + ca.world_.settings().order_life;
    for (const DomainName& name : names) made.authorizations.push_back(authorization_for(name));
    ca.at(made.expires, made.url);
    order = &ca.orders.emplace(made.url, made).first->second;
    ca.settle(*order);
    changed = true;
  }
  object = order->url;
  http::Response response = json(201, order_json(*order));
  response.headers.set("Location", order->url);
  return response;
}

Json CertificateAuthority::Session::order_json(const CaOrder& order) const {
  Json body = Json::object({{"status", order.status},
                            {"expires", iso8601(order.expires)},
                            {"profile", order.profile},
                            {"finalize", ca.url_of("finalize-order", order.url.substr(order.url.rfind('/') + 1))}});
  std::vector<DomainName> names = order.names;
  std::vector<std::string> proofs = order.authorizations;
  shuffle(names);
  shuffle(proofs);
  for (const DomainName& name : names)
    body["identifiers"].push_back(Json::object({{"type", "dns"}, {"value", name.text()}}));
  for (const std::string& url : proofs) body["authorizations"].push_back(url);
  if (!order.replaces.empty()) body["replaces"] = order.replaces;
  if (order.error) body["error"] = order.error->to_json();
  if (order.status == "valid") body["certificate"] = order.certificate;
  return body;
}

http::Response CertificateAuthority::Session::show_order() {
  require_no_payload();
  const CaOrder& order = mine(ca.orders, request.url.text());
  http::Response response = json(200, order_json(order));
  if (order.status == "pending" || order.status == "processing") add_retry_after(response);
  return response;
}

Json CertificateAuthority::Session::challenge_json(const CaAuthorization& proof, const CaChallenge& one) const {
  const std::string name = proof.url.substr(proof.url.rfind('/') + 1);
  const bool hidden = one.status == "processing" && ca.world_.settings().repeated_answer == RepeatedAnswer::conflict;
  Json body = Json::object({{"type", one.type},
                            {"status", hidden ? "pending" : one.status},
                            {"url", ca.url_of("chall", name + "/" + one.type)}});
  if (!one.token.empty())
    body["token"] = one.token;
  else
    body["issuer-domain-names"] = Json::array({"ca.sandbox.test"});
  if (one.error) body["error"] = one.error->to_json();
  if (one.validated_at) body["validated"] = iso8601(*one.validated_at);
  return body;
}

Json CertificateAuthority::Session::authorization_json(const CaAuthorization& proof) const {
  Json body = Json::object({{"status", proof.status},
                            {"expires", iso8601(proof.expires)},
                            {"identifier", Json::object({{"type", "dns"}, {"value", proof.identifier.text()}})}});
  if (proof.wildcard) body["wildcard"] = true;
  for (const CaChallenge& one : proof.challenges)
    if (proof.status == "pending" || one.status != "pending")  // once decided, only what decided it
      body["challenges"].push_back(challenge_json(proof, one));
  return body;
}

http::Response CertificateAuthority::Session::authorization() {
  CaAuthorization& proof = mine(ca.authorizations, request.url.text());
  if (!jws.payload.empty()) {
    if (payload().text("status") != "deactivated")
      throw CaProblem{400, "malformed", "An authorization's status can only become deactivated"};
    if (proof.status != "pending" && proof.status != "valid")
      throw CaProblem{400, "malformed", fmt::format("The authorization is {}", proof.status)};
    proof.status = "deactivated";
    proof.due.reset();
    changed = true;
    ca.settle_orders_of(proof);
  }
  http::Response response = json(200, authorization_json(proof));
  if (proof.status == "pending") add_retry_after(response);
  return response;
}

void CertificateAuthority::Session::refuse_repeated_answer(const CaChallenge& one) const {
  const RepeatedAnswer manner = ca.world_.settings().repeated_answer;
  if (manner == RepeatedAnswer::malformed && one.status != "pending")
    throw CaProblem{400, "malformed",
                    fmt::format("Cannot update challenge with status {}, only status pending", one.status)};
  if (manner == RepeatedAnswer::conflict && one.status == "processing")
    throw CaProblem{409, "conflict", "Authorization is already being validated"};
}

http::Response CertificateAuthority::Session::challenge() {
  const auto slash = id.find('/');
  if (slash == std::string::npos) throw CaProblem{404, "malformed", "There is no such challenge"};
  CaAuthorization& proof = mine(ca.authorizations, ca.url_of("authz", id.substr(0, slash)));
  CaChallenge& one = proof.challenge(id.substr(slash + 1));
  if (!jws.payload.empty()) {
    if (!payload().as_object().empty()) throw CaProblem{400, "malformed", "A challenge is answered with {}"};
    if (proof.status != "pending" && proof.status != "valid")
      throw CaProblem{400, "malformed", fmt::format("The authorization is {}", proof.status)};
    refuse_repeated_answer(one);
    if (proof.status == "pending" && one.status == "pending") {
      if (proof.due) throw CaProblem{400, "malformed", "Another challenge of this authorization is being looked at"};
      one.status = "processing";
      one.error.reset();
      proof.due = now + ca.world_.settings().validation_takes;
      for (auto& [url, order] : ca.orders)
        if (std::ranges::find(order.authorizations, proof.url) != order.authorizations.end()) order.answered = true;
      changed = true;
      ca.at(*proof.due, proof.url);
      ca.advance(now);
    }
  }
  object = proof.url;
  http::Response response = json(200, challenge_json(proof, one));
  response.headers.add("Link", fmt::format("<{}>;rel=\"up\"", proof.url));
  if (one.status == "processing") add_retry_after(response);
  return response;
}

http::Response CertificateAuthority::Session::finalize() {
  CaOrder& order = mine(ca.orders, ca.url_of("my-order", id));
  object = order.url;
  const auto csr = parse_base64url(payload().text("csr").value_or(""));
  if (order.status != "ready") throw CaProblem{403, "orderNotReady", fmt::format("The order is {}", order.status)};
  if (!csr || csr->empty()) throw CaProblem{400, "malformed", "\"csr\" is no base64url"};
  const RequestedCertificate wanted = [&] {
    try {
      return parse_certificate_request(*csr);
    } catch (const Failure& failure) {
      throw CaProblem{400, "badCSR", failure.what()};
    }
  }();
  if (wanted.names != order.names) throw CaProblem{400, "badCSR", "The CSR's names are not the order's"};
  if (!wanted.key.type()) throw CaProblem{400, "badPublicKey", "The CSR's key is of no type that the CA certifies"};
  if (wanted.key == account->key) throw CaProblem{400, "badCSR", "The CSR's key is the account's"};
  order.csr = *csr;
  order.requested = wanted;
  order.status = "processing";
  order.due = now + ca.world_.settings().issuance_takes;
  changed = true;
  ca.at(*order.due, order.url);
  ca.advance(now);
  http::Response response = json(200, order_json(order));
  response.headers.set("Location", order.url);
  if (order.status == "processing") add_retry_after(response);
  return response;
}

}  // namespace certferry::sandbox
