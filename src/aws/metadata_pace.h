#pragma once

#include <optional>
#include <string_view>

#include "base/failure.h"
#include "wire/http.h"

namespace certferry::aws {

// How the metadata services of containers and instances, which hand out credentials, are asked again.

// What an answer says that passes by itself: a server's error (transient), and that the service throttles (throttled:
// 429 and 408), with the Retry-After that it gave. Empty: its own word.
std::optional<Failure> passing(const http::Response& answer, std::string_view source, WallTime now);
// The pause before the next attempt, where `attempts` were made and the last one met `trouble`; empty: that was the
// last one.
std::optional<Duration> pause_after(const Failure& trouble, int attempts);
// The same trouble after the last attempt: transient, for nothing was done.
Failure given_up(const Failure& trouble);

}  // namespace certferry::aws
