#include "base/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"

namespace certferry {
namespace {

DomainName domain(std::string_view text) { return DomainName::parse(text); }

std::string refusal(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    EXPECT_NE(failure.next(), "");
    return failure.what();
  }
  return "accepted";
}

std::string refusal_of_domain(std::string_view text) {
  return refusal([&] { DomainName::parse(text); });
}

template <class Name>
std::string refusal_of(std::string_view text) {
  return refusal([&] { Name::parse(text); });
}

TEST(DomainName, HasOneFormForOneName) {
  EXPECT_EQ(domain("WWW.Example.COM.").text(), "www.example.com");
  EXPECT_EQ(domain("*.Example.com").text(), "*.example.com");
  EXPECT_EQ(domain("_acme-challenge.example.com").text(), "_acme-challenge.example.com");
  EXPECT_EQ(domain("localhost").text(), "localhost");
  EXPECT_EQ(domain("1.0.0.127.in-addr.arpa").text(), "1.0.0.127.in-addr.arpa");
}

TEST(DomainName, TurnsULabelsIntoALabels) {
  EXPECT_EQ(domain("Bücher.example").text(), "xn--bcher-kva.example");
  EXPECT_EQ(domain("faß.de").text(), "xn--fa-hia.de") << "UTS 46 non-transitional: not fass.de";
  EXPECT_EQ(domain("例え。テスト").text(), "xn--r8jz45g.xn--zckzah") << "an ideographic full stop is a dot";
  EXPECT_EQ(domain("*.bu\u0308cher.example").text(), "*.xn--bcher-kva.example") << "decomposed";
  EXPECT_EQ(domain("_acme-challenge.bücher.example").text(), "_acme-challenge.xn--bcher-kva.example");
  EXPECT_EQ(domain("xn--bcher-kva.example").text(), "xn--bcher-kva.example");
}

TEST(DomainName, SaysWhichLabelIsWrong) {
  EXPECT_EQ(refusal_of_domain(""), "\"\" is no DNS name: it is empty");
  EXPECT_EQ(refusal_of_domain("a..b"), "\"a..b\" is no DNS name: a label is empty");
  EXPECT_EQ(refusal_of_domain("a b.c"),
            "\"a b.c\" is no DNS name: label \"a b\" may hold letters, digits, \"-\" and \"_\" only");
  EXPECT_EQ(refusal_of_domain("-a.b"), "\"-a.b\" is no DNS name: label \"-a\" begins or ends with \"-\"");
  EXPECT_EQ(refusal_of_domain("www.*.com"),
            "\"www.*.com\" is no DNS name: label \"*\" may only be the first of several");
  EXPECT_EQ(refusal_of_domain("*.*.com"), "\"*.*.com\" is no DNS name: label \"*\" may only be the first of several");
  EXPECT_THAT(refusal_of_domain("w*.com"), testing::HasSubstr("label \"w*\""));
  EXPECT_THAT(refusal_of_domain("*"), testing::HasSubstr("may only be the first"));
  EXPECT_THAT(refusal_of_domain("\xff.com"), testing::HasSubstr("label \"\\xff\""));
  EXPECT_THAT(refusal_of_domain("192.0.2.1"), testing::HasSubstr("IP address"));
  EXPECT_THAT(refusal_of_domain("."), testing::HasSubstr("is empty"));
  EXPECT_THAT(refusal_of_domain("a.b.."), testing::HasSubstr("a label is empty"));
  EXPECT_THAT(refusal_of_domain(std::string_view{"a\0.com", 6}), testing::HasSubstr("a\\x00"));
}

TEST(DomainName, RefusesALabelOfSixtyFourOctets) {
  EXPECT_EQ(domain(std::string(63, 'a') + ".com").text().size(), 67U);
  EXPECT_THAT(refusal_of_domain(std::string(64, 'a') + ".com"), testing::HasSubstr("longer than 63 octets"));
}

TEST(DomainName, RefusesANameOfTwoHundredFiftyFourOctets) {
  std::string three = std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + ".";
  EXPECT_EQ(domain(three + std::string(61, 'a')).text().size(), 253U);
  EXPECT_THAT(refusal_of_domain(three + std::string(62, 'a')), testing::HasSubstr("longer than 253 octets"));
  EXPECT_THAT(refusal_of_domain(std::string(100'000, 'a')), testing::HasSubstr("longer than 253 octets"));
}

TEST(DomainName, KnowsWhatLiesBelowAZone) {
  EXPECT_TRUE(domain("www.example.com").within(domain("example.com")));
  EXPECT_TRUE(domain("example.com").within(domain("example.com")));
  EXPECT_FALSE(domain("wwwexample.com").within(domain("example.com")));
  EXPECT_FALSE(domain("com").within(domain("example.com")));
}

TEST(DomainName, IsCoveredByItselfAndByAWildcardOneLabelUp) {
  EXPECT_TRUE(domain("www.example.com").covered_by(domain("*.example.com")));
  EXPECT_TRUE(domain("*.example.com").covered_by(domain("*.example.com")));
  EXPECT_FALSE(domain("example.com").covered_by(domain("*.example.com")));
  EXPECT_FALSE(domain("a.www.example.com").covered_by(domain("*.example.com")));
  EXPECT_FALSE(domain("*.example.com").covered_by(domain("www.example.com")));
  EXPECT_FALSE(domain("*.a.example.com").covered_by(domain("*.example.com")));
}

TEST(DomainName, TakesItselfApart) {
  EXPECT_THAT(domain("*.example.com").labels(), testing::ElementsAre("*", "example", "com"));
  EXPECT_EQ(domain("*.example.com").without_wildcard(), domain("example.com"));
  EXPECT_EQ(domain("example.com").without_wildcard(), domain("example.com"));
  EXPECT_EQ(domain("example.com").parent(), domain("com"));
  EXPECT_EQ(domain("com").parent(), std::nullopt);
  EXPECT_EQ(domain("example.com").under("_acme-challenge"), domain("_acme-challenge.example.com"));
}

TEST(DomainName, IsRefusedOrParsesToItself) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    try {
      DomainName name = DomainName::parse(text);
      RC_ASSERT(DomainName::parse(name.text()) == name);
      RC_ASSERT(name.text().size() <= 253U && !name.text().empty());
    } catch (const Failure& failure) {
      RC_ASSERT(failure.kind() == Failure::Kind::refused);
    }
  }));
}

TEST(DomainName, MadeOfGoodLabelsIsTakenWhateverItsCase) {
  EXPECT_TRUE(rc::check([] {
    auto letters = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string{"abcXYZ019_"})));
    auto labels = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(letters));
    std::string text;
    for (const auto& label : labels) text += label.substr(0, 63) + ".";
    text += "example";
    RC_PRE(text.size() <= 253U);
    DomainName name = domain(text);
    RC_ASSERT(name.labels().size() == labels.size() + 1);
    RC_ASSERT(name.within(*name.parent()));
    RC_ASSERT(name.covered_by(name.parent()->under("*")));
  }));
}

TEST(RegisteredDomain, IsOneLabelBelowThePublicSuffix) {
  EXPECT_EQ(registered_domain(domain("a.b.example.co.uk")), domain("example.co.uk"));
  EXPECT_EQ(registered_domain(domain("*.example.com")), domain("example.com"));
  EXPECT_EQ(registered_domain(domain("co.uk")), domain("co.uk"));
  EXPECT_EQ(registered_domain(domain("www.shop.invalid")), domain("shop.invalid"));
  EXPECT_EQ(registered_domain(domain("www.食狮.com.cn")), domain("食狮.com.cn"));
}

TEST(Arn, IsKeptWholeAndTakenApart) {
  Arn arn = Arn::parse("arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1:2");
  EXPECT_EQ(arn.partition(), "aws");
  EXPECT_EQ(arn.service(), "elasticloadbalancing");
  EXPECT_EQ(arn.region(), "eu-west-1");
  EXPECT_EQ(arn.account(), "123456789012");
  EXPECT_EQ(arn.resource(), "listener/app/web/1:2");
  EXPECT_EQ(Arn::parse("arn:aws-cn:iam::123456789012:role/x").region(), "");
}

TEST(Arn, RefusesWhatIsNone) {
  EXPECT_THAT(refusal_of<Arn>("my-lb"), testing::HasSubstr("does not begin with \"arn:\""));
  EXPECT_THAT(refusal_of<Arn>("arn:aws:iam::1"), testing::HasSubstr("less than six parts"));
  EXPECT_THAT(refusal_of<Arn>("arn:aws:iam::1:"), testing::HasSubstr("is empty"));
  EXPECT_THAT(refusal_of<Arn>("arn:aws:iam::1:a b"), testing::HasSubstr("blanks"));
}

TEST(Words, HaveOneForm) {
  EXPECT_EQ(HostedZoneId::parse("/hostedzone/Z1"), HostedZoneId::parse("Z1"));
  EXPECT_EQ(ChangeId::parse("/change/C1"), ChangeId::parse("C1"));
  EXPECT_EQ(Serial::parse("00:ab:CD").text(), "00ABCD");
  EXPECT_EQ(Fingerprint::parse(std::string(64, 'A')).text(), std::string(64, 'a'));
  EXPECT_EQ(OrderUrl::parse("https://ca.example/order/1?x").text(), "https://ca.example/order/1?x");
  EXPECT_EQ(CertificateId::parse("*.Example.com").text(), "*.Example.com");
}

TEST(Words, RefuseWhatTheyAreNot) {
  EXPECT_THAT(refusal_of<HostedZoneId>("z1"), testing::HasSubstr("is no hosted zone id"));
  EXPECT_THAT(refusal_of<HostedZoneId>("/hostedzone/"), testing::HasSubstr("is empty"));
  EXPECT_THAT(refusal_of<ChangeId>("/change/../x"), testing::HasSubstr("is no Route 53 change id"));
  EXPECT_THAT(refusal_of<OrderUrl>("http://ca.example/1"), testing::HasSubstr("https"));
  EXPECT_THAT(refusal_of<OrderUrl>("https://ca.example/a b"), testing::HasSubstr("holds \" \""));
  EXPECT_THAT(refusal_of<Serial>("abc"), testing::HasSubstr("half an octet"));
  EXPECT_THAT(refusal_of<Fingerprint>("abcd"), testing::HasSubstr("64 digits"));
  EXPECT_THAT(refusal_of<CertificateId>("a/b"), testing::HasSubstr("holds \"/\""));
  EXPECT_THAT(refusal_of<CertificateId>(".."), testing::HasSubstr("path"));
  EXPECT_THAT(refusal_of<CertificateId>(std::string(201, 'a')), testing::HasSubstr("longer than 200"));
}

}  // namespace
}  // namespace certferry
