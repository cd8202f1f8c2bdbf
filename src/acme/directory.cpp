#include "acme/session.h"

namespace certferry::acme {

Directory parse_directory(const Json& body) {
  Directory directory;
  const auto read = [&](const char* member, std::string& url) { url = body.text(member).value_or(""); };
  read("newNonce", directory.new_nonce);
  read("newAccount", directory.new_account);
  read("newOrder", directory.new_order);
  read("revokeCert", directory.revoke_certificate);
  read("renewalInfo", directory.renewal_info);
  if (const Json* meta = body.find("meta")) {
    directory.terms_of_service = meta->text("termsOfService").value_or("");
    directory.external_account_required = meta->boolean("externalAccountRequired").value_or(false);
    for (const Json& domain : meta->elements("caaIdentities"))
      if (domain.is_string()) directory.caa_identities.push_back(domain.as_text());
    if (const Json* profiles = meta->find("profiles"); profiles && profiles->is_object())
      for (const auto& [name, description] : profiles->as_object()) directory.profiles.push_back(name);
  }
  if (directory.new_nonce.empty() || directory.new_account.empty() || directory.new_order.empty())
    throw Failure(Failure::Kind::refused, "the ACME directory lacks newNonce, newAccount or newOrder",
                  "Set [ca] directory to the URL of an ACME directory (RFC 8555)");
  return directory;
}

}  // namespace certferry::acme
