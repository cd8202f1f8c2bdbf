#include "aws/credentials.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/limits/aws.h"

namespace certferry::aws {

void require_sendable(const Credentials& credentials) {
  const auto printable = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  };
  if (printable(credentials.access_key_id) && printable(credentials.secret_access_key.reveal()) &&
      printable(credentials.session_token.reveal()))
    return;
  throw Failure(Failure::Kind::refused,
                fmt::format("AWS credentials from {}: a key holds blanks, or what is not ASCII", credentials.source),
                "Copy the keys anew, without quotes and line ends");
}

FixedCredentials::FixedCredentials(std::string access_key_id, std::string secret_access_key)
    : FixedCredentials(Credentials{.access_key_id = std::move(access_key_id),
                                   .secret_access_key = Secret{std::move(secret_access_key)},
                                   .session_token = Secret{""},
                                   .source = "given"}) {}

FixedCredentials::FixedCredentials(Credentials credentials)
    : credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

// Whether the source need not, or may not yet, be asked.
bool CachedCredentials::settled() const {
  if (!kept_) return failed_ && paused();
  return !kept_->expires || *kept_->expires - now() > limits::aws::refresh_wanted || paused();
}

// Whether somebody asks the source already, and what is kept lasts long enough not to wait for it.
bool CachedCredentials::lasts_meanwhile() const {
  return kept_ && !asking_.expired() && *kept_->expires - now() > limits::aws::refresh_needed;
}

Task<SharedCredentials> CachedCredentials::credentials() {
  if (!settled() && !lasts_meanwhile()) {
    const auto turn = std::make_shared<const Turn::Held>(co_await turn_.take());
    asking_ = turn;
    if (!settled()) co_await refresh();  // else whoever had the turn before has asked
  }
  if (!kept_) throw *failed_;
  co_return kept_;
}

Task<SharedCredentials> CachedCredentials::at_hand() {
  if (kept_ && (!kept_->expires || *kept_->expires > now())) co_return kept_;
  co_return co_await credentials();
}

Task<> CachedCredentials::refresh() {
  failed_.reset();
  try {
    kept_ = co_await fetch();  // even over already: IMDS gives the last ones on while it gets none
  } catch (const Failure& failure) {
    failed_ = failure;
  }
  next_try_ = outside_.clock.steady() + limits::aws::refresh_pause;
  if (!failed_) co_return;
  if (kept_ && *kept_->expires <= now()) kept_ = nullptr;
  if (!kept_) co_return;
  const Duration left = *kept_->expires - now();
  next_try_ = std::min(next_try_, outside_.clock.steady() + left);
  outside_.log.warn(fmt::format("AWS credentials ({}) could not be refreshed: {}; the present ones live for {}",
                                kept_->source, failed_->what(), humane(left)));
}

bool CachedCredentials::drop(const Credentials& expired) {
  if (kept_.get() != &expired) return true;  // others are there, or on their way
  if (paused()) return false;                // the source gave them just now, and has none better
  kept_ = nullptr;
  return true;
}

}  // namespace certferry::aws
