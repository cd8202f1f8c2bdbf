#include <algorithm>
#include <fmt/format.h>

#include "sandbox/certificate_authority_session.h"

// Accounts and their lists of orders (RFC 8555 sections 7.1.2 and 7.3).
namespace certferry::sandbox {
namespace {

constexpr std::size_t orders_a_page = 3;  // few, so that clients must turn pages

std::vector<std::string> contacts_in(const Json& payload) {
  const Json* contact = payload.find("contact");
  if (contact == nullptr) return {};
  if (!contact->is_array()) throw CaProblem{400, "malformed", "\"contact\" is no array"};
  std::vector<std::string> contacts;
  for (const Json& one : contact->as_array()) {
    if (!one.is_string()) throw CaProblem{400, "malformed", "A contact is no string"};
    if (!one.as_text().starts_with("mailto:"))
      throw CaProblem{400, "unsupportedContact", "Contacts are mailto: URLs here"};
    if (!one.as_text().contains('@') || one.as_text().contains('?') || one.as_text().contains(','))
      throw CaProblem{400, "invalidContact", "A contact is not one mail address"};
    contacts.push_back(one.as_text());
  }
  return contacts;
}

}  // namespace

Json CertificateAuthority::Session::account_json(const CaAccount& shown) const {
  Json body = Json::object({{"status", shown.status}});
  for (const std::string& one : shown.contact) body["contact"].push_back(one);
  if (ca.world_.settings().orders_listed)
    body["orders"] = ca.url_of("my-orders", shown.url.substr(shown.url.rfind('/') + 1));
  return body;
}

http::Response CertificateAuthority::Session::new_account() {
  const Json body = payload();
  if (!jws.jwk->type()) throw CaProblem{400, "badPublicKey", "Account keys are P-256, P-384 or RSA 2048, 3072, 4096"};
  const auto found = std::ranges::find_if(ca.accounts, [&](const auto& entry) { return entry.second.key == *jws.jwk; });
  if (found != ca.accounts.end()) {
    object = found->first;
    if (found->second.status != "valid") throw CaProblem{403, "unauthorized", "The account with this key is closed"};
    http::Response response = json(200, account_json(found->second));
    response.headers.set("Location", found->first);
    return response;
  }
  if (body.boolean("onlyReturnExisting").value_or(false))
    throw CaProblem{400, "accountDoesNotExist", "No account has this key"};
  std::vector<std::string> contacts = contacts_in(body);
  if (!body.boolean("termsOfServiceAgreed").value_or(false))
    throw CaProblem{403, "userActionRequired", "The terms of service must be agreed to"};
  object = ca.new_url("my-account");
  const CaAccount created{object, *jws.jwk, "valid", std::move(contacts)};
  changed = true;
  http::Response response = json(201, account_json(created));
  ca.accounts.emplace(object, created);
  response.headers.set("Location", object);
  return response;
}

http::Response CertificateAuthority::Session::account_update() {
  if (account->url != request.url.text()) throw CaProblem{403, "unauthorized", "It is another account"};
  if (!jws.payload.empty()) {
    const Json body = payload();
    const auto status = body.text("status");
    if (status && *status != "deactivated") throw CaProblem{400, "malformed", "A status can only become deactivated"};
    if (body.find("contact") != nullptr) account->contact = contacts_in(body);
    if (status) account->status = *status;
    changed = status || body.find("contact") != nullptr;
  }
  return json(200, account_json(*account));
}

http::Response CertificateAuthority::Session::orders_list() {
  require_no_payload();
  if (!account->url.ends_with("/" + id)) throw CaProblem{403, "unauthorized", "It is another account's"};
  const QueryParameters parameters = parse_query(request.url.query());
  const std::string from = parameters.empty() ? "" : ca.url_of("my-order", parameters.front().second);
  Json body = Json::object({{"orders", Json::array()}});
  http::Response response = json(200, body);
  std::size_t listed = 0;
  for (auto order = ca.orders.lower_bound(from); order != ca.orders.end(); ++order) {
    if (order->second.account != account->url || order->second.status == "invalid") continue;
    if (listed++ == orders_a_page) {
      const std::string next = order->first.substr(order->first.rfind('/') + 1);
      response.headers.add("Link", fmt::format("<{}?from={}>;rel=\"next\"", ca.url_of("my-orders", id), next));
      break;
    }
    body["orders"].push_back(order->first);
  }
  response.body = ca.world_.settings().orders_bare ? body.at("orders").dump() : body.dump();
  return response;
}

}  // namespace certferry::sandbox
