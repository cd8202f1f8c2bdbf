#include "base/time.h"

#include <array>
#include <fmt/compile.h>
#include <fmt/format.h>
#include <utility>

namespace certferry {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr Duration kLongestDuration = days(36525);  // a century: more is a typing error

struct Civil {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  Duration fraction{};
};

Civil civil(WallTime time) {
  auto midnight = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date{midnight};
  std::chrono::hh_mm_ss clock{time - midnight};
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          clock.subseconds()};
}

// Second 60 is a leap second: the first of the next minute.
std::optional<WallTime> instant(const Civil& c) {
  std::chrono::year_month_day date{std::chrono::year{c.year}, std::chrono::month{c.month}, std::chrono::day{c.day}};
  if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{c.hour} + std::chrono::minutes{c.minute} +
         std::chrono::seconds{c.second} + c.fraction;
}

// Reads a text from left to right; the first thing that is not as asked for makes all of it wrong.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return fail();
    for (char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  void literal(std::string_view expected) {
    if (!rest_.starts_with(expected))
      fail();
    else
      rest_.remove_prefix(expected.size());
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <std::size_t N>
  unsigned word(const std::array<std::string_view, N>& words) {
    for (unsigned i = 0; i < N; ++i)
      if (rest_.starts_with(words[i])) {
        rest_.remove_prefix(words[i].size());
        return i;
      }
    return static_cast<unsigned>(fail());
  }
  Duration fraction() {
    Duration::rep thousandths = 0, scale = 100;
    bool any = false;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1), any = true) {
      thousandths += (rest_.front() - '0') * scale;
      scale /= 10;
    }
    if (!any) fail();
    return Duration{thousandths};
  }
  bool good_and_done() const { return good_ && rest_.empty(); }

 private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string iso8601(WallTime time) {
  Civil c = civil(time);
  auto date = fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}"), c.year, c.month, c.day, c.hour, c.minute,
                          c.second);
  if (c.fraction != Duration::zero()) date += fmt::format(".{:03}", c.fraction.count());
  return date + "Z";
}

std::string humane(WallTime time) { return iso8601(std::chrono::floor<std::chrono::seconds>(time)); }

std::optional<WallTime> parse_iso8601(std::string_view text) {
  DateReader reader{text};
  Civil c;
  c.year = reader.number(4);
  reader.literal("-");
  c.month = static_cast<unsigned>(reader.number(2));
  reader.literal("-");
  c.day = static_cast<unsigned>(reader.number(2));
  if (!reader.take('t')) reader.literal("T");
  c.hour = reader.number(2);
  reader.literal(":");
  c.minute = reader.number(2);
  reader.literal(":");
  c.second = reader.number(2);
  if (reader.take('.')) c.fraction = reader.fraction();

  Duration offset{};
  if (!reader.take('z') && !reader.take('Z')) {
    bool west = reader.take('-');
    if (!west) reader.literal("+");
    int offset_hours = reader.number(2);
    reader.literal(":");
    int offset_minutes = reader.number(2);
    if (offset_hours > 23 || offset_minutes > 59) return std::nullopt;
    offset = hours(offset_hours) + minutes(offset_minutes);
    if (west) offset = -offset;
  }
  if (!reader.good_and_done()) return std::nullopt;
  auto local = instant(c);
  return local ? std::optional{*local - offset} : std::nullopt;
}

std::string amz_date(WallTime time) {
  Civil c = civil(time);
  return fmt::format(FMT_COMPILE("{:04}{:02}{:02}T{:02}{:02}{:02}Z"), c.year, c.month, c.day, c.hour, c.minute,
                     c.second);
}

std::optional<WallTime> parse_amz_date(std::string_view text) {
  DateReader reader{text};
  Civil c;
  c.year = reader.number(4);
  c.month = static_cast<unsigned>(reader.number(2));
  c.day = static_cast<unsigned>(reader.number(2));
  reader.literal("T");
  c.hour = reader.number(2);
  c.minute = reader.number(2);
  c.second = reader.number(2);
  reader.literal("Z");
  return reader.good_and_done() ? instant(c) : std::nullopt;
}

std::string http_date(WallTime time) {
  Civil c = civil(time);
  std::chrono::weekday day{std::chrono::floor<std::chrono::days>(time)};
  return fmt::format(FMT_COMPILE("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT"), kWeekdays[day.c_encoding()], c.day,
                     kMonths[c.month - 1], c.year, c.hour, c.minute, c.second);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  DateReader reader{text};
  Civil c;
  reader.word(kWeekdays);
  reader.literal(", ");
  c.day = static_cast<unsigned>(reader.number(2));
  reader.literal(" ");
  c.month = reader.word(kMonths) + 1;
  reader.literal(" ");
  c.year = reader.number(4);
  reader.literal(" ");
  c.hour = reader.number(2);
  reader.literal(":");
  c.minute = reader.number(2);
  reader.literal(":");
  c.second = reader.number(2);
  reader.literal(" GMT");
  return reader.good_and_done() ? instant(c) : std::nullopt;
}

std::string humane(Duration duration) {
  if (duration < Duration::zero()) return "-" + humane(duration == Duration::min() ? Duration::max() : -duration);
  auto whole = [&](Duration unit) { return duration / unit; };
  auto rest = [&](Duration unit, Duration smaller) { return duration % unit / smaller; };
  auto two = [](auto first, std::string_view unit, auto second, std::string_view smaller) {
    return second == 0 ? fmt::format("{} {}", first, unit) : fmt::format("{} {} {} {}", first, unit, second, smaller);
  };
  if (duration >= days(10)) return fmt::format("{} days", whole(days(1)));
  if (duration >= days(1))
    return two(whole(days(1)), whole(days(1)) == 1 ? "day" : "days", rest(days(1), hours(1)), "h");
  if (duration >= hours(1)) return two(whole(hours(1)), "h", rest(hours(1), minutes(1)), "min");
  if (duration >= minutes(1)) return two(whole(minutes(1)), "min", rest(minutes(1), seconds(1)), "s");
  if (duration < seconds(1)) return duration == Duration::zero() ? "0 s" : fmt::format("{} ms", duration.count());
  auto tenths = rest(seconds(1), milliseconds(100));
  return tenths == 0 ? fmt::format("{} s", whole(seconds(1))) : fmt::format("{}.{} s", whole(seconds(1)), tenths);
}

std::optional<Duration> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Duration>, 14> kUnits{{{"ms", milliseconds(1)},
                                                                          {"s", seconds(1)},
                                                                          {"second", seconds(1)},
                                                                          {"seconds", seconds(1)},
                                                                          {"m", minutes(1)},
                                                                          {"min", minutes(1)},
                                                                          {"minute", minutes(1)},
                                                                          {"minutes", minutes(1)},
                                                                          {"h", hours(1)},
                                                                          {"hour", hours(1)},
                                                                          {"hours", hours(1)},
                                                                          {"d", days(1)},
                                                                          {"day", days(1)},
                                                                          {"days", days(1)}}};
  std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || digits > 15) return std::nullopt;
  Duration::rep count = 0;
  for (char c : text.substr(0, digits)) count = count * 10 + (c - '0');

  std::string_view unit = text.substr(digits);
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [word, length] : kUnits)
    if (word == unit) return count > kLongestDuration / length ? std::nullopt : std::optional{count * length};
  return std::nullopt;
}

}  // namespace certferry
