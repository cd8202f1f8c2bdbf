#include "aws/metadata_document.h"

#include <optional>

#include "base/failure.h"
#include "wire/json.h"

namespace certferry::aws {
namespace {

Failure unusable_document(const std::string& source, const std::string& why) {
  return {Failure::Kind::transient, "AWS credentials from " + source + ": " + why,
          "Run again; if it stays, look at " + source};
}

Json parsed_document(std::string_view text, const std::string& source) {
  try {
    return Json::parse(text, source);
  } catch (const Failure&) {
    throw unusable_document(source, "the answer is no JSON");  // its text may hold half a secret
  }
}

SharedCredentials credentials_in(const Json& said, const std::string& source) {
  if (auto code = said.text("Code"); code && *code != "Success")
    throw unusable_document(source, "it says " + quoted(*code, 100));
  if (said.find("Version") && said.integer("Version") != 1)
    throw unusable_document(source, "it is of a version that is not 1");
  std::string key = said.text("AccessKeyId").value_or(""), secret = said.text("SecretAccessKey").value_or("");
  if (key.empty() || secret.empty()) throw unusable_document(source, "the answer has no keys");
  std::optional<WallTime> expires;
  if (auto text_of = said.text("Expiration"); text_of && !text_of->empty()) {
    expires = parse_iso8601(*text_of);
    if (!expires) throw unusable_document(source, "the expiration " + quoted(*text_of, 60) + " is no time");
  }
  std::string token = said.text("Token").value_or(said.text("SessionToken").value_or(""));
  auto credentials = std::make_shared<Credentials>(Credentials{.access_key_id = std::move(key),
                                                               .secret_access_key = Secret{std::move(secret)},
                                                               .session_token = Secret{std::move(token)},
                                                               .expires = expires,
                                                               .source = source,
                                                               .account = said.text("AccountId").value_or("")});
  try {
    require_sendable(*credentials);
  } catch (const Failure&) {
    throw unusable_document(source, "a key of it could stand in no request");
  }
  return credentials;
}

}  // namespace

SharedCredentials credentials_document(std::string_view text, const std::string& source) {
  return credentials_in(parsed_document(text, source), source);
}

SharedCredentials process_document(std::string_view text, const std::string& source) {
  const Json said = parsed_document(text, source);
  if (!said.find("Version")) throw unusable_document(source, "it has no Version");
  return credentials_in(said, source);
}

}  // namespace certferry::aws
