#pragma once

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/failure.h"
#include "crypto/certificate_request.h"
#include "crypto/digest.h"
#include "crypto/private_key.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/openssl_entropy.h"
#include "sandbox/seeded_entropy.h"
#include "sandbox/world.h"
#include "wire/base64.h"
#include "wire/http.h"
#include "wire/json.h"

namespace certferry::sandbox {

inline const WallTime test_start = *parse_iso8601("2026-11-23T12:00:00Z");

// A world that follows from its seed, keys included.
struct SeededWorld {
  SeededEntropy entropy;
  OpensslEntropy fed{entropy};
  World world;
  WallTime now = test_start;
  explicit SeededWorld(Settings settings = {}, std::uint64_t seed = 1)
      : entropy(seed), world(std::move(settings), entropy, test_start) {}
};

// As small as an ACME client can be: JWS by hand, no retries, no opinions.
class AcmeClient {
 public:
  AcmeClient(World& world, WallTime& now, PrivateKey key) : world_(world), now_(now), key_(std::move(key)) {
    directory_ = Json::parse(get(world.ca().directory_url()).body, "the directory");
  }
  AcmeClient(World& world, WallTime& now) : AcmeClient(world, now, PrivateKey::generate(KeyType::p256)) {}

  http::Response get(const std::string& url, const std::string& method = "GET") {
    http::Request request{.method = method, .url = Url::parse(url), .headers = {{"User-Agent", "test"}}};
    return world_.handle(request, now_);
  }
  std::string place(const std::string& member) const { return directory_.at(member).as_text(); }
  std::string nonce() { return get(place("newNonce"), "HEAD").headers.get("Replay-Nonce").value_or(""); }

  std::string signed_body(const std::string& url, const std::string& payload, Json header) const {
    if (header.find("alg") == nullptr) header["alg"] = name(key_.algorithm());
    if (header.find("url") == nullptr) header["url"] = url;
    const std::string protection = base64url(header.dump());
    return Json::object({{"protected", protection},
                         {"payload", base64url(payload)},
                         {"signature", base64url(key_.sign(protection + "." + base64url(payload)))}})
        .dump();
  }
  http::Response send(const std::string& url, std::string body) {
    http::Request request{.method = "POST",
                          .url = Url::parse(url),
                          .headers = {{"User-Agent", "test"}, {"Content-Type", "application/jose+json"}}};
    request.body = std::move(body);
    return world_.handle(request, now_);
  }
  Json jwk() const { return Json::parse(key_.public_part().jwk(), "a JWK"); }
  http::Response post(const std::string& url, const std::string& payload) {
    Json header = Json::object({{"nonce", nonce()}});
    if (kid.empty())
      header["jwk"] = jwk();
    else
      header["kid"] = kid;
    return send(url, signed_body(url, payload, header));
  }
  Json read(const std::string& url) { return Json::parse(post(url, "").body, url); }

  http::Response new_account() {
    kid.clear();
    http::Response response = post(place("newAccount"), R"({"termsOfServiceAgreed":true})");
    kid = response.headers.get("Location").value_or("");
    return response;
  }
  static std::string order_payload(const std::vector<std::string>& names, const Json& more = Json::object()) {
    Json payload = more;
    for (const std::string& one : names)
      payload["identifiers"].push_back(Json::object({{"type", "dns"}, {"value", one}}));
    return payload.dump();
  }
  http::Response order(const std::vector<std::string>& names, const Json& more = Json::object()) {
    return post(place("newOrder"), order_payload(names, more));
  }
  std::string order_url(const std::vector<std::string>& names, const Json& more = Json::object()) {
    return order(names, more).headers.get("Location").value_or("");
  }
  static Json dns_challenge(const Json& authorization) {
    for (const Json& one : authorization.elements("challenges"))
      if (one.text("type") == "dns-01") return one;
    throw std::logic_error("no dns-01 offered");
  }
  std::string txt_value(const Json& challenge) const {
    return base64url(sha256(challenge.at("token").as_text() + "." + key_.public_part().thumbprint()));
  }
  // Puts what each authorization wants into the zone, INSYNC at once, and answers.
  void prove(const std::string& order_url, const std::string& zone) {
    std::map<std::string, std::vector<std::string>> sets;
    std::vector<std::string> challenges;
    const Json order = read(order_url);
    for (const Json& url : order.elements("authorizations")) {
      const Json authorization = read(url.as_text());
      if (authorization.text("status") != "pending") continue;
      const Json challenge = dns_challenge(authorization);
      sets["_acme-challenge." + authorization.at("identifier").at("value").as_text()].push_back(
          "\"" + txt_value(challenge) + "\"");
      challenges.push_back(challenge.at("url").as_text());
    }
    for (const auto& [name, values] : sets)
      world_.zones().put(zone, {.name = name, .type = "TXT", .ttl = 60, .values = values});
    for (const std::string& url : challenges) post(url, "{}");
    now_ += seconds(1);
  }
  http::Response finalize(const std::string& order_url, const std::vector<std::string>& names, const PrivateKey& key) {
    std::vector<DomainName> asked;
    for (const std::string& one : names) asked.push_back(DomainName::parse(one));
    const Json payload = Json::object({{"csr", base64url(certificate_request(key, asked))}});
    return post(read(order_url).at("finalize").as_text(), payload.dump());
  }
  // An order from its first request to its certificate.
  Chain certificate(const std::vector<std::string>& names, const std::string& zone, const Json& more = Json::object()) {
    const std::string url = order_url(names, more);
    prove(url, zone);
    finalize(url, names, PrivateKey::generate(KeyType::p256));
    now_ += seconds(1);
    return parse_chain(post(read(url).at("certificate").as_text(), "").body);
  }

  std::string kid;

 private:
  World& world_;
  WallTime& now_;
  PrivateKey key_;
  Json directory_;
};

// "badNonce" of a problem document; "" where the answer is none.
inline std::string problem_of(const http::Response& response) {
  if (http::media_type(response.headers) != "application/problem+json") return "";
  const std::string type = Json::parse(response.body, "a problem").text("type").value_or("");
  return type.substr(type.rfind(':') + 1);
}

}  // namespace certferry::sandbox
