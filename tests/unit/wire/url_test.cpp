#include "wire/url.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"
#include "wire/user_information.h"

namespace certferry {
namespace {

std::string refusal_of_url(std::string_view text) {
  try {
    Url::parse(text);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    return failure.what();
  }
  return "accepted";
}

TEST(Url, IsTakenApartAndKeptAsGiven) {
  Url url = Url::parse("https://CA.Example:8443/acme/order%2F1?a=b&c");
  EXPECT_EQ(url.text(), "https://CA.Example:8443/acme/order%2F1?a=b&c");
  EXPECT_TRUE(url.secure());
  EXPECT_EQ(url.host(), "ca.example");
  EXPECT_EQ(url.port(), 8443);
  EXPECT_EQ(url.origin(), "https://ca.example:8443");
  EXPECT_EQ(url.authority(), "ca.example:8443");
  EXPECT_EQ(url.path(), "/acme/order%2F1");
  EXPECT_EQ(url.query(), "a=b&c");
}

TEST(Url, HasTheSchemesPortAndARootPathByDefault) {
  Url url = Url::parse("http://169.254.169.254?x");
  EXPECT_FALSE(url.secure());
  EXPECT_EQ(url.port(), 80);
  EXPECT_EQ(url.path(), "/");
  EXPECT_EQ(url.query(), "x");
  EXPECT_EQ(url.origin(), "http://169.254.169.254");
  EXPECT_EQ(Url::parse("https://a.example:443/").authority(), "a.example");
}

TEST(Url, KnowsTheSchemeInEitherCase) { EXPECT_TRUE(Url::parse("HTTPS://a.example/").secure()); }

TEST(Url, ReadsIpv6InBrackets) {
  Url url = Url::parse("http://[FD00:ec2::254]:8080/latest");
  EXPECT_EQ(url.host(), "fd00:ec2::254");
  EXPECT_EQ(url.authority(), "[fd00:ec2::254]:8080");
  EXPECT_EQ(url.port(), 8080);
}

TEST(Url, RefusesWhatItMustNotFollow) {
  EXPECT_EQ(refusal_of_url("ftp://a.example/"), "the URL \"ftp://a.example/\" is neither http nor https");
  EXPECT_EQ(refusal_of_url("a.example/directory"), "the URL \"a.example/directory\" is not absolute");
  EXPECT_EQ(refusal_of_url("https://a@b.example/"), "the URL \"https://***@b.example/\" has user information");
  EXPECT_EQ(refusal_of_url("https://a.example/#x"), "the URL \"https://a.example/#x\" has a fragment");
  EXPECT_EQ(refusal_of_url("https://a.example:0/"), "the URL \"https://a.example:0/\" has a bad port");
  EXPECT_EQ(refusal_of_url("https://a.example/" + std::string(4096, 'a')).substr(0, 31),
            "the URL \"https://a.example/aaaa");
  for (const char* text : {"https://a.example:65536/", "https://a.example:/", "https://a.example:+1/"})
    EXPECT_TRUE(refusal_of_url(text).ends_with("has a bad port")) << text;
  for (const char* text : {"https:///x", "https://", "https://[::1", "https://[::1]x/", "https://[]/", "https://a\\b/",
                           "https://a%41/", "https://[::1%25eth0]/"})
    EXPECT_TRUE(refusal_of_url(text).ends_with("has a bad host")) << text;
  for (const char* text :
       {"https://a.example/a b", "https://a.example/\r\nX: y", " https://a.example/", "https://a.example/\x7f"})
    EXPECT_TRUE(refusal_of_url(text).ends_with("has a blank or control character")) << text;
}

TEST(Url, ShowsNoPasswordWhereItIsRefused) {
  for (const char* text :
       {"https://user:half-a-secret@b.example/", "https://user:half@half-a-secret@b.example/", "user:half-a-secret@b",
        "https://user:half/a?half-a-secret@b.example/", "ftp://user:half-a-secret@b.example/",
        "https://user:half#half-a-secret@b.example/", "https://user:half half-a-secret@b.example/"})
    EXPECT_FALSE(refusal_of_url(text).contains("half")) << refusal_of_url(text);
  EXPECT_EQ(without_user_information("http://user:p@ss:word@127.0.0.1:1/x"), "http://***@127.0.0.1:1/x");
  EXPECT_EQ(without_user_information("user:word@127.0.0.1:1"), "***@127.0.0.1:1");
  EXPECT_EQ(without_user_information("http://127.0.0.1:1/x"), "http://127.0.0.1:1/x");
}

TEST(PercentEncoding, KeepsTheUnreservedAlone) {
  EXPECT_EQ(percent_encoded("a b/c~d\xc3\xa9+*"), "a%20b%2Fc~d%C3%A9%2B%2A");
  EXPECT_EQ(percent_encoded("a b/c", "-._~/"), "a%20b/c");
  EXPECT_EQ(percent_decoded("a%2fb+"), "a/b+");
  for (const char* text : {"%", "%a", "%zz", "ab%4"}) EXPECT_FALSE(percent_decoded(text)) << text;
}

TEST(PercentEncoding, ReturnsWhatWasEncoded) {
  EXPECT_TRUE(rc::check([](const std::string& text) { RC_ASSERT(percent_decoded(percent_encoded(text)) == text); }));
}

TEST(Query, ReadsPairsAndKeepsBrokenEscapes) {
  EXPECT_EQ(parse_query("a=1&b&&c=x%3Dy&d=%zz&e=p+q"),
            (QueryParameters{{"a", "1"}, {"b", ""}, {"c", "x=y"}, {"d", "%zz"}, {"e", "p+q"}}));
  EXPECT_EQ(parse_query("e=p+q%2B", true), (QueryParameters{{"e", "p q+"}}));
}

TEST(Query, ReturnsWhatAFormSays) {
  EXPECT_TRUE(rc::check([](const QueryParameters& parameters) {
    RC_ASSERT(parse_query(form_encoded(parameters)) == parameters);
    RC_ASSERT(parse_query(form_encoded(parameters), true) == parameters);
  }));
}

}  // namespace
}  // namespace certferry
