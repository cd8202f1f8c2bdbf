#include <fmt/format.h>

#include "acme/certificate_authority.h"
#include "base/failure.h"

// The account (RFC 8555 section 7.3).
namespace certferry::acme {
namespace {

Json contact_urls(const std::vector<std::string>& contact) {
  Json::Array urls;
  for (const std::string& one : contact) urls.emplace_back(one.contains(':') ? one : "mailto:" + one);
  return urls;
}

// What newAccount answered where the account is there.
std::string account_location(const Answer& answer) {
  const auto refuse = [](std::string what, std::string next) {
    return Failure(Failure::Kind::refused, "newAccount: " + std::move(what), std::move(next));
  };
  const auto url = answer.response.headers.get("Location");
  if (!url || url->empty()) throw refuse("the CA gave no account URL", "Report it to the CA");
  std::string status;
  try {
    status = Json::parse(answer.response.body, "the CA's account").text("status").value_or("");
  } catch (const Failure&) {
    status = "";  // the URL is what counts
  }
  if (status == "deactivated" || status == "revoked")
    throw refuse(fmt::format("the account {} is {}", quoted(*url), status),
                 "A closed account cannot be opened again; begin with another: `certferry account --replace`");
  return *url;
}

}  // namespace

void CertificateAuthority::use(Account account) { account_ = std::move(account); }

Task<std::string> CertificateAuthority::account_url(const PrivateKey& key, AccountSettings settings) {
  const Directory directory = co_await session_.directory();
  const bool terms_missing = !directory.terms_of_service.empty() && !settings.agree_to_terms;
  Call call{.operation = "newAccount", .url = directory.new_account, .repeatable = true};  // the key tells it apart
  if (terms_missing || directory.external_account_required) {
    call.payload = Json::object({{"onlyReturnExisting", true}}).dump();
    const Answer found = co_await session_.ask(key, "", call);
    if (!found.problem) co_return account_location(found);
    if (found.problem->type != "accountDoesNotExist") throw failure_of(*found.problem, call.operation, false);
  }
  if (directory.external_account_required)
    throw Failure(Failure::Kind::refused, "newAccount: the CA registers accounts with an external account binding only",
                  "Use a CA that needs none, or an account key that has an account there already");
  if (terms_missing)
    throw Failure(Failure::Kind::refused,
                  fmt::format("newAccount: the CA wants its terms of service to be agreed to: {}",
                              quoted(directory.terms_of_service)),
                  fmt::format("Read {} and set [ca] agree_to_terms = true (--agree-to-terms)",
                              quoted(directory.terms_of_service)));
  Json payload = Json::object();
  if (settings.agree_to_terms) payload["termsOfServiceAgreed"] = true;
  if (!settings.contact.empty()) payload["contact"] = contact_urls(settings.contact);
  call.payload = payload.dump();
  const Answer registered = co_await session_.ask(key, "", call);
  if (registered.problem) throw failure_of(*registered.problem, call.operation, false);
  co_return account_location(registered);
}

WallTime CertificateAuthority::now() const { return session_.heard_time().value_or(outside_.clock.now()); }

Task<Json> CertificateAuthority::read_account() {
  const http::Response response = co_await post({.operation = "reading the account", .url = account_->url});
  co_return Json::parse(response.body, "the CA's account");
}

Task<bool> CertificateAuthority::account_stands() {
  try {
    const Json account = co_await read_account();
    co_return account.text("status") == "valid";
  } catch (const Failure&) {
    co_return false;
  }
}

}  // namespace certferry::acme
