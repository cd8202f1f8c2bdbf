#include "wire/dns.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"

namespace certferry::dns {
namespace {

Message query(std::string name, Type type) {
  return {.id = 0x1234, .recursion_desired = true, .questions = {{std::move(name), type}}};
}

Message reply(std::vector<Record> answers) {
  return {.id = 7, .response = true, .authoritative = true, .answers = std::move(answers)};
}

// A reply with one answer in the wire's own octets.
Bytes raw_reply(Bytes answer) { return Bytes{"\0\7\x84\0\0\0\0\1\0\0\0\0", 12} + std::move(answer); }

TEST(Dns, WritesAQueryWithEdns) {
  EXPECT_EQ(encode(query("_acme-challenge.a.example", Type::txt)),
            (Bytes{"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
                   "\x0f_acme-challenge\x01"
                   "a\x07"
                   "example\x00\x00\x10\x00\x01"
                   "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00",
                   12 + 27 + 4 + 11}));
}

TEST(Dns, ReturnsEveryTypeOfRecord) {
  Message message = reply({{"a.example", Type::a, 60, "192.0.2.1"},
                           {"a.example", Type::aaaa, 60, "2001:db8::1"},
                           {"example", Type::ns, 60, "ns1.example"},
                           {"b.example", Type::cname, 60, "a.example"},
                           {"example", Type::mx, 60, "10 mail.example"},
                           {"example", Type::mx, 60, "0 "},
                           {"a.example", Type::txt, 60, std::string(600, 'x')},
                           {"a.example", Type::txt, 60, ""},
                           {"example", Type::caa, 60, "128 issue ca.example; a=b"},
                           {"example", Type::caa, 60, "0 issue "},
                           {"example", Type::soa, 60, "ns1.example host.example 1 7200 900 1209600 86400"},
                           {"", static_cast<Type>(65), 4294967295, Bytes{"\0\1\xff", 3}}});
  message.questions = {{"a.example", Type::txt}};
  message.authorities = {{"example", Type::ns, 5, "ns2.example"}};
  message.additionals = {{"ns2.example", Type::a, 5, "192.0.2.2"}};
  message.truncated = true;
  message.rcode = Rcode::name_error;
  auto read = parse(encode(message));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, 7);
  EXPECT_TRUE(read->response && read->authoritative && read->truncated && !read->recursion_desired);
  EXPECT_EQ(read->rcode, Rcode::name_error);
  EXPECT_EQ(read->questions, message.questions);
  EXPECT_EQ(read->answers, message.answers);
  EXPECT_EQ(read->authorities, message.authorities);
  EXPECT_EQ(read->additionals, message.additionals);
}

TEST(Dns, KeepsEdnsOutOfTheRecordsAndItsHalfOfTheRcode) {
  auto read = parse(encode(query("a.example", Type::caa)));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->additionals.empty());
  Bytes bad_version = encode({.response = true});
  bad_version[11] = 1;
  bad_version += Bytes{"\0\0\x29\x04\xd0\x01\0\0\0\0\0", 11};
  EXPECT_EQ(static_cast<int>(parse(bad_version)->rcode), 16);
  bad_version[11] = 2;
  EXPECT_FALSE(parse(bad_version + Bytes{"\0\0\x29\x04\xd0\x01\0\0\0\0\0", 11}));
}

TEST(Dns, ReadsCompressedNamesInLowerCase) {
  Bytes wire = Bytes{"\0\7\x84\0\0\1\0\2\0\0\0\0", 12} + Bytes{"\1A\7Example\0\0\5\0\1", 15} +
               Bytes{"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e", 16} +
               Bytes{"\xc0\x27\0\2\0\1\0\0\0\x3c\0\2\xc0\x0c", 14};
  auto read = parse(wire);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->answers, (std::vector<Record>{{"a.example", Type::cname, 60, "b.example"},
                                                {"b.example", Type::ns, 60, "a.example"}}));
}

TEST(Dns, RefusesLoopsAndForwardPointers) {
  const Bytes rest{"\0\x10\0\1\0\0\0\0\0\2\1x", 12};
  EXPECT_TRUE(parse(raw_reply(Bytes{"\0", 1} + rest)));
  EXPECT_FALSE(parse(raw_reply("\xc0\x0c" + rest)));            // to itself
  EXPECT_FALSE(parse(raw_reply("\1a\xc0\x0c" + rest)));         // round and round
  EXPECT_FALSE(parse(raw_reply("\xc0\x18" + rest)));            // ahead
  EXPECT_FALSE(parse(raw_reply("\x80" + rest)));                // a kind of label that is none
  EXPECT_FALSE(parse(raw_reply(Bytes{"\xc0\x00", 2} + rest)));  // into the head
}

TEST(Dns, RefusesWhatIsCutOrTooLong) {
  Message message = reply({{"a.example", Type::txt, 60, "value"}, {"example", Type::soa, 60, "a b 1 2 3 4 5"}});
  Bytes whole = encode(message);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse(whole.substr(0, size))) << size;
  EXPECT_FALSE(parse(whole + "x"));
  EXPECT_FALSE(parse(raw_reply(Bytes{"\0\0\1\0\1\0\0\0\0\0\3abc", 14})));    // an address of three octets
  EXPECT_FALSE(parse(raw_reply(Bytes{"\0\0\x10\0\1\0\0\0\0\0\2\5a", 13})));  // a string past its record
  EXPECT_FALSE(parse(raw_reply(Bytes{"\0\0\x10\0\1\0\0\0\0\0\0", 11})));     // no string at all
  EXPECT_FALSE(parse(raw_reply(Bytes{"\0\0\x10\0\3\0\0\0\0\0\2\1a", 13})));  // class CHAOS
  Bytes name;
  for (int i = 0; i < 128; ++i) name += "\1a";
  EXPECT_FALSE(parse(raw_reply(name + Bytes{"\0\0\x10\0\1\0\0\0\0\0\2\1x", 13})));
}

TEST(Dns, EscapesLabelsThatWouldMislead) {
  auto read = parse(raw_reply(Bytes{"\4a.b\\\3\0\xff \0\0\x10\0\1\0\0\0\0\0\2\1x", 22}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->answers[0].name, "a\\046b\\092.\\000\\255\\032");
  EXPECT_EQ(encode(*read).substr(12, 10), (Bytes{"\4a.b\\\3\0\xff \0", 10}));
  EXPECT_EQ(encode(query("a\\.b.c", Type::a)).substr(12, 7), (Bytes{"\3a.b\1c\0", 7}));
}

TEST(Dns, RefusesToWriteWhatNoMessageHolds) {
  auto refusal = [](const Message& message) -> std::string {
    try {
      encode(message);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), Failure::Kind::refused);
      return failure.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(query("a..b", Type::a)), "\"a..b\" cannot be written into a DNS message: an empty label");
  std::string label(63, 'a');
  EXPECT_EQ(refusal(query(label + ".b", Type::a)), "accepted");
  EXPECT_TRUE(refusal(query(label + "a", Type::a)).ends_with("a label over 63 octets"));
  EXPECT_EQ(refusal(query(label + "." + label + "." + label + "." + label.substr(2), Type::a)), "accepted");
  EXPECT_TRUE(refusal(query(label + "." + label + "." + label + "." + label.substr(1), Type::a))
                  .ends_with("a name over 255 octets"));
  EXPECT_NE(refusal(reply({{"a", Type::a, 1, "192.0.2"}})), "accepted");
  EXPECT_NE(refusal(reply({{"a", Type::aaaa, 1, "192.0.2.1"}})), "accepted");
  EXPECT_NE(refusal(reply({{"a", Type::caa, 1, "256 issue x"}})), "accepted");
  EXPECT_NE(refusal(reply({{"a", Type::caa, 1, "0 is-sue x"}})), "accepted");
  EXPECT_NE(refusal(reply({{"a", Type::soa, 1, "a b 1 2 3 4"}})), "accepted");
  EXPECT_NE(refusal(reply({{"a", Type::txt, 1, std::string(70'000, 'x')}})), "accepted");
}

TEST(Dns, NamesItsTypes) {
  EXPECT_EQ(name(Type::txt), "TXT");
  EXPECT_EQ(name(static_cast<Type>(99)), "another type");
}

std::string arbitrary_name() {
  std::string name;
  for (int labels = *rc::gen::inRange(0, 5); labels > 0; --labels) {
    if (!name.empty()) name += '.';
    name += *rc::gen::nonEmpty(
        rc::gen::resize(20, rc::gen::container<std::string>(rc::gen::elementOf(std::string{"abcxyz0189-_*"}))));
  }
  return name;
}

TEST(Dns, ReturnsWhatWasWritten) {
  EXPECT_TRUE(rc::check([](std::uint16_t id, std::uint32_t ttl, const std::string& text) {
    RC_PRE(text.size() < 60'000);
    Message message{.id = id, .response = true, .questions = {{arbitrary_name(), Type::txt}}};
    message.answers = {{arbitrary_name(), Type::txt, ttl, text},
                       {arbitrary_name(), Type::cname, ttl, arbitrary_name()}};
    auto read = parse(encode(message));
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->id == id);
    RC_ASSERT(read->questions == message.questions);
    RC_ASSERT(read->answers == message.answers);
  }));
}

}  // namespace
}  // namespace certferry::dns
