#include "aws/sigv4.h"

#include <algorithm>
#include <array>
#include <map>

#include "crypto/digest.h"
#include "wire/base64.h"
#include "wire/url.h"

namespace certferry::aws {
namespace {

constexpr std::string_view signing_algorithm = "AWS4-HMAC-SHA256";
// What proxies and our own transport may change on the way, and the signature itself.
constexpr std::array unsigned_fields = {"authorization", "user-agent",      "connection",
                                        "expect",        "x-amzn-trace-id", "transfer-encoding"};

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

// RFC 3986 section 5.2.4, and empty segments dropped; a final slash stays.
std::string normalized_path(std::string_view path) {
  std::vector<std::string_view> kept;
  std::size_t at = 0;
  bool directory = false;
  while (at < path.size()) {
    std::size_t end = std::min(path.find('/', at), path.size());
    std::string_view segment = path.substr(at, end - at);
    directory = end < path.size() || segment == "." || segment == "..";
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
    if (i + 1 < kept.size() || directory) out += '/';
  }
  return out;
}

std::string canonical_path(const Url& url, const SigningOptions& options) {
  std::string path = options.normalize_path ? normalized_path(url.path()) : url.path();
  if (!options.encode_path_twice) path = percent_decoded(path).value_or(path);
  return percent_encoded(path, "-._~/");
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

// Lower-case name -> values joined by commas in order of arrival.
std::map<std::string, std::string> signed_fields(const http::Request& request) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : request.headers.fields()) {
    std::string key = lower_field(name);
    if (std::ranges::find(unsigned_fields, key) != unsigned_fields.end()) continue;
    auto [place, fresh] = out.try_emplace(key, squeezed(value));
    if (!fresh) place->second += "," + squeezed(value);
  }
  out.try_emplace("host", request.url.authority());
  return out;
}

std::string signed_field_names(const http::Request& request) {
  std::string out;
  for (const auto& [name, value] : signed_fields(request)) out += (out.empty() ? "" : ";") + name;
  return out;
}

std::string credential_scope(const SigningScope& scope, WallTime now) {
  return amz_date(now).substr(0, 8) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

std::string signature(const http::Request& request, const Credentials& credentials, const SigningScope& scope,
                      WallTime now, const SigningOptions& options) {
  Secret first{"AWS4" + std::string{credentials.secret_access_key.reveal()}};
  Bytes key = hmac_sha256(first.reveal(), amz_date(now).substr(0, 8));
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  key = hmac_sha256(key, "aws4_request");
  return hex(hmac_sha256(key, string_to_sign(canonical_request(request, options), scope, now)));
}

void append_to_query(http::Request& request, const std::string& name, const std::string& value) {
  const std::string& text = request.url.text();
  bool has_query = text.find('?') != std::string::npos;
  std::string_view joint = !has_query ? "?" : request.url.query().empty() ? "" : "&";
  request.url = Url::parse(text + std::string{joint} + name + "=" + percent_encoded(value));
}

}  // namespace

std::string canonical_request(const http::Request& request, const SigningOptions& options) {
  std::string out =
      request.method + "\n" + canonical_path(request.url, options) + "\n" + canonical_query(request.url) + "\n";
  for (const auto& [name, value] : signed_fields(request)) out += name + ":" + value + "\n";
  out += "\n" + signed_field_names(request) + "\n";
  return out + request.headers.get("x-amz-content-sha256").value_or(hex(sha256(request.body)));
}

std::string string_to_sign(std::string_view canonical_request, const SigningScope& scope, WallTime now) {
  return std::string{signing_algorithm} + "\n" + amz_date(now) + "\n" + credential_scope(scope, now) + "\n" +
         hex(sha256(canonical_request));
}

void sign(http::Request& request, const Credentials& credentials, const SigningScope& scope, WallTime now,
          const SigningOptions& options) {
  request.headers.remove("authorization");
  request.headers.remove("x-amz-security-token");
  request.headers.set("host", request.url.authority());
  request.headers.set("x-amz-date", amz_date(now));
  if (options.content_sha256) request.headers.set("x-amz-content-sha256", hex(sha256(request.body)));
  auto add_token = [&] {
    if (!credentials.session_token.empty())
      request.headers.set("x-amz-security-token", std::string{credentials.session_token.reveal()});
  };
  if (options.sign_token) add_token();
  std::string authorization = std::string{signing_algorithm} + " Credential=" + credentials.access_key_id + "/" +
                              credential_scope(scope, now) + ", SignedHeaders=" + signed_field_names(request) +
                              ", Signature=" + signature(request, credentials, scope, now, options);
  request.headers.set("authorization", std::move(authorization));
  if (!options.sign_token) add_token();
}

void presign(http::Request& request, const Credentials& credentials, const SigningScope& scope, WallTime now,
             Duration expires, const SigningOptions& options) {
  request.headers.set("host", request.url.authority());
  auto add_token = [&] {
    if (!credentials.session_token.empty())
      append_to_query(request, "X-Amz-Security-Token", std::string{credentials.session_token.reveal()});
  };
  append_to_query(request, "X-Amz-Algorithm", std::string{signing_algorithm});
  append_to_query(request, "X-Amz-Credential", credentials.access_key_id + "/" + credential_scope(scope, now));
  append_to_query(request, "X-Amz-Date", amz_date(now));
  append_to_query(request, "X-Amz-Expires",
                  std::to_string(std::chrono::duration_cast<std::chrono::seconds>(expires).count()));
  append_to_query(request, "X-Amz-SignedHeaders", signed_field_names(request));
  if (options.sign_token) add_token();
  std::string signed_with = signature(request, credentials, scope, now, options);
  if (!options.sign_token) add_token();
  append_to_query(request, "X-Amz-Signature", signed_with);
}

}  // namespace certferry::aws
