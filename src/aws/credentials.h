#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/signing_clock.h"
#include "base/failure.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "outside/outside.h"

namespace certferry::aws {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for long-lived ones
  std::optional<WallTime> expires;
  std::string source;        // for people: "environment", "profile www", "IMDSv2 role web"
  std::string account = {};  // whose they are, "" where that is not told
};
using SharedCredentials = std::shared_ptr<const Credentials>;

// Failure (refused), which shows nothing of them: they hold what no key does, and no request could bear.
void require_sendable(const Credentials& credentials);

// Where credentials come from. Implementations cache, refresh before expiry by one request at a time, and keep the old
// ones while they live and the refresh fails.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Failure: refused where there are none, saying each place that was looked at; transient where a source is down.
  virtual Task<SharedCredentials> credentials() = 0;
  // The same, but for those that live no refresh is waited for.
  virtual Task<SharedCredentials> at_hand() { co_return co_await credentials(); }
  // AWS says that these have expired, whatever they say themselves. Whether it is worth asking for others now.
  virtual bool drop(const Credentials&) { return false; }
};

// Keeps what fetch() gave until 15 minutes before its end, then fetches again, one at a time: whoever comes first waits
// for the source; the others go on with the old ones, and wait too once these have 10 minutes left. While the old ones
// live, a failed refresh is only a warning. A source is asked once a minute at most: until then its failure is
// everybody's.
class CachedCredentials : public CredentialProvider {
 public:
  // time: shared with the clients that use them; empty: one of its own.
  explicit CachedCredentials(Outside& outside, std::shared_ptr<SigningClock> time = {})
      : outside_(outside), time_(time ? std::move(time) : std::make_shared<SigningClock>(outside)) {}
  Task<SharedCredentials> credentials() final;
  Task<SharedCredentials> at_hand() final;
  bool drop(const Credentials& expired) final;

 protected:
  // From the source itself. Failure as for credentials().
  virtual Task<SharedCredentials> fetch() = 0;
  WallTime now() const { return time_->now(); }
  Outside& outside() const { return outside_; }

 private:
  bool settled() const;
  bool lasts_meanwhile() const;
  Task<> refresh();
  bool paused() const { return outside_.clock.steady() < next_try_; }
  Outside& outside_;
  std::shared_ptr<SigningClock> time_;
  Turn turn_;
  std::weak_ptr<const Turn::Held> asking_;  // expired: nobody asks the source now
  SharedCredentials kept_;
  std::optional<Failure> failed_;  // the last fetch
  SteadyTime next_try_{};
};

// The same ones for ever: the sandbox's, tests'.
class FixedCredentials final : public CredentialProvider {
 public:
  FixedCredentials(std::string access_key_id, std::string secret_access_key);
  explicit FixedCredentials(Credentials credentials);
  Task<SharedCredentials> credentials() override { co_return credentials_; }

 private:
  SharedCredentials credentials_;
};

}  // namespace certferry::aws
