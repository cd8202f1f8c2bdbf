#include "sandbox/buckets.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "crypto/digest.h"
#include "sandbox/query_reply.h"
#include "sandbox/world.h"
#include "wire/base64.h"
#include "wire/xml.h"

namespace certferry::sandbox {
namespace {

constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr std::size_t kPageMost = 1000, kKeyMost = 1024;

http::Response s3_reply(int status, Bytes body = "", std::string_view type = "application/xml") {
  http::Response response;
  response.status = status;
  if (!body.empty()) response.headers.set("Content-Type", std::string{type});
  response.body = std::move(body);
  return response;
}

http::Response s3_error(const World& world, const Refusal& refusal, const std::string& resource) {
  XmlWriter xml{"Error"};
  xml.text("Code", refusal.code).text("Message", refusal.message).text("Resource", resource);
  xml.text("RequestId", request_id(world));
  return s3_reply(refusal.status, xml.done());
}

// Of the content, as S3's is without KMS: the same body again has the same ETag.
std::string etag_of(BytesView body) { return fmt::format("\"{}\"", hex(sha256(body)).substr(0, 32)); }

bool etag_matches(const std::string& condition, const std::string& etag) {
  return condition == "*" || condition == etag || fmt::format("\"{}\"", condition) == etag;
}

[[noreturn]] void refuse_precondition(std::string_view condition) {
  throw Refusal{412, "PreconditionFailed",
                fmt::format("At least one of the pre-conditions you specified did not hold ({})", condition)};
}

[[noreturn]] void refuse_unknown_header() {
  throw Refusal{501, "NotImplemented", "A header you provided implies functionality that is not implemented"};
}

[[noreturn]] void refuse_no_key() { throw Refusal{404, "NoSuchKey", "The specified key does not exist."}; }

void check_payload_digest(const http::Request& request) {
  auto digest = request.headers.get("x-amz-content-sha256");
  if (!digest) throw Refusal{400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"};
  if (digest->starts_with("STREAMING-"))
    throw Refusal{501, "NotImplemented", "This sandbox takes no chunked payloads."};
  if (*digest != "UNSIGNED-PAYLOAD" && *digest != hex(sha256(request.body)))
    throw Refusal{400, "XAmzContentSHA256Mismatch",
                  "The provided 'x-amz-content-sha256' header does not match what was computed."};
}

// x-amz-content-sha256 does not count under Object Lock.
void check_checksum(const http::Request& request, bool locked) {
  const auto given = request.headers.get("x-amz-checksum-sha256");
  if (given && *given != base64(sha256(request.body)))
    throw Refusal{400, "BadDigest", "The SHA256 you specified did not match the calculated checksum."};
  if (locked && !given && !request.headers.get("Content-MD5"))
    throw Refusal{400, "InvalidRequest",
                  "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock "
                  "parameters"};
}

std::string s3_operation(const http::Request& request, bool has_key) {
  bool location = request.url.query().starts_with("location");
  bool versioning = !has_key && request.url.query().starts_with("versioning");
  if (versioning && request.method == "GET") return "GetBucketVersioning";
  if (versioning && request.method == "PUT") return "PutBucketVersioning";
  if (request.method == "GET") return has_key ? "GetObject" : location ? "GetBucketLocation" : "ListObjectsV2";
  if (request.method == "HEAD") return has_key ? "HeadObject" : "HeadBucket";
  if (request.method == "PUT") return has_key ? "PutObject" : "CreateBucket";
  if (request.method == "DELETE") return has_key ? "DeleteObject" : "DeleteBucket";
  return request.method;
}

std::string query_value(const QueryParameters& query, std::string_view name) {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return "";
}

std::size_t max_keys(const QueryParameters& query) {
  std::string said = query_value(query, "max-keys");
  if (said.empty()) return kPageMost;
  std::size_t size = 0;
  auto [end, error] = std::from_chars(said.data(), said.data() + said.size(), size);
  if (error != std::errc{} || end != said.data() + said.size())
    throw Refusal{400, "InvalidArgument", "Provided max-keys not an integer or within integer range"};
  return std::min(size, kPageMost);
}

// The name of a virtual host's bucket: "bucket.s3.eu-west-1.amazonaws.com", "bucket.localhost".
std::string bucket_of_host(const std::string& host) {
  if (auto at = host.find(".s3."); at != std::string::npos) return host.substr(0, at);
  if (host.ends_with(".localhost")) return host.substr(0, host.size() - std::string_view{".localhost"}.size());
  return "";
}

}  // namespace

Buckets::Place Buckets::place_of(const http::Request& request) const {
  std::string path = percent_decoded(request.url.path().substr(1)).value_or(request.url.path().substr(1));
  if (std::string bucket = bucket_of_host(request.url.host()); !bucket.empty()) return {bucket, path};
  auto slash = path.find('/');
  if (slash == std::string::npos) return {path, ""};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

http::Response Buckets::handle(const http::Request& request, WallTime now) {
  Place place = place_of(request);
  std::string operation = s3_operation(request, !place.key.empty());
  http::Response response;
  bool changed = false;
  try {
    check_payload_digest(request);
    if (auto owner = request.headers.get("x-amz-expected-bucket-owner"); owner && *owner != world_.settings().account)
      throw Refusal{403, "AccessDenied", "Access Denied"};
    if (operation == "CreateBucket") {
      if (by_name.contains(place.bucket))
        throw Refusal{409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded."};
      add(place.bucket);
      response = s3_reply(200);
    } else {
      if (!by_name.contains(place.bucket)) throw Refusal{404, "NoSuchBucket", "The specified bucket does not exist"};
      if (operation == "GetObject" || operation == "HeadObject")
        response = get(request, place, now);
      else if (operation == "PutObject")
        response = put(request, place, now);
      else if (operation == "DeleteObject")
        response = remove(request, place);
      else if (operation == "ListObjectsV2")
        response = list(request, place);
      else if (operation == "GetBucketVersioning")
        response = get_versioning(place);
      else if (operation == "PutBucketVersioning")
        response = put_versioning(request, place);
      else if (operation == "HeadBucket")
        response = s3_reply(200);
      else if (operation == "GetBucketLocation")
        response = s3_reply(200, XmlWriter{"LocationConstraint", kS3Namespace}.done());
      else
        throw Refusal{405, "MethodNotAllowed", "The specified method is not allowed against this resource."};
    }
    changed = request.method == "PUT" || request.method == "DELETE";
  } catch (const Refusal& refusal) {
    response = s3_error(world_, refusal, fmt::format("/{}/{}", place.bucket, place.key));
  }
  response.headers.set("Date", http_date(now));
  response.headers.set("x-amz-request-id", request_id(world_));
  response.headers.set("x-amz-bucket-region", world_.settings().region);
  world_.record({now, "s3", operation, fmt::format("{}/{}", place.bucket, place.key), response.status, changed});
  return response;
}

http::Response Buckets::get(const http::Request& request, const Place& place, WallTime) const {
  const auto& objects = by_name.at(place.bucket);
  auto found = objects.find(place.key);
  if (found == objects.end()) {
    if (!listing_allowed) throw Refusal{403, "AccessDenied", "Access Denied"};
    refuse_no_key();
  }
  const auto& object = found->second;
  if (auto wanted = request.headers.get("If-Match"); wanted && !etag_matches(*wanted, object.etag))
    refuse_precondition("If-Match");
  auto known = request.headers.get("If-None-Match");
  bool unchanged = known && etag_matches(*known, object.etag);
  auto response = s3_reply(unchanged ? 304 : 200, unchanged ? "" : object.body, "application/octet-stream");
  response.headers.set("ETag", object.etag);
  response.headers.set("Last-Modified", http_date(object.modified));
  response.headers.set("Accept-Ranges", "bytes");
  return response;
}

std::optional<std::string> Buckets::condition(const http::Request& request, std::string_view name) const {
  std::optional<std::string> said = request.headers.get(name);
  if (said && conditions_refused) refuse_unknown_header();
  return conditions_honoured ? said : std::nullopt;
}

http::Response Buckets::put(const http::Request& request, const Place& place, WallTime now) {
  if (place.key.size() > kKeyMost) throw Refusal{400, "KeyTooLongError", "Your key is too long"};
  check_checksum(request, locked);
  auto& objects = by_name.at(place.bucket);
  auto found = objects.find(place.key);
  auto if_match = condition(request, "If-Match"), if_none_match = condition(request, "If-None-Match");
  if (if_none_match && *if_none_match != "*") refuse_unknown_header();
  if ((if_match || if_none_match) && conflict_next > 0) {
    --conflict_next;
    throw Refusal{409, "ConditionalRequestConflict",
                  "The conditional request cannot succeed due to a conflicting operation against this resource."};
  }
  if (if_none_match && found != objects.end()) refuse_precondition("If-None-Match");
  if (if_match && found == objects.end()) refuse_no_key();
  if (if_match && !etag_matches(*if_match, found->second.etag)) refuse_precondition("If-Match");
  SimulatedObject object{request.body, etag_of(request.body), now};
  auto response = s3_reply(200);
  response.headers.set("ETag", object.etag);
  objects.insert_or_assign(place.key, std::move(object));
  return response;
}

http::Response Buckets::remove(const http::Request& request, const Place& place) {
  auto& objects = by_name.at(place.bucket);
  auto found = objects.find(place.key);
  if (auto wanted = condition(request, "If-Match")) {
    if (conflict_next > 0) {
      --conflict_next;
      throw Refusal{409, "ConditionalRequestConflict",
                    "The conditional request cannot succeed due to a conflicting operation against this resource."};
    }
    if (found == objects.end()) refuse_no_key();
    if (!etag_matches(*wanted, found->second.etag)) refuse_precondition("If-Match");
  }
  if (found != objects.end()) objects.erase(found);
  return s3_reply(204);
}

http::Response Buckets::list(const http::Request& request, const Place& place) const {
  auto query = parse_query(request.url.query(), true);
  if (query_value(query, "list-type") != "2")
    throw Refusal{501, "NotImplemented", "This sandbox lists by version 2 of the operation alone."};
  if (!listing_allowed) throw Refusal{403, "AccessDenied", "Access Denied"};
  std::string prefix = query_value(query, "prefix"), token = query_value(query, "continuation-token");
  std::string delimiter = query_value(query, "delimiter"), after = query_value(query, "start-after");
  bool encoded = query_value(query, "encoding-type") == "url";
  auto shown = [&](const std::string& key) { return encoded ? percent_encoded(key, "-._~/") : key; };
  if (!token.empty()) {
    auto from = parse_base64url(token);
    if (!from) throw Refusal{400, "InvalidArgument", "The continuation token provided is incorrect"};
    after = *from;
  }
  std::size_t most = max_keys(query);
  std::string last;
  std::vector<std::pair<std::string, const SimulatedObject*>> contents;
  std::set<std::string> folders;
  bool truncated = false;
  for (const auto& [key, object] : by_name.at(place.bucket)) {
    if (key <= after || !key.starts_with(prefix)) continue;
    auto cut = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    std::string folder = cut == std::string::npos ? "" : key.substr(0, cut + delimiter.size());
    if (!folder.empty() && (folders.contains(folder) || after.starts_with(folder))) {
      if (folders.contains(folder)) last = key;
      continue;
    }
    if (contents.size() + folders.size() == most) {
      truncated = most > 0;
      break;
    }
    last = key;
    if (folder.empty())
      contents.emplace_back(key, &object);
    else
      folders.insert(folder);
  }
  XmlWriter xml{"ListBucketResult", kS3Namespace};
  xml.text("Name", place.bucket).text("Prefix", shown(prefix)).text("MaxKeys", std::to_string(most));
  xml.text("KeyCount", std::to_string(contents.size() + folders.size()));
  if (encoded) xml.text("EncodingType", "url");
  if (!delimiter.empty()) xml.text("Delimiter", shown(delimiter));
  xml.text("IsTruncated", truncated ? "true" : "false");
  if (!token.empty()) xml.text("ContinuationToken", token);
  if (truncated) xml.text("NextContinuationToken", base64url(last));
  for (const auto& [key, object] : contents) {
    xml.open("Contents").text("Key", shown(key)).text("LastModified", iso8601(object->modified));
    xml.text("ETag", object->etag).text("Size", std::to_string(object->body.size()));
    xml.text("StorageClass", "STANDARD").close();
  }
  for (const auto& folder : folders) xml.open("CommonPrefixes").text("Prefix", shown(folder)).close();
  return s3_reply(200, xml.done());
}

// A bucket that never had it says nothing at all.
http::Response Buckets::get_versioning(const Place& place) const {
  XmlWriter xml{"VersioningConfiguration", kS3Namespace};
  if (const auto said = versioning.find(place.bucket); said != versioning.end()) xml.text("Status", said->second);
  return s3_reply(200, xml.done());
}

http::Response Buckets::put_versioning(const http::Request& request, const Place& place) {
  std::string status;
  try {
    status = Xml::parse(request.body, "the request").text("Status");
  } catch (const Failure&) {
    throw Refusal{400, "MalformedXML", "The XML you provided was not well-formed"};
  }
  if (status != "Enabled" && status != "Suspended")
    throw Refusal{400, "IllegalVersioningConfigurationException",
                  "The Versioning element must be specified as Enabled or Suspended"};
  versioning[place.bucket] = status;
  return s3_reply(200);
}

}  // namespace certferry::sandbox
