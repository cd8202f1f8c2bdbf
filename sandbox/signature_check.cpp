#include "sandbox/signature_check.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "crypto/digest.h"
#include "wire/base64.h"
#include "wire/url.h"

// AWS Signature Version 4 as the IAM User Guide words it ("Create a signed AWS API request"), from the verifier's side.
namespace certferry::sandbox {
namespace {

constexpr std::string_view sigv4_algorithm = "AWS4-HMAC-SHA256";
constexpr Duration sigv4_skew = minutes(15);
constexpr std::string_view empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

[[noreturn]] void refuse_signature(std::string_view code, std::string_view why) {
  throw Failure(Failure::Kind::refused, fmt::format("{}: {}", code, why), "Sign the request as SigV4 says.")
      .with_code(std::string{code});
}

std::string lower_case(std::string_view text) {
  std::string lower{text};
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// What an Authorization field says: parts of it.
struct Claimed {
  std::string_view access_key_id, scope, date, region, service;
  std::string_view signed_names;
  std::vector<std::string_view> signed_headers;  // the same, one by one
  std::string_view signature;
};

Claimed claimed_in(std::string_view field) {
  if (!field.starts_with(sigv4_algorithm)) refuse_signature("IncompleteSignature", "the algorithm is unknown");
  std::string_view credential, headers;
  Claimed claimed;
  for (std::string_view part : split_at(field.substr(sigv4_algorithm.size()), ',')) {
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) refuse_signature("IncompleteSignature", "a part has no value");
    const std::string_view name = part.substr(0, equals), value = part.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") headers = value;
    if (name == "Signature") claimed.signature = value;
  }
  const auto scope = split_at(credential, '/');
  if (scope.size() != 5 || scope[4] != "aws4_request" || headers.empty() || claimed.signature.size() != 64)
    refuse_signature("IncompleteSignature", "Credential, SignedHeaders or Signature is missing or malformed");
  claimed.access_key_id = scope[0];
  claimed.scope = credential.substr(scope[0].size() + 1);
  claimed.date = scope[1];
  claimed.region = scope[2];
  claimed.service = scope[3];
  claimed.signed_names = headers;
  claimed.signed_headers = split_at(headers, ';');
  return claimed;
}

// Dot segments and empty segments resolved (RFC 3986 section 6), as all services but S3 do.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view segment : split_at(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string result = fmt::format("/{}", fmt::join(kept, "/"));
  const bool ends_in_segment = !path.ends_with('/') && !path.ends_with("/.") && !path.ends_with("/..");
  return kept.empty() || ends_in_segment ? result : result + "/";
}

std::string canonical_path(const Url& url, bool s3) {
  if (!s3) return percent_encoded(normalised(url.path()), "-._~/");
  const auto decoded = percent_decoded(url.path());
  if (!decoded) refuse_signature("InvalidURI", "the path has a broken escape");
  return percent_encoded(*decoded, "-._~/");
}

std::string canonical_query(const Url& url) {
  if (url.query().empty()) return "";
  std::vector<std::pair<std::string, std::string>> fields;
  for (const std::string_view field : split_at(url.query(), '&')) {
    if (field.empty()) continue;
    const auto equals = std::min(field.find('='), field.size());
    const auto name = percent_decoded(field.substr(0, equals));
    const auto value = percent_decoded(equals < field.size() ? field.substr(equals + 1) : "");
    if (!name || !value) refuse_signature("SignatureDoesNotMatch", "the query has a broken escape");
    fields.emplace_back(percent_encoded(*name), percent_encoded(*value));
  }
  std::ranges::sort(fields);
  std::string result;
  for (const auto& [name, value] : fields) result += fmt::format("{}{}={}", result.empty() ? "" : "&", name, value);
  return result;
}

std::string squeezed(std::string_view value) {
  std::string result;
  for (char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (result.empty() || result.back() == ' ')) continue;
    result += blank ? ' ' : c;
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

// The request's fields in their order of arrival, their names in lower case.
using LowerFields = std::vector<std::pair<std::string, std::string_view>>;

LowerFields lower_fields(const http::Request& request) {
  LowerFields fields;
  for (const auto& [field, value] : request.headers.fields()) fields.emplace_back(lower_case(field), value);
  return fields;
}

void append_canonical_header(std::string& headers, const http::Request& request, const LowerFields& fields,
                             std::string_view name) {
  bool found = false;
  for (const auto& [field, value] : fields) {
    if (field != name) continue;
    (std::exchange(found, true) ? headers.append(",") : headers.append(name).append(":")).append(squeezed(value));
  }
  if (!found && name != "host")
    refuse_signature("SignatureDoesNotMatch", fmt::format("the signed field {} is missing", name));
  if (!found) headers.append("host:").append(request.url.authority());
  headers += '\n';
}

void check_signed_headers(const LowerFields& fields, const std::vector<std::string_view>& names) {
  if (!std::ranges::is_sorted(names)) refuse_signature("SignatureDoesNotMatch", "SignedHeaders is not sorted");
  const auto is_signed = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  for (const std::string_view name : names)
    if (name != lower_case(name)) refuse_signature("SignatureDoesNotMatch", "SignedHeaders is not in lower case");
  if (!is_signed("host")) refuse_signature("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader'");
  for (const auto& [name, value] : fields) {
    // The token may be added after signing; every other x-amz- field belongs to what is signed.
    if (name.starts_with("x-amz-") && name != "x-amz-security-token" && !is_signed(name))
      refuse_signature("AccessDenied", fmt::format("there were headers which were not signed: {}", name));
  }
}

std::string payload_hash(const http::Request& request, bool s3) {
  std::string actual = request.body.empty() ? std::string{empty_hash} : hex(sha256(request.body));
  const auto said = request.headers.get("x-amz-content-sha256");
  if (!said && s3) refuse_signature("InvalidRequest", "missing required header: x-amz-content-sha256");
  if (!said) return actual;
  if (*said == "UNSIGNED-PAYLOAD" && s3 && request.url.secure()) return *said;
  if (*said != actual) refuse_signature("XAmzContentSHA256Mismatch", "x-amz-content-sha256 is not the body's hash");
  return *said;
}

// The moment that was signed, as text; refused where it is not near `now` or not of the credential's day.
std::string signed_date(const http::Request& request, const Claimed& claimed, WallTime now) {
  const std::string date = request.headers.get("x-amz-date").value_or("");
  const auto at = parse_amz_date(date);
  if (!at) refuse_signature("IncompleteSignature", "x-amz-date is missing or malformed");
  if (!date.starts_with(claimed.date)) refuse_signature("SignatureDoesNotMatch", "the scope is of another day");
  if (*at > now + sigv4_skew || *at < now - sigv4_skew)
    refuse_signature("RequestTimeTooSkewed", fmt::format("signed at {}, it is {} here", date, amz_date(now)));
  return date;
}

// AWS General Reference, "Deriving the signing key"; derived once for each day and service, as AWS's clients do it too.
const Bytes& signing_key(const std::string& secret, const Claimed& claimed) {
  constexpr std::size_t most_held = 256;
  static std::map<std::string, Bytes> held;
  if (held.size() > most_held) held.clear();
  std::string found_by = secret;
  for (const std::string_view part : {claimed.date, claimed.region, claimed.service})
    found_by.append("\n").append(part);
  Bytes& key = held[found_by];
  if (!key.empty()) return key;
  key = "AWS4" + secret;
  for (const std::string_view part : {claimed.date, claimed.region, claimed.service, std::string_view{"aws4_request"}})
    key = hmac_sha256(key, part);
  return key;
}

}  // namespace

CheckedSignature check_sigv4(const http::Request& request, WallTime now,
                             const std::function<std::optional<std::string>(const std::string&)>& secret_of) {
  const auto field = request.headers.get("Authorization");
  if (!field) refuse_signature("MissingAuthenticationToken", "the request has no Authorization");
  const Claimed claimed = claimed_in(*field);
  const bool s3 = claimed.service == "s3";
  const auto secret = secret_of(std::string{claimed.access_key_id});
  if (!secret)
    refuse_signature(s3 ? "InvalidAccessKeyId" : "InvalidClientTokenId", "the access key id is not known here");
  const std::string date = signed_date(request, claimed, now);
  const LowerFields fields = lower_fields(request);
  check_signed_headers(fields, claimed.signed_headers);

  std::string canonical = request.method;
  canonical.append("\n").append(canonical_path(request.url, s3));
  canonical.append("\n").append(canonical_query(request.url)).append("\n");
  for (const std::string_view name : claimed.signed_headers) append_canonical_header(canonical, request, fields, name);
  canonical.append("\n").append(claimed.signed_names).append("\n").append(payload_hash(request, s3));
  std::string to_sign{sigv4_algorithm};
  for (const std::string_view part : {std::string_view{date}, claimed.scope}) to_sign.append("\n").append(part);
  to_sign.append("\n").append(hex(sha256(canonical)));

  if (hex(hmac_sha256(signing_key(*secret, claimed), to_sign)) != claimed.signature)
    refuse_signature("SignatureDoesNotMatch", fmt::format("the canonical request should have been:\n{}\n", canonical));
  return {std::string{claimed.access_key_id}, std::string{claimed.region}, std::string{claimed.service}};
}

}  // namespace certferry::sandbox
