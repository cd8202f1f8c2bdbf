#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace certferry {

// What went wrong outside ourselves, and what a person can do about it. One type, so that nobody can forget to look at
// it; what a caller expects (absence, a faster rival) is a value instead, and cancellation is not a Failure (task.h).
class Failure : public std::exception {
 public:
  // A kind exists only because some caller reacts to it.
  enum class Kind {
    transient,        // surely not done: again later
    throttled,        // surely not done: again after retry_after
    outcome_unknown,  // may have been done: probe, never repeat blindly
    conflict,         // somebody else changed it: look again, decide again (bounded)
    dead_generation,  // this order will never give a certificate: close it; the next starts by the failure table
    refused,          // a person must change something: stop, show `next`
    fenced,           // another instance took over: stop at once, withdraw nothing
  };

  // what: operation, object and what the service said, the latter only through quoted().
  // next: one imperative sentence, e.g. "Allow route53:ChangeResourceRecordSets on Z0123; see docs/permissions.md".
  Failure(Kind kind, std::string what, std::string next, std::optional<Duration> retry_after = {});

  Kind kind() const noexcept { return kind_; }
  const char* what() const noexcept override { return what_.c_str(); }
  const std::string& next() const noexcept { return next_; }
  std::optional<Duration> retry_after() const noexcept { return retry_after_; }

  // The service's own error code where there was one ("InvalidChangeBatch", "urn:ietf:params:acme:error:badNonce"), for
  // the room that called the service; nobody above it looks at codes.
  const std::string& code() const noexcept { return code_; }
  Failure with_code(std::string code) const;
  // Asking again at once would be held against us: the service counts or limits such requests. The failure table says
  // when (docs/scheduling.md, After a failure); a failure that is not rationed holds nothing back.
  bool rationed() const noexcept { return rationed_; }
  Failure as_rationed() const;
  // The same failure, said from further up: "context: what".
  Failure within(std::string_view context) const;

 private:
  Kind kind_;
  std::string what_;
  std::string next_;
  std::string code_;
  std::optional<Duration> retry_after_;
  bool rationed_ = false;
};

std::string_view name(Failure::Kind);

// Foreign text made fit to be shown: control and non-UTF-8 bytes escaped, cut at `limit` bytes, the value of every live
// Secret replaced by "[secret]".
std::string quoted(std::string_view foreign, std::size_t limit = 500);
// Else std::quoted, found beside std::string wherever <iomanip> or <filesystem> is included, would be taken instead.
inline std::string quoted(const std::string& foreign, std::size_t limit = 500) {
  return quoted(std::string_view{foreign}, limit);
}
inline std::string quoted(const char* foreign, std::size_t limit = 500) {
  return quoted(std::string_view{foreign}, limit);
}
inline std::string quoted(std::string& foreign, std::size_t limit = 500) {
  return quoted(std::string_view{foreign}, limit);
}

}  // namespace certferry
