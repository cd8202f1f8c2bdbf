#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace certferry {

using Duration = std::chrono::milliseconds;

// Civil time, UTC, as certificates and services state it. Jumps when somebody sets the clock.
using WallTime = std::chrono::sys_time<Duration>;

// Time since some start, suspend included; never jumps. Only differences mean anything.
struct SteadyClockTag {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<SteadyClockTag>;
  static constexpr bool is_steady = true;
};
using SteadyTime = SteadyClockTag::time_point;

constexpr Duration hours(long n) { return std::chrono::hours{n}; }
constexpr Duration days(long n) { return std::chrono::hours{24 * n}; }
constexpr Duration minutes(long n) { return std::chrono::minutes{n}; }
constexpr Duration seconds(long n) { return std::chrono::seconds{n}; }
constexpr Duration milliseconds(long n) { return Duration{n}; }

// RFC 3339 in UTC: 2026-11-23T20:58:00Z. Milliseconds appear only where there are any.
std::string iso8601(WallTime);
// Accepts fractions and numeric offsets; empty for anything else.
std::optional<WallTime> parse_iso8601(std::string_view);

// "20261123T205800Z", as SigV4's x-amz-date.
std::string amz_date(WallTime);
std::optional<WallTime> parse_amz_date(std::string_view);

// IMF-fixdate of RFC 9110 section 5.6.7: "Mon, 23 Nov 2026 20:58:00 GMT".
std::string http_date(WallTime);
std::optional<WallTime> parse_http_date(std::string_view);

// "89 days", "5 h 3 min", "1.2 s", "140 ms": at most two units, for people.
std::string humane(Duration);
// As iso8601, but to the second, for people: nobody waits for the milliseconds of an instant that was drawn or
// measured.
std::string humane(WallTime);
// "24h", "90s", "5 min", "30d", "250ms": what a configuration or an option says; empty where it is none, or negative.
std::optional<Duration> parse_duration(std::string_view);

}  // namespace certferry
