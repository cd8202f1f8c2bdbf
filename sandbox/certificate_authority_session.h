#pragma once

#include <string>
#include <vector>

#include "base/failure.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/signature_check.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

// One request to the CA. Private to its sources; every operation throws CaProblem where it refuses.
struct CertificateAuthority::Session {
  CertificateAuthority& ca;
  const http::Request& request;
  WallTime now;
  std::string kind;  // of the resource, from the path: "order"
  std::string id;    // what follows it
  std::string operation = "?";
  std::string object;  // for the event
  bool changed = false;
  CheckedJws jws;                // after verify()
  CaAccount* account = nullptr;  // whose kid it is; null under jwk

  Session(CertificateAuthority& ca, const http::Request& request, WallTime now);
  http::Response respond();

  enum class Signer { account, new_key, either };
  void verify(Signer signer);
  Json payload() const;             // an object, or malformed
  void require_no_payload() const;  // POST-as-GET

  http::Response directory() const;
  http::Response new_nonce() const;
  http::Response new_account();
  http::Response account_update();
  http::Response orders_list();
  http::Response new_order();
  http::Response show_order();
  http::Response authorization();
  http::Response challenge();
  void refuse_repeated_answer(const CaChallenge& one) const;
  http::Response finalize();
  http::Response certificate();
  http::Response revoke();
  http::Response renewal_info();

  std::vector<DomainName> identifiers_in(const Json& payload) const;
  void check_replaces(const std::string& replaces, const std::vector<DomainName>& names) const;
  CaOrder* reusable_order(const std::vector<DomainName>& names, const std::string& profile) const;
  std::string authorization_for(const DomainName& name);
  std::string reusable_authorization(const DomainName& name) const;
  std::vector<CaChallenge> offered_challenges(bool wildcard);
  template <class Table>
  auto& mine(Table& table, const std::string& url) {
    const auto found = table.find(url);
    if (found == table.end() || is_hidden(found->second))
      throw CaProblem{404, "malformed", "There is no such resource"};
    if (account == nullptr || found->second.account != account->url)
      throw CaProblem{403, "unauthorized", "It belongs to another account"};
    return found->second;
  }
  // An order or authorization that has expired, where those are not found any more.
  template <class Resource>
  bool is_hidden(const Resource& resource) const {
    if constexpr (requires { resource.expires; })
      return !ca.world_.settings().expired_orders_found && resource.expires <= now;
    return false;
  }
  template <class T>
  void shuffle(std::vector<T>& items) const {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random_below(i)]);
  }
  std::size_t random_below(std::size_t bound) const;

  http::Response json(int status, const Json& body) const;
  Json account_json(const CaAccount& account) const;
  Json order_json(const CaOrder& order) const;
  Json authorization_json(const CaAuthorization& authorization) const;
  Json challenge_json(const CaAuthorization& authorization, const CaChallenge& challenge) const;
  void add_retry_after(http::Response& response) const;
};

}  // namespace certferry::sandbox
