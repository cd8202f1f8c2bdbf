#pragma once

#include <fmt/format.h>
#include <string>
#include <vector>

#include "crypto/digest.h"
#include "sandbox/buckets.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/security_tokens.h"
#include "sandbox/seeded_entropy.h"
#include "sandbox/server_certificates.h"
#include "sandbox/world.h"
#include "wire/base64.h"
#include "wire/xml.h"

namespace certferry::sandbox {

// A world whose services are spoken to directly, past the check of signatures.
class Services {
 public:
  SeededEntropy entropy{7};
  WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  World world{Settings{}, entropy, now};

  // Parameters of the query protocol: {"Action", "…"}, …
  http::Response iam(const QueryParameters& form) { return world.server_certificates().handle(posted(form), now); }
  http::Response elb(const QueryParameters& form) { return world.classic().handle(posted(form), now); }
  http::Response elbv2(const QueryParameters& form) { return world.load_balancers().handle(posted(form), now); }
  http::Response sts(const QueryParameters& form) { return world.sts().handle(posted(form), now); }

  http::Response kms(const std::string& operation, const Json& input) {
    http::Request request{.method = "POST", .url = Url::parse("https://kms.eu-west-1.amazonaws.com/")};
    request.headers.set("X-Amz-Target", "TrentService." + operation);
    request.body = input.dump();
    return world.kms().handle(request, now);
  }

  http::Response s3(const std::string& method, const std::string& target, http::Headers headers = {}, Bytes body = "") {
    http::Request request{.method = method,
                          .url = Url::parse("https://s3.eu-west-1.amazonaws.com" + target),
                          .headers = std::move(headers),
                          .body = std::move(body)};
    request.headers.set("x-amz-content-sha256", hex(sha256(request.body)));
    return world.buckets().handle(request, now);
  }

  // A good pair for example.com, of a trusted CA.
  Presented pair(const std::string& name = "example.com") {
    return world.foreign({DomainName::parse(name)}, now - days(1), now + days(89));
  }
  QueryParameters upload_of(const std::string& name, const Presented& content,
                            const std::string& path = "/certferry/") {
    return {{"Action", "UploadServerCertificate"},
            {"ServerCertificateName", name},
            {"Path", path},
            {"CertificateBody", content.chain.leaf_pem()},
            {"CertificateChain", content.chain.intermediates_pem()},
            {"PrivateKey", std::string{content.key.pem().reveal()}}};
  }
  // Uploads it and waits until load balancers find it; its ARN.
  std::string uploaded(const std::string& name) {
    auto answer = Xml::parse(iam(upload_of(name, pair())).body, "the answer");
    now += world.settings().certificate_visible_after;
    return answer.path("UploadServerCertificateResult/ServerCertificateMetadata")->text("Arn");
  }

 private:
  static http::Request posted(const QueryParameters& form) {
    return {
        .method = "POST", .url = Url::parse("https://service.eu-west-1.amazonaws.com/"), .body = form_encoded(form)};
  }
};

// "409 EntityAlreadyExists" of a query protocol's error, "200" of a result.
inline std::string verdict(const http::Response& response) {
  if (response.status < 300) return std::to_string(response.status);
  auto body = Xml::parse(response.body, "the answer");
  auto error = body.child("Error");
  return fmt::format("{} {}", response.status, error ? error->text("Code") : body.text("Code"));
}

inline std::string json_verdict(const http::Response& response) {
  if (response.status < 300) return std::to_string(response.status);
  return fmt::format("{} {}", response.status, Json::parse(response.body, "the answer").text("__type").value_or(""));
}

}  // namespace certferry::sandbox
