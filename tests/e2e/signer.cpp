// Signs what it is told, so that test_signing.py can compare our signatures with botocore's: a case a line of stdin, as
// JSON; of each, a line with what signing added.
#include <iostream>

#include "aws/sigv4.h"
#include "base/failure.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry {
namespace {

Json signed_case(const Json& given) {
  http::Request request{.method = given.at("method").as_text(), .url = Url::parse(given.at("url").as_text())};
  for (const Json& field : given.elements("headers"))
    request.headers.add(field.as_array().at(0).as_text(), field.as_array().at(1).as_text());
  request.body = parse_base64(given.at("body").as_text()).value();
  aws::Credentials credentials{.access_key_id = given.at("access_key").as_text(),
                               .secret_access_key = Secret{given.at("secret_key").as_text()},
                               .session_token = Secret{given.at("token").as_text()}};
  aws::SigningScope scope{.region = given.at("region").as_text(), .service = given.at("service").as_text()};
  WallTime now = WallTime{} + seconds(given.at("time").as_integer());
  bool s3 = scope.service == "s3";
  aws::SigningOptions options{.encode_path_twice = !s3, .normalize_path = !s3, .content_sha256 = s3};
  if (auto expires = given.integer("expires")) {
    options.hash_body = !s3;
    aws::presign(request, credentials, scope, now, seconds(*expires), options);
    return Json::object({{"url", request.url.text()}});
  }
  aws::sign(request, credentials, scope, now, options);
  return Json::object({{"authorization", request.headers.get("authorization").value_or("")}});
}

}  // namespace
}  // namespace certferry

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    certferry::Json answer;
    try {
      answer = certferry::signed_case(certferry::Json::parse(line, "the case"));
    } catch (const std::exception& error) {
      answer = certferry::Json::object({{"error", error.what()}});
    }
    std::cout << answer.dump() << '\n';
  }
  return 0;
}
