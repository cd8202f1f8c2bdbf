#include "aws/sigv4.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <utility>
#include <vector>

#include "crypto/digest.h"
#include "crypto/recently_read.h"
#include "wire/base64.h"
#include "wire/url.h"

namespace certferry::aws {
namespace {

constexpr std::string_view signing_algorithm = "AWS4-HMAC-SHA256";
// What proxies and our own transport may change on the way, and the signature itself.
// source: botocore/auth.py, SIGNED_HEADERS_BLACKLIST, 2026-08-07
constexpr auto unsigned_fields = std::to_array<std::string_view>(
    {"authorization", "baggage", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
     "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"});

std::string lower_field(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Ends trimmed, runs of blanks squeezed to one.
std::string squeezed(std::string_view value) {
  std::string out;
  bool gap = false;
  for (char c : value) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

// RFC 3986 section 5.2.4, and empty segments dropped. A final slash stays; a final "." or ".." leaves none, unlike in
// the RFC: so do the SDKs.
std::string normalized_path(std::string_view path) {
  std::vector<std::string_view> kept;
  std::size_t at = 0;
  while (at < path.size()) {
    std::size_t end = std::min(path.find('/', at), path.size());
    std::string_view segment = path.substr(at, end - at);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string out = "/";
  for (std::size_t i = 0; i < kept.size(); ++i) {
    out += kept[i];
    if (i + 1 < kept.size() || path.ends_with('/')) out += '/';
  }
  return out;
}

// Each segment in the one encoding that counts, whatever of it was encoded: a slash that is data stays %2F.
std::string encoded_once(std::string_view path) {
  std::string out;
  while (true) {
    std::string segment{path.substr(0, path.find('/'))};
    out += percent_encoded(percent_decoded(segment).value_or(segment));
    if (segment.size() == path.size()) return out;
    out += '/';
    path.remove_prefix(segment.size() + 1);
  }
}

std::string canonical_path(const Url& url, const SigningOptions& options) {
  std::string path = options.normalize_path ? normalized_path(url.path()) : url.path();
  return options.encode_path_twice ? percent_encoded(path, "-._~/") : encoded_once(path);
}

std::string canonical_query(const Url& url) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [key, value] : parse_query(url.query()))
    encoded.emplace_back(percent_encoded(key), percent_encoded(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [key, value] : encoded) out += (out.empty() ? "" : "&") + key + "=" + value;
  return out;
}

// The fields that are signed, as the canonical request has them: "name:value\n" in the names' order, the values of one
// name joined by commas in order of arrival; and the names alone, "a;b".
struct SignedFields {
  std::string lines, names;
};

SignedFields signed_fields(const http::Request& request) {
  std::vector<std::pair<std::string, std::string>> all;  // sorted
  all.reserve(request.headers.fields().size() + 1);
  const auto add = [&all](std::string name, std::string value) {
    const auto behind = std::ranges::upper_bound(all, name, {}, &std::pair<std::string, std::string>::first);
    all.emplace(behind, std::move(name), std::move(value));
  };
  bool has_host = false;
  for (const auto& [name, value] : request.headers.fields()) {
    std::string key = lower_field(name);
    if (std::ranges::find(unsigned_fields, key) != unsigned_fields.end()) continue;
    has_host = has_host || key == "host";
    add(std::move(key), squeezed(value));
  }
  if (!has_host) add("host", request.url.authority());
  SignedFields fields;
  std::string_view former;
  for (const auto& [name, value] : all) {
    if (name == former) {
      fields.lines.back() = ',';
    } else {
      fields.lines.append(name) += ':';
      if (!fields.names.empty()) fields.names += ';';
      fields.names += former = name;
    }
    fields.lines.append(value) += '\n';
  }
  return fields;
}

std::string canonical_request(const http::Request& request, const SignedFields& fields, const SigningOptions& options) {
  std::string out = request.method + "\n" + canonical_path(request.url, options) + "\n";
  out.append(canonical_query(request.url)).append("\n").append(fields.lines).append("\n").append(fields.names) += '\n';
  if (auto given = request.headers.get("x-amz-content-sha256")) return out + *given;
  return out + (options.hash_body ? hex(sha256(request.body)) : "UNSIGNED-PAYLOAD");
}

constexpr std::size_t day_letters = 8;  // of an amz_date

// date: amz_date of the moment.
std::string credential_scope(const SigningScope& scope, std::string_view date) {
  std::string text{date.substr(0, day_letters)};
  text.append("/").append(scope.region).append("/").append(scope.service).append("/aws4_request");
  return text;
}

std::string string_to_sign(std::string_view canonical, const SigningScope& scope, std::string_view date) {
  std::string text{signing_algorithm};
  text.append("\n").append(date).append("\n").append(credential_scope(scope, date)).append("\n");
  return text.append(hex(sha256(canonical)));
}

constexpr std::size_t signing_keys_held = 64;

// AWS General Reference, "Deriving the signing key". The same for a day, a region and a service: derived once, and
// found again by what tells nothing of the secret.
std::shared_ptr<const Secret> signing_key(const Credentials& credentials, const SigningScope& scope,
                                          std::string_view day) {
  static RecentlyRead<Secret> latest{signing_keys_held};
  const BytesView secret = credentials.secret_access_key.reveal();
  const Bytes found_by = hmac_sha256(secret, fmt::format("{}/{}/{}", day, scope.region, scope.service));
  if (auto known = latest.find(found_by)) return known;
  const Secret first{"AWS4" + std::string{secret}};
  Bytes key = hmac_sha256(first.reveal(), day);
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  const auto derived = std::make_shared<const Secret>(hmac_sha256(key, "aws4_request"));
  latest.keep(found_by, derived);
  return derived;
}

std::string signature(std::string_view canonical, const Credentials& credentials, const SigningScope& scope,
                      std::string_view date) {
  const auto key = signing_key(credentials, scope, date.substr(0, day_letters));
  return hex(hmac_sha256(key->reveal(), string_to_sign(canonical, scope, date)));
}

void append_to_query(http::Request& request, const std::string& name, const std::string& value) {
  const std::string& text = request.url.text();
  bool has_query = text.find('?') != std::string::npos;
  std::string_view joint = !has_query ? "?" : request.url.query().empty() ? "" : "&";
  request.url = Url::parse(text + std::string{joint} + name + "=" + percent_encoded(value));
}

}  // namespace

std::string canonical_request(const http::Request& request, const SigningOptions& options) {
  return canonical_request(request, signed_fields(request), options);
}

std::string string_to_sign(std::string_view canonical_request, const SigningScope& scope, WallTime now) {
  return string_to_sign(canonical_request, scope, amz_date(now));
}

void sign(http::Request& request, const Credentials& credentials, const SigningScope& scope, WallTime now,
          const SigningOptions& options) {
  request.headers.remove("authorization");
  request.headers.remove("x-amz-security-token");
  request.headers.set("host", request.url.authority());
  const std::string date = amz_date(now);
  request.headers.set("x-amz-date", date);
  if (options.content_sha256) request.headers.set("x-amz-content-sha256", hex(sha256(request.body)));
  auto add_token = [&] {
    if (!credentials.session_token.empty())
      request.headers.set("x-amz-security-token", std::string{credentials.session_token.reveal()});
  };
  if (options.sign_token) add_token();
  const SignedFields fields = signed_fields(request);
  request.headers.set("authorization",
                      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", signing_algorithm,
                                  credentials.access_key_id, credential_scope(scope, date), fields.names,
                                  signature(canonical_request(request, fields, options), credentials, scope, date)));
  if (!options.sign_token) add_token();
}

void presign(http::Request& request, const Credentials& credentials, const SigningScope& scope, WallTime now,
             Duration expires, const SigningOptions& options) {
  request.headers.set("host", request.url.authority());
  const std::string date = amz_date(now);
  auto add_token = [&] {
    if (!credentials.session_token.empty())
      append_to_query(request, "X-Amz-Security-Token", std::string{credentials.session_token.reveal()});
  };
  append_to_query(request, "X-Amz-Algorithm", std::string{signing_algorithm});
  append_to_query(request, "X-Amz-Credential", credentials.access_key_id + "/" + credential_scope(scope, date));
  append_to_query(request, "X-Amz-Date", date);
  append_to_query(request, "X-Amz-Expires",
                  std::to_string(std::chrono::duration_cast<std::chrono::seconds>(expires).count()));
  const SignedFields fields = signed_fields(request);  // the query is none of them
  append_to_query(request, "X-Amz-SignedHeaders", fields.names);
  if (options.sign_token) add_token();
  std::string signed_with = signature(canonical_request(request, fields, options), credentials, scope, date);
  if (!options.sign_token) add_token();
  append_to_query(request, "X-Amz-Signature", signed_with);
}

}  // namespace certferry::aws
