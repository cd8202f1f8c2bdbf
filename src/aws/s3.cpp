#include "aws/s3.h"

#include <algorithm>
#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/page_token.h"
#include "aws/xml_protocol.h"
#include "base/failure.h"
#include "crypto/digest.h"
#include "wire/base64.h"

namespace certferry::aws {
namespace {

std::optional<WallTime> date_in(const http::Response& answer, std::string_view field) {
  auto text = answer.headers.get(field);
  return text ? parse_http_date(*text) : std::nullopt;
}

// Which version of the object it is about. S3 always says it; a page of somebody who stands between seldom does.
std::string etag_in(const Call& call, const http::Response& answer) {
  std::string etag = answer.headers.get("etag").value_or("");
  if (etag.empty()) throw unfit_answer(call, "the answer has no ETag");
  return etag;
}

// encoding-type=url writes a blank as "+".
std::string listed_key(std::string text) {
  std::ranges::replace(text, '+', ' ');
  return percent_decoded(text).value_or(text);
}

}  // namespace

Call S3::call(std::string operation, std::string method, const std::string& bucket, const std::string& key) const {
  const std::string path = key.empty() ? "" : "/" + percent_encoded(key, "-._~/");  // "": the bucket itself
  Call call = rest_xml_call("s3", std::move(operation), "s3://" + bucket + "/" + key, std::move(method), path);
  call.bucket = bucket;
  call.deadline = deadline_;
  call.urgent = urgent_;
  return call;
}

Task<std::optional<S3Object>> S3::get(const std::string& bucket, const std::string& key) {
  const Call call = this->call("GetObject", "GET", bucket, key);
  try {
    http::Response answer = co_await client_.send(call);
    std::string etag = etag_in(call, answer);
    co_return S3Object{.body = std::move(answer.body),
                       .etag = std::move(etag),
                       .modified = date_in(answer, "last-modified"),
                       .date = date_in(answer, "date")};
  } catch (const Failure& failure) {
    if (failure.code() != "NoSuchKey") throw;
  }
  co_return std::nullopt;
}

Task<std::variant<std::string, S3Lost>> S3::put(const std::string& bucket, const std::string& key, const Bytes& body,
                                                std::optional<std::string> if_match) {
  Call call = this->call("PutObject", "PUT", bucket, key);
  call.headers.set("content-type", "application/octet-stream");
  call.headers.set(if_match ? "if-match" : "if-none-match", if_match.value_or("*"));
  // source: S3 UserGuide, "Using S3 Object Lock": a bucket with a default retention takes no PUT without a checksum
  call.headers.set("x-amz-checksum-sha256", base64(sha256(body)));
  call.body = body;
  call.repeatable = false;
  try {
    co_return etag_in(call, co_await client_.send(call));
  } catch (const Failure& failure) {
    bool gone = if_match && failure.code() == "NoSuchKey";
    if (failure.code() != "PreconditionFailed" && !gone) throw;
  }
  co_return S3Lost{};
}

Task<std::variant<std::monostate, S3Lost>> S3::remove(const std::string& bucket, const std::string& key,
                                                      const std::string& if_match) {
  Call call = this->call("DeleteObject", "DELETE", bucket, key);
  call.headers.set("if-match", if_match);
  try {
    const http::Response answer = co_await client_.send(call);
    // source: Amazon S3 API reference, DeleteObject: 204; a page of somebody who stands between is a 200
    call.repeatable = false;  // it was answered, and may have been done
    if (answer.status != 204) throw unfit_answer(call, fmt::format("HTTP {} instead of 204", answer.status));
    co_return std::monostate{};
  } catch (const Failure& failure) {
    if (failure.code() == "NoSuchKey") co_return std::monostate{};
    if (failure.code() != "PreconditionFailed") throw;
  }
  co_return S3Lost{};
}

Task<std::vector<std::string>> S3::list(const std::string& bucket, const std::string& prefix) {
  std::vector<std::string> out;
  PageToken token;
  do {
    Call call = this->call("ListObjectsV2", "GET", bucket, "");
    call.object = "s3://" + bucket + "/" + prefix;
    call.query = {{"encoding-type", "url"}, {"list-type", "2"}, {"prefix", prefix}};
    if (!token.empty()) call.query.emplace_back("continuation-token", token.text());
    http::Response answer = co_await client_.send(call);
    Xml page = xml_answer(call, answer, "ListBucketResult");
    for (const Xml& object : page.children("Contents")) out.push_back(listed_key(object.text("Key")));
    token.follow(call, page.text("IsTruncated") == "true", page.text("NextContinuationToken"));
  } while (!token.empty());
  std::ranges::sort(out);
  co_return out;
}

Task<bool> S3::versioned(const std::string& bucket) {
  Call call = this->call("GetBucketVersioning", "GET", bucket, "");
  call.object = "s3://" + bucket;
  call.query = {{"versioning", ""}};
  http::Response answer = co_await client_.send(call);
  co_return xml_answer(call, answer, "VersioningConfiguration").text("Status") == "Enabled";
}

}  // namespace certferry::aws
