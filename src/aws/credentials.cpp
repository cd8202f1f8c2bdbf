#include "aws/credentials.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/aws.h"
#include "base/log.h"

namespace certferry::aws {

FixedCredentials::FixedCredentials(std::string access_key_id, std::string secret_access_key)
    : FixedCredentials(Credentials{.access_key_id = std::move(access_key_id),
                                   .secret_access_key = Secret{std::move(secret_access_key)},
                                   .session_token = Secret{""},
                                   .source = "given"}) {}

FixedCredentials::FixedCredentials(Credentials credentials)
    : credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

// Whether what is kept need not, or may not yet, be asked for again.
bool CachedCredentials::good_enough() const {
  if (!kept_) return false;
  if (!kept_->expires) return true;
  bool young = *kept_->expires - clock_.now() > limits::aws::refresh_wanted;
  return young || clock_.steady() < next_try_;
}

Task<SharedCredentials> CachedCredentials::credentials() {
  if (good_enough()) co_return kept_;
  Turn::Held turn = co_await refresh_.take();
  if (good_enough()) co_return kept_;  // whoever had the turn before fetched them
  std::optional<Failure> failed;
  try {
    kept_ = co_await fetch();
  } catch (const Failure& failure) {
    failed = failure;
  }
  next_try_ = clock_.steady() + limits::aws::refresh_pause;
  if (!failed) co_return kept_;  // even over already: IMDS gives the last ones on while it gets none
  if (!kept_ || *kept_->expires <= clock_.now()) {
    kept_ = nullptr;
    throw *failed;
  }
  const Duration left = *kept_->expires - clock_.now();
  next_try_ = std::min(next_try_, clock_.steady() + left);
  log_.warn(fmt::format("AWS credentials ({}) could not be refreshed: {}; the present ones live for {}", kept_->source,
                        failed->what(), humane(left)));
  co_return kept_;
}

}  // namespace certferry::aws
