#include "base/time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace certferry {
namespace {

using namespace std::chrono_literals;

WallTime at(std::chrono::year_month_day date, Duration time_of_day) {
  return std::chrono::sys_days{date} + time_of_day;
}
const WallTime kEvening = at(2026y / 11 / 23, 20h + 58min);

// From year 1 to 9999: what four digits can say.
rc::Gen<WallTime> any_time() {
  return rc::gen::map(rc::gen::inRange<long long>(-62'135'596'800'000LL, 253'402'300'799'999LL),
                      [](long long count) { return WallTime{Duration{count}}; });
}

TEST(Iso8601, IsReadAndWritten) {
  EXPECT_EQ(iso8601(kEvening), "2026-11-23T20:58:00Z");
  EXPECT_EQ(iso8601(kEvening + 7ms), "2026-11-23T20:58:00.007Z");
  EXPECT_EQ(parse_iso8601("2026-11-23T20:58:00Z"), kEvening);
  EXPECT_EQ(parse_iso8601("2026-11-23t20:58:00.0079999z"), kEvening + 7ms);
  EXPECT_EQ(parse_iso8601("2026-11-23T22:28:00+01:30"), kEvening);
  EXPECT_EQ(parse_iso8601("2026-11-23T12:58:00-08:00"), kEvening);
  EXPECT_EQ(parse_iso8601("2016-12-31T23:59:60Z"), at(2017y / 1 / 1, 0ms)) << "a leap second";
}

TEST(Iso8601, RefusesWhatIsNone) {
  for (const char* text :
       {"", "2026-11-23", "2026-11-23T20:58:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z",
        "2026-11-23T20:60:00Z", "2026-11-23T20:58:61Z", "2026-11-23T20:58:00.Z", "2026-11-23T20:58:00Zx",
        "2026-11-23T20:58:00+0100", "2026-11-23T20:58:00+24:00", " 2026-11-23T20:58:00Z", "+026-11-23T20:58:00Z"})
    EXPECT_EQ(parse_iso8601(text), std::nullopt) << text;
}

TEST(Iso8601, ComesBackAsItWentOut) {
  EXPECT_TRUE(rc::check([] {
    auto time = *any_time();
    RC_ASSERT(parse_iso8601(iso8601(time)) == time);
  }));
}

TEST(Dates, OfServicesComeBackToTheSecond) {
  EXPECT_TRUE(rc::check([] {
    auto time = *any_time();
    WallTime second = std::chrono::floor<std::chrono::seconds>(time);
    RC_ASSERT(parse_amz_date(amz_date(time)) == second);
    RC_ASSERT(parse_http_date(http_date(time)) == second);
  }));
}

TEST(Dates, AreWrittenAsServicesWantThem) {
  EXPECT_EQ(amz_date(kEvening), "20261123T205800Z");
  EXPECT_EQ(http_date(kEvening), "Mon, 23 Nov 2026 20:58:00 GMT");
  EXPECT_EQ(parse_http_date("Mon, 23 Nov 2026 20:58:00 UTC"), std::nullopt);
  EXPECT_EQ(parse_http_date("Mon, 3 Nov 2026 20:58:00 GMT"), std::nullopt);
  EXPECT_EQ(parse_amz_date("20261123T205800"), std::nullopt);
}

TEST(Dates, OfNoTextCrash) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    parse_iso8601(text);
    parse_amz_date(text);
    parse_http_date(text);
    parse_duration(text);
  }));
}

TEST(Humane, SaysAtMostTwoUnits) {
  EXPECT_EQ(humane(days(89) + 5h), "89 days");
  EXPECT_EQ(humane(days(1) + 5h), "1 day 5 h");
  EXPECT_EQ(humane(days(3)), "3 days");
  EXPECT_EQ(humane(5h + 3min + 9s), "5 h 3 min");
  EXPECT_EQ(humane(2min), "2 min");
  EXPECT_EQ(humane(1250ms), "1.2 s");
  EXPECT_EQ(humane(2s), "2 s");
  EXPECT_EQ(humane(140ms), "140 ms");
  EXPECT_EQ(humane(kEvening + 999ms), "2026-11-23T20:58:00Z") << "an instant, to the second";
  EXPECT_EQ(humane(0ms), "0 s");
  EXPECT_EQ(humane(-90s), "-1 min 30 s");
  EXPECT_NE(humane(Duration::min()), "");
}

TEST(ParseDuration, ReadsWhatAConfigurationSays) {
  EXPECT_EQ(parse_duration("24h"), days(1));
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("5 min"), 5min);
  EXPECT_EQ(parse_duration("30d"), days(30));
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  for (const char* text :
       {"", "h", "24", "-1h", "1.5h", "24 hrs", "1h30m", "1  h", "1h ", "99999999999999999999d", "40000d"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(ParseDuration, ReadsAnyCountOfAnyUnit) {
  EXPECT_TRUE(rc::check([] {
    auto count = *rc::gen::inRange<long>(0, 36'500);
    RC_ASSERT(parse_duration(std::to_string(count) + "d") == days(count));
    RC_ASSERT(parse_duration(std::to_string(count) + " h") == hours(count));
    RC_ASSERT(parse_duration(std::to_string(count) + "min") == minutes(count));
    RC_ASSERT(parse_duration(std::to_string(count) + "s") == seconds(count));
    RC_ASSERT(parse_duration(std::to_string(count) + "ms") == milliseconds(count));
  }));
}

}  // namespace
}  // namespace certferry
