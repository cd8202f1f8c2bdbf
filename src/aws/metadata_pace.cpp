#include "aws/metadata_pace.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/limits/aws.h"

namespace certferry::aws {

std::optional<Failure> passing(const http::Response& answer, std::string_view source, WallTime now) {
  const std::string what = fmt::format("{}: HTTP {}", source, answer.status);
  if (answer.status == 429 || answer.status == 408)
    return Failure{
        Failure::Kind::throttled,
        what + (answer.status == 429 ? ": it throttles whoever asks" : ": it did not get the request in time"),
        "Run again in a minute; what else runs in this task or on this instance shares the endpoint's limit",
        http::retry_after(answer, now)};
  if (answer.status >= 500) return Failure{Failure::Kind::transient, what, "Run again in a minute"};
  return std::nullopt;
}

std::optional<Duration> pause_after(const Failure& trouble, int attempts) {
  using namespace limits::aws;
  if (trouble.kind() != Failure::Kind::throttled) {
    if (attempts >= metadata_attempts) return std::nullopt;
    return metadata_pause;
  }
  const auto made = static_cast<std::size_t>(attempts);
  if (made > metadata_throttled_pauses.size()) return std::nullopt;
  const Duration asked = std::min(trouble.retry_after().value_or(Duration::zero()), metadata_retry_after_longest);
  return std::max(metadata_throttled_pauses.at(made - 1), asked);
}

Failure given_up(const Failure& trouble) {
  return {Failure::Kind::transient, trouble.what(), trouble.next(), trouble.retry_after()};
}

}  // namespace certferry::aws
