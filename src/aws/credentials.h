#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "outside/clock.h"

namespace certferry {
class Log;
}

namespace certferry::aws {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for long-lived ones
  std::optional<WallTime> expires;
  std::string source;  // for people: "environment", "profile www", "IMDSv2 role web"
};
using SharedCredentials = std::shared_ptr<const Credentials>;

// Where credentials come from. Implementations cache, refresh before expiry by one request at a time, and keep the old
// ones while they live and the refresh fails.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Failure: refused where there are none, saying each place that was looked at; transient where a source is down.
  virtual Task<SharedCredentials> credentials() = 0;
};

// Keeps what fetch() gave until 15 minutes before its end, then fetches again, one at a time; while the old ones live,
// a failed refresh is only a warning.
class CachedCredentials : public CredentialProvider {
 public:
  CachedCredentials(Clock& clock, Log& log) : clock_(clock), log_(log) {}
  Task<SharedCredentials> credentials() final;

 protected:
  // From the source itself. Failure as for credentials().
  virtual Task<SharedCredentials> fetch() = 0;

 private:
  bool good_enough() const;
  Clock& clock_;
  Log& log_;
  Turn refresh_;
  SharedCredentials kept_;
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
