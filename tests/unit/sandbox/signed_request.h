#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/digest.h"
#include "wire/base64.h"
#include "wire/http.h"
#include "wire/url.h"

namespace certferry::sandbox {

struct TestKey {
  std::string id = "AKIASANDBOX", secret = "sandbox-secret";
};

// Signs as SigV4 says, by hand, for requests whose paths are in normal form already: a third opinion beside the
// product's signer and the sandbox's verifier.
inline void sign(http::Request& request, WallTime now, const std::string& region, const std::string& service,
                 const TestKey& key = {}) {
  const std::string date = amz_date(now), hash = hex(sha256(request.body));
  request.headers.set("x-amz-date", date);
  if (service == "s3") request.headers.set("x-amz-content-sha256", hash);
  std::vector<std::pair<std::string, std::string>> fields{{"host", request.url.authority()}};
  for (auto [name, value] : request.headers.fields()) {
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    if (name != "host") fields.emplace_back(name, value);
  }
  std::ranges::sort(fields);
  std::string headers, names;
  for (const auto& [name, value] : fields) {
    headers += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  QueryParameters query = parse_query(request.url.query());
  std::ranges::sort(query);
  const std::string path = service == "s3" ? request.url.path() : percent_encoded(request.url.path(), "-._~/");
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, form_encoded(query), headers, names, hash);
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", date.substr(0, 8), region, service);
  const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, scope, hex(sha256(canonical)));
  Bytes mac = hmac_sha256("AWS4" + key.secret, date.substr(0, 8));
  for (const std::string& part : {region, service, std::string{"aws4_request"}, text}) mac = hmac_sha256(mac, part);
  request.headers.set("Authorization", fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                                   key.id, scope, names, hex(mac)));
}

}  // namespace certferry::sandbox
