#include "state/s3_store.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/s3.h"
#include "base/limits/store.h"
#include "state/random_token.h"
#include "state/s3_object.h"

namespace certferry {
namespace {

// The reply was lost, or S3 was busy with another write of the same key: only reading tells.
bool must_look(const Failure& failure) {
  return failure.kind() == Failure::Kind::outcome_unknown || failure.kind() == Failure::Kind::conflict;
}

Failure undecided(const Failure& last) {
  return Failure{Failure::Kind::transient, last.what(), last.next(), last.retry_after()}.with_code(last.code());
}

void require_short(const Bytes& value, const std::string& at) {
  if (value.size() <= limits::store::value_longest) return;
  throw Failure(Failure::Kind::refused,
                fmt::format("{}: {} octets are more than the {} that a value may have", at, value.size(),
                            limits::store::value_longest),
                "Share the names out to more certificates, or the certificates to more stores");
}

class S3Store final : public Store {
 public:
  S3Store(Outside& outside, aws::Client& client, std::string bucket, std::string prefix)
      : clock_(outside.clock),
        entropy_(outside.entropy),
        s3_(client),
        bucket_(std::move(bucket)),
        prefix_(s3_prefix(std::move(prefix))) {}

  Task<std::optional<Entry>> get(Key key) override {
    std::optional<aws::S3Object> object = co_await s3_.get(bucket_, prefix_ + key);
    if (!object) co_return std::nullopt;
    co_return Entry{parse_s3_body(object->body, at(key)).value, object->etag};
  }

  // The same body, token and condition with every try, so that of several that arrive one alone takes effect. Where
  // none is answered it goes on trying and looking for as long as a claim outlives its last beat; then the failure is
  // transient whether it was done or not: who writes again meets a conflict if it was.
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override {
    require_short(value, at(key));
    const std::string token = random_token(entropy_);
    const Bytes body = to_bytes(S3Body{token, std::move(value)});
    const SteadyTime until = clock_.steady() + limits::s3::decided_within;
    bool may_be_done = false;
    for (Duration pause = limits::s3::conflict_retry_first;; pause = std::min(2 * pause, limits::s3::pause_longest)) {
      std::optional<Failure> last;
      bool lost = false;
      try {
        auto outcome = co_await s3_.put(bucket_, prefix_ + key, body, replaces);
        if (auto* etag = std::get_if<std::string>(&outcome); etag && !etag->empty()) co_return std::move(*etag);
        lost = std::holds_alternative<aws::S3Lost>(outcome);
      } catch (const Failure& failure) {
        may_be_done = may_be_done || failure.kind() == Failure::Kind::outcome_unknown;
        const bool surely_not_done = !may_be_done && !must_look(failure);
        if (surely_not_done || failure.kind() == Failure::Kind::refused) throw;
        last = failure;
      }
      // A condition that does not hold may be the echo of our own earlier try: the token tells.
      try {
        std::optional<aws::S3Object> there = co_await s3_.get(bucket_, prefix_ + key);
        if (there && parse_s3_body(there->body, at(key)).token == token) co_return there->etag;
        const bool as_before = there ? replaces == there->etag : !replaces;
        if (lost || !as_before) co_return Conflict{};
      } catch (const Failure& failure) {
        if (failure.kind() == Failure::Kind::refused) throw;
        last = failure;
      }
      if (last && clock_.steady() + pause >= until) throw undecided(*last);
      co_await clock_.sleep(pause);
    }
  }

  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override {
    std::optional<Failure> last;
    for (int attempt = 0; attempt < limits::s3::conflict_attempts; ++attempt) {
      if (attempt > 0) co_await clock_.sleep(limits::s3::conflict_retry_first * (1 << (attempt - 1)));
      try {
        auto outcome = co_await s3_.remove(bucket_, prefix_ + key, version);
        if (std::holds_alternative<std::monostate>(outcome)) co_return Done{};
      } catch (const Failure& failure) {
        if (!must_look(failure)) throw;
        last = failure;
      }
      std::optional<aws::S3Object> there = co_await s3_.get(bucket_, prefix_ + key);
      if (!there) co_return Done{};
      if (there->etag != version) co_return Conflict{};
    }
    if (last) throw undecided(*last);  // what it should remove was still there at the last look
    co_return Conflict{};
  }

  Task<std::vector<Key>> list(Key prefix) override {
    std::vector<Key> keys = co_await s3_.list(bucket_, prefix_ + prefix);
    for (Key& key : keys) key.erase(0, prefix_.size());
    co_return keys;
  }

  std::string place() const override { return fmt::format("s3://{}/{}", bucket_, prefix_); }

 private:
  std::string at(const Key& key) const { return place() + key; }

  Clock& clock_;
  Entropy& entropy_;
  aws::S3 s3_;
  std::string bucket_, prefix_;
};

}  // namespace

std::unique_ptr<Store> s3_store(Outside& outside, aws::Client& client, std::string bucket, std::string prefix) {
  return std::make_unique<S3Store>(outside, client, std::move(bucket), std::move(prefix));
}

}  // namespace certferry
