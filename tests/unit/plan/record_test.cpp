#include "plan/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/failure.h"
#include "tests/unit/crypto/test_authority.h"
#include "wire/json_names.h"

namespace certferry {
namespace {

// Keys and certificates are slow to make: every record has the same.
const TestAuthority& authority() {
  static const TestAuthority made;
  return made;
}

const Issued& one_issued() {
  static const Issued issued = authority().issued();
  return issued;
}

rc::Gen<std::string> any_text() { return rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '\x7f')); }
rc::Gen<WallTime> any_time() {
  return rc::gen::map(rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000),
                      [](std::int64_t ms) { return WallTime{Duration{ms}}; });
}
rc::Gen<Fingerprint> any_fingerprint() {
  return rc::gen::map(rc::gen::container<std::string>(64, rc::gen::elementOf(std::string{"0123456789abcdef"})),
                      [](const std::string& digits) { return Fingerprint::parse(digits); });
}
template <class T>
std::optional<T> maybe(const rc::Gen<T>& gen) {
  return *rc::gen::arbitrary<bool>() ? std::optional<T>{*gen} : std::nullopt;
}

Serving any_serving() {
  Serving serving{.reference = *any_text(), .ours = *rc::gen::arbitrary<bool>(), .note = *any_text()};
  if (*rc::gen::arbitrary<bool>()) serving.body = one_issued().chain;
  if (*rc::gen::arbitrary<bool>()) serving.shown = one_issued().chain;
  serving.unreadable = *rc::gen::arbitrary<bool>();
  serving.damaged = *rc::gen::arbitrary<bool>();
  return serving;
}

TargetRecord any_target() {
  TargetRecord target;
  if (*rc::gen::arbitrary<bool>()) target.former = any_serving();
  target.noted_for = maybe(any_fingerprint());
  target.half_done = maybe(any_fingerprint());
  target.former_given = *rc::gen::arbitrary<bool>();
  target.proven = maybe(any_fingerprint());
  target.shown_instead = maybe(any_fingerprint());
  target.former_until = maybe(any_time());
  target.mending = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>())
    target.rolled_back = TargetRecord::RolledBack{*any_fingerprint(), *any_text(), *rc::gen::inRange(0, 99),
                                                  *any_time(),        *any_text(), *rc::gen::arbitrary<bool>()};
  if (*rc::gen::arbitrary<bool>())
    target.undone = TargetRecord::Undone{*any_text(), *rc::gen::inRange(1, 99), *any_time(), *any_time()};
  target.held = *any_text();
  target.reloaded_by = *any_text();
  return target;
}

CertificateSpec any_spec() {
  std::vector<DomainName> names;
  for (int at = 0, count = *rc::gen::inRange(1, 4); at < count; ++at)
    names.push_back(DomainName::parse("host" + std::to_string(*rc::gen::inRange(0, 50)) + ".example"));
  return {.names = sorted_names(std::move(names)),
          .key_type = *rc::gen::element(KeyType::p256, KeyType::p384, KeyType::rsa2048, KeyType::rsa4096),
          .profile = *any_text(),
          .directory = *any_text()};
}

RenewalInfo any_renewal_info() {
  RenewalInfo info{.window = {}, .explanation_url = "", .ask_again = *any_time()};
  if (!*rc::gen::arbitrary<bool>()) return info;
  const WallTime start = *any_time();
  info.window = RenewalInfo::Window{start, start + Duration{*rc::gen::inRange(1, 1'000'000)}};
  info.explanation_url = *any_text();
  return info;
}

Record::Newest any_newest() {
  std::optional<RenewalInfo> renewal_info;
  if (*rc::gen::arbitrary<bool>()) renewal_info = any_renewal_info();
  return {.issued = one_issued(),
          .key = {CertificateId::parse("www"), *rc::gen::inRange(0, 1000), *any_text()},
          .specification = any_spec(),
          .renewal_info = std::move(renewal_info)};
}

Record any_record() {
  Record record{CertificateId::parse("www"), any_spec()};
  record.claim = {*any_text(), *rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000)};
  record.last_generation = *rc::gen::inRange(0, 1000);
  record.open_generation = maybe(rc::gen::inRange(0, 1000));
  if (*rc::gen::arbitrary<bool>()) record.newest = any_newest();
  if (*rc::gen::arbitrary<bool>()) record.previous = any_newest();
  record.failures = {*rc::gen::inRange(0, 99), maybe(any_time()), *any_text(), *any_text()};
  for (int at = 0, count = *rc::gen::inRange(0, 3); at < count; ++at) record.targets[*any_text()] = any_target();
  for (int at = 0, count = *rc::gen::inRange(0, 5); at < count; ++at) remember(record, *any_time(), *any_text());
  record.configured = *rc::gen::arbitrary<bool>();
  for (int at = 0, count = *rc::gen::inRange(0, 3); at < count; ++at)
    record.former_specifications.push_back({any_spec(), *any_time()});
  record.changed_back = maybe(any_time());
  return record;
}

RC_GTEST_PROP(Record, IsReadAsItWasWritten, ()) {
  const Record record = any_record();
  const std::string text = to_json(record).dump();
  const Record read = from_json<Record>(Json::parse(text, "record"));
  RC_ASSERT(read == record);
  RC_ASSERT(to_json(read).dump() == text);
}

RC_GTEST_PROP(Record, RefusesWhatLacksAnyMemberThatItNeeds, ()) {
  Json json = to_json(any_record());
  json.erase(*rc::gen::elementOf(std::vector<std::string>{"format", "id", "specification", "claim", "last_generation",
                                                          "failures", "targets", "history", "configured"}));
  RC_ASSERT_THROWS_AS(from_json<Record>(json), Failure);
}

std::string said_of(const std::string& text) {
  try {
    from_json<Record>(Json::parse(text, "record"));
  } catch (const Failure& failure) {
    return std::string{name(failure.kind())} + " | " + failure.what() + " | " + failure.next();
  }
  return "no failure";
}

TEST(Record, TellsOfARollbackByAnotherReloadOnlyWhereNothingIsBeingInstalled) {
  TargetRecord target;
  target.proven = Fingerprint::parse(std::string(64, 'a'));
  target.reloaded_by = "a digest";
  target.rolled_back = TargetRecord::RolledBack{*target.proven, "it failed", 1, WallTime{}, "another digest"};
  EXPECT_TRUE(target.another_reload_failed());
  target.former = Serving{};
  EXPECT_FALSE(target.another_reload_failed()) << "that one is back";
  target.former_until = WallTime{};
  EXPECT_TRUE(target.another_reload_failed());
}

TEST(Record, OfANewerFormatIsRefusedWithTheRemedy) {
  EXPECT_EQ(said_of(R"({"format": 2, "id": "www"})"),
            "refused | record of www: written in format 2 by a newer certferry; this one knows 1 | Run the certferry "
            "version that wrote it, or a newer one");
}

TEST(Record, ThatIsNoneSaysSo) {
  EXPECT_EQ(said_of(R"({"id": "www"})"),
            "refused | record of www: no value that certferry stored (\"format\" is missing) | Restore it from a "
            "backup of the store");
  EXPECT_THAT(said_of("[]"), ::testing::StartsWith("refused | record of a certificate: "));
}

TEST(Record, RefusesNumbersThatCountNothing) {
  Json json = to_json(Record{CertificateId::parse("www"), {.directory = "https://ca.example/"}});
  json["last_generation"] = -1;
  EXPECT_THAT(said_of(json.dump()), ::testing::HasSubstr("\"last_generation\" is out of range: -1"));
}

TEST(Record, RemembersTheLastFiftyEvents) {
  Record record{CertificateId::parse("www"), {}};
  for (int n = 1; n <= 60; ++n) remember(record, test_now() + minutes(n), "event " + std::to_string(n));
  EXPECT_EQ(record.history.size(), 50u);
  EXPECT_EQ(record.history.front().what, "event 11");
  EXPECT_EQ(record.history.back().what, "event 60");
}

}  // namespace
}  // namespace certferry
