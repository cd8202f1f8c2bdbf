#include "wire/json_names.h"

#include <gtest/gtest.h>

#include "base/failure.h"

namespace certferry {
namespace {

template <class T>
std::string refusal_reading(std::string_view text) {
  try {
    from_json<T>(Json::parse(text, "a record"));
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "accepted";
}

TEST(JsonNames, ReturnTheGroundsWords) {
  CertificateSpec spec{.names = {DomainName::parse("*.shop.example"), DomainName::parse("shop.example")},
                       .key_type = KeyType::rsa2048,
                       .profile = "shortlived",
                       .directory = "https://ca.example/directory"};
  EXPECT_EQ(to_json(spec).dump(), R"({"directory":"https://ca.example/directory","key_type":"rsa2048",)"
                                  R"("names":["*.shop.example","shop.example"],"profile":"shortlived"})");
  EXPECT_EQ(from_json<CertificateSpec>(to_json(spec)), spec);

  ChallengeRecord record{.domain = DomainName::parse("shop.example"), .value = "abc"};
  EXPECT_EQ(from_json<ChallengeRecord>(to_json(record)), record);

  KeyRef ref{.certificate = CertificateId::parse("shop"), .generation = 3, .public_key = "MFkw"};
  EXPECT_EQ(to_json(ref).dump(), R"({"certificate":"shop","generation":3,"public_key":"MFkw"})");
  EXPECT_EQ(from_json<KeyRef>(to_json(ref)), ref);

  WallTime time{std::chrono::milliseconds{1'795'467'480'123}};
  EXPECT_EQ(from_json<WallTime>(to_json(time)), time);
}

TEST(JsonNames, NameWhatIsMissingOrWrong) {
  EXPECT_EQ(refusal_reading<CertificateSpec>(R"({"names":[]})"), "JSON: \"key_type\" is missing");
  EXPECT_EQ(refusal_reading<CertificateSpec>(R"({"names":[],"key_type":"dsa"})"), "JSON: \"dsa\" is no key type");
  EXPECT_EQ(refusal_reading<KeyRef>(R"({"generation":-1})"), "JSON: \"generation\" is out of range");
  EXPECT_EQ(refusal_reading<ChallengeRecord>(R"({"domain":1})"), "\"domain\": JSON: expected text, found a number");
  EXPECT_EQ(refusal_reading<WallTime>(R"("yesterday")"), "JSON: \"yesterday\" is no time");
}

}  // namespace
}  // namespace certferry
