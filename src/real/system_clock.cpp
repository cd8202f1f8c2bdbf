#include "real/system_clock.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>

namespace certferry {

namespace {

Duration reading_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds{time.tv_sec} +
                                              std::chrono::nanoseconds{time.tv_nsec});
}

}  // namespace

WallTime SystemClock::now() const { return WallTime{reading_of(CLOCK_REALTIME)}; }

SteadyTime SystemClock::steady() const { return SteadyTime{reading_of(CLOCK_BOOTTIME)}; }

Task<> SystemClock::sleep(Duration duration) {
  // The timer's own clock stands still during suspend, so a long sleep looks at ours in between.
  constexpr Duration slice = std::chrono::seconds{30};
  boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor};
  const SteadyTime end = steady() + duration;
  Duration left = duration;
  do {
    timer.expires_after(std::clamp(left, Duration::zero(), slice));
    co_await timer.async_wait(boost::asio::use_awaitable);
    left = end - steady();
  } while (left > Duration::zero());
}

}  // namespace certferry
