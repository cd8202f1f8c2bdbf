#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "base/failure.h"
#include "crypto/digest.h"
#include "outside/clock.h"
#include "outside/transport.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/xml.h"

namespace certferry::testing {

// One bucket ("state") and one KMS key, as far as the state needs them; signatures are not looked at. Replies can be
// lost, and S3's clock is not ours.
class PaperCloud final : public Transport {
 public:
  explicit PaperCloud(Clock& clock) : clock_(clock) {}
  struct Object {
    Bytes body;
    std::string etag;
    WallTime modified;
  };
  enum class Fault {
    none,
    lost_reply,    // done, but nobody hears of it
    lost_request,  // not done, and nobody knows
    busy,          // 409 ConditionalRequestConflict
    arrives_late,  // done just before the next request
    unreachable,   // surely not done
    slow,          // done, after a while
  };
  std::map<std::string, Object> objects;
  std::deque<Fault> put_faults;  // of the next writes
  int gets_unreachable = 0;      // so many of the next reads
  Duration ahead{};              // S3's clock before ours
  int kms_calls = 0;
  std::function<void()> on_lost;  // called for each lost request
  std::function<void()> on_slow;  // called before a slow one is done
  std::string denied;             // an S3 error code for everything
  bool kms_denies = false;        // to decrypt
  std::size_t page = 1000;

  Task<http::Response> send(http::Request request) override {
    if (late_) {
      handle(*std::exchange(late_, std::nullopt));
    }
    if (request.headers.get("x-amz-target")) co_return key_management(request);
    if (request.method == "GET" && gets_unreachable > 0) {
      --gets_unreachable;
      throw Failure(Failure::Kind::transient, "nobody is there", "Look at the network");
    }
    if (request.method != "PUT" || put_faults.empty()) co_return handle(request);
    const Fault fault = put_faults.front();
    put_faults.pop_front();
    switch (fault) {
      case Fault::none:
        co_return handle(request);
      case Fault::slow:
        if (on_slow) on_slow();
        co_return handle(request);
      case Fault::busy:
        co_return error(409, "ConditionalRequestConflict");
      case Fault::lost_reply:
        handle(request);
        break;
      case Fault::arrives_late:
        late_ = request;
        break;
      case Fault::unreachable:
        throw Failure(Failure::Kind::transient, "nobody is there", "Look at the network");
      case Fault::lost_request:
        if (on_lost) on_lost();
        break;
    }
    throw Failure(Failure::Kind::outcome_unknown, "the line broke", "Look at the network");
  }
  Task<PeerChain> handshake(Endpoint, std::string, KeyType) override { co_return PeerChain{}; }

 private:
  WallTime s3_now() const { return std::chrono::floor<std::chrono::seconds>(clock_.now() + ahead); }

  http::Response reply(int status, Bytes body = "") const {
    return {status, {{"Date", http_date(s3_now())}}, std::move(body)};
  }
  http::Response error(int status, const std::string& code) const {
    return reply(status, "<Error><Code>" + code + "</Code><Message>said</Message></Error>");
  }

  http::Response handle(const http::Request& request) {
    if (!denied.empty()) return error(denied == "NoSuchBucket" ? 404 : 403, denied);
    const std::string key = percent_decoded(request.url.path().substr(1)).value();
    if (key.empty()) return list(parse_query(request.url.query()));
    auto found = objects.find(key);
    if (request.method == "GET") {
      if (found == objects.end()) return error(404, "NoSuchKey");
      http::Response there = reply(200, found->second.body);
      there.headers.set("ETag", found->second.etag);
      there.headers.set("Last-Modified", http_date(found->second.modified));
      return there;
    }
    if (auto match = request.headers.get("if-match")) {
      if (found == objects.end()) return error(404, "NoSuchKey");
      if (*match != found->second.etag) return error(412, "PreconditionFailed");
    } else if (found != objects.end()) {
      return error(412, "PreconditionFailed");
    }
    if (request.method == "DELETE") {
      objects.erase(found);
      return reply(204);
    }
    const std::string etag = "\"" + hex(sha256(request.body)).substr(0, 32) + "\"";
    objects.insert_or_assign(key, Object{request.body, etag, s3_now()});
    http::Response stored = reply(200);
    stored.headers.set("ETag", etag);
    return stored;
  }

  http::Response list(const QueryParameters& query) const {
    std::string prefix, after;
    for (const auto& [name, value] : query) {
      if (name == "prefix") prefix = value;
      if (name == "continuation-token") after = value;
    }
    XmlWriter xml{"ListBucketResult"};
    std::size_t listed = 0;
    std::string last;
    for (const auto& [key, object] : objects) {
      if (!key.starts_with(prefix) || key <= after) continue;
      if (listed++ == page) {
        xml.text("IsTruncated", "true").text("NextContinuationToken", last);
        return reply(200, xml.done());
      }
      xml.open("Contents").text("Key", percent_encoded(key, "-._~/")).close();
      last = key;
    }
    return reply(200, xml.text("IsTruncated", "false").done());
  }

  // The "ciphertext" is the data key's number with its context: decrypting with another context fails.
  http::Response key_management(const http::Request& request) {
    ++kms_calls;
    const Json input = Json::parse(request.body, "the request");
    const std::string context = input.at("EncryptionContext").dump();
    if (request.headers.get("x-amz-target")->ends_with("GenerateDataKey")) {
      const std::string blob = std::to_string(data_keys_.size()) + context;
      data_keys_[blob] = sha256(blob);
      return reply(200, Json::object({{"CiphertextBlob", base64(blob)},
                                      {"KeyId", "arn:aws:kms:eu-west-1:123456789012:key/1"},
                                      {"Plaintext", base64(data_keys_[blob])}})
                            .dump());
    }
    if (kms_denies) return reply(400, R"({"__type": "AccessDeniedException"})");
    const std::string blob = parse_base64(input.at("CiphertextBlob").as_text()).value();
    auto found = data_keys_.find(blob);
    if (found == data_keys_.end() || !blob.ends_with(context))
      return reply(400, R"({"__type": "InvalidCiphertextException"})");
    return reply(
        200, Json::object({{"KeyId", "arn:aws:kms:eu-west-1:123456789012:key/1"}, {"Plaintext", base64(found->second)}})
                 .dump());
  }

  Clock& clock_;
  std::optional<http::Request> late_;
  std::map<std::string, Bytes> data_keys_;
};

}  // namespace certferry::testing
