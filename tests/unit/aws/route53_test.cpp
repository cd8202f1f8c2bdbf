#include "aws/route53.h"

#include <gtest/gtest.h>

#include "replay.h"

namespace certferry::aws::testing {
namespace {

std::string zone_xml(const std::string& id, const std::string& name, bool is_private) {
  return "<HostedZone><Id>/hostedzone/" + id + "</Id><Name>" + name +
         "</Name><CallerReference>x</CallerReference><Config><PrivateZone>" + (is_private ? "true" : "false") +
         "</PrivateZone></Config></HostedZone>";
}
std::string page_xml(const std::string& root, const std::string& inner) {
  return "<?xml version=\"1.0\"?>\n<" + root + " xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">" + inner +
         "</" + root + ">";
}

TEST(Route53, ListsAllZonesAndSkipsNamesThatAreNone) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(200, page_xml("ListHostedZonesResponse",
                                       "<HostedZones>" + zone_xml("Z1", "example.com.", false) +
                                           zone_xml("Z9", "a\\040b.example.", false) +
                                           "</HostedZones><IsTruncated>true</IsTruncated><NextMarker>Z2</NextMarker>"));
  paper.transport.answer(
      200, page_xml("ListHostedZonesResponse", "<HostedZones>" + zone_xml("Z2", "2.0.192.in-addr.arpa.", false) +
                                                   "</HostedZones><IsTruncated>false</IsTruncated>"));
  auto zones = AWAITED(route53.zones());
  ASSERT_EQ(zones.size(), 2U);
  EXPECT_EQ(zones[1].name.text(), "2.0.192.in-addr.arpa");
  EXPECT_EQ(paper.transport.requests.at(1).url.query(), "marker=Z2&maxitems=100");
}

TEST(Route53, GivesTheDelegationSetsNameServers) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(200,
                         page_xml("GetHostedZoneResponse",
                                  zone_xml("Z1", "example.com.", false) +
                                      "<DelegationSet><NameServers><NameServer>ns-1.awsdns-01.org</NameServer>"
                                      "<NameServer>NS-2.awsdns-02.com.</NameServer></NameServers></DelegationSet>"));
  EXPECT_EQ(AWAITED(route53.name_servers(HostedZoneId::parse("Z1"))),
            (std::vector<std::string>{"ns-1.awsdns-01.org", "ns-2.awsdns-02.com"}));
}

const std::string multivalue_set =
    "<ResourceRecordSet><Name>_acme-challenge.example.com.</Name><Type>TXT</Type><SetIdentifier>blue &amp; "
    "green</SetIdentifier>"
    "<MultiValueAnswer>true</MultiValueAnswer><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>\"a\"</Value></"
    "ResourceRecord>"
    "</ResourceRecords><HealthCheckId>h-1</HealthCheckId></ResourceRecordSet>";
const std::string geo_set =
    "<ResourceRecordSet><Name>_acme-challenge.example.com.</Name><Type>TXT</Type><SetIdentifier>geo</SetIdentifier>"
    "<Weight>10</Weight><GeoLocation><CountryCode>DE</CountryCode><SubdivisionCode>x</SubdivisionCode></GeoLocation>"
    "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>\"b\\040c\"\"d\"</Value></ResourceRecord>"
    "<ResourceRecord><Value>\"e\"</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>";

TEST(Route53, ReadsOnlyTheSetsOfThisNameAndType) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(
      200,
      page_xml(
          "ListResourceRecordSetsResponse",
          "<ResourceRecordSets>" + multivalue_set +
              "</ResourceRecordSets><IsTruncated>true</IsTruncated><NextRecordName>_acme-challenge.example.com."
              "</NextRecordName><NextRecordType>TXT</NextRecordType><NextRecordIdentifier>geo</NextRecordIdentifier>"));
  paper.transport.answer(
      200,
      page_xml("ListResourceRecordSetsResponse",
               "<ResourceRecordSets>" + geo_set +
                   "<ResourceRecordSet><Name>www.example.com.</Name><Type>TXT</Type><TTL>1</TTL></ResourceRecordSet>"
                   "</ResourceRecordSets><IsTruncated>true</IsTruncated><NextRecordName>x.example.com."
                   "</NextRecordName><NextRecordType>TXT</NextRecordType>"));
  auto sets = AWAITED(route53.record_sets(HostedZoneId::parse("Z1"), "_acme-challenge.example.com", "TXT"));
  ASSERT_EQ(sets.size(), 2U);
  EXPECT_EQ(sets[0].set_identifier, "blue & green");
  EXPECT_EQ(sets[1].values, (std::vector<std::string>{"\"b\\040c\"\"d\"", "\"e\""}));
  EXPECT_EQ(sets[1].ttl, 60);
  EXPECT_EQ(paper.transport.requests.at(0).url.query(), "name=_acme-challenge.example.com&type=TXT&maxitems=300");
  EXPECT_EQ(paper.transport.requests.at(1).url.query(),
            "name=_acme-challenge.example.com&type=TXT&identifier=geo&maxitems=300");
}

TEST(Route53, ReadsAWildcardsName) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(
      200,
      page_xml("ListResourceRecordSetsResponse",
               "<ResourceRecordSets><ResourceRecordSet><Name>\\052.example.com.</Name><Type>CNAME</Type><TTL>5</TTL>"
               "<ResourceRecords><ResourceRecord><Value>x.test</Value></ResourceRecord></ResourceRecords>"
               "</ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated>"));
  auto sets = AWAITED(route53.record_sets(HostedZoneId::parse("Z1"), "*.example.com", "CNAME"));
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_EQ(sets[0].name, "*.example.com");
  EXPECT_FALSE(sets[0].other);
}

TEST(Route53, DeletesANonSimpleSetExactlyAsItWasListed) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(
      200, page_xml("ListResourceRecordSetsResponse", "<ResourceRecordSets>" + multivalue_set + geo_set +
                                                          "</ResourceRecordSets><IsTruncated>false</IsTruncated>"));
  auto sets = AWAITED(route53.record_sets(HostedZoneId::parse("Z1"), "_acme-challenge.example.com", "TXT"));
  paper.transport.answer(
      200,
      page_xml("ChangeResourceRecordSetsResponse",
               "<ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>x</SubmittedAt></ChangeInfo>"));
  RecordSet fresh{.name = "_acme-challenge.example.com", .ttl = 60, .values = {"\"f\""}};
  ChangeInfo info = AWAITED(route53.change(
      HostedZoneId::parse("Z1"),
      {{Change::Action::remove, sets.at(0)}, {Change::Action::remove, sets.at(1)}, {Change::Action::create, fresh}},
      "certferry: challenges"));
  EXPECT_EQ(info.id.text(), "C1");
  EXPECT_FALSE(info.insync);
  const http::Request& sent = paper.transport.requests.at(1);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url.text(), "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1/rrset/");
  std::string body = sent.body.substr(sent.body.find("<ChangeResource"));
  for (std::size_t at; (at = body.find("&quot;")) != std::string::npos;) body.replace(at, 6, "\"");
  auto without_final_dot = [](std::string xml) { return xml.erase(xml.find(".</Name>"), 1); };
  EXPECT_EQ(body,
            "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>"
            "<Comment>certferry: challenges</Comment><Changes><Change><Action>DELETE</Action>" +
                without_final_dot(multivalue_set) + "</Change><Change><Action>DELETE</Action>" +
                without_final_dot(geo_set) +
                "</Change><Change><Action>CREATE</Action><ResourceRecordSet><Name>_acme-challenge.example.com</"
                "Name><Type>TXT</Type>"
                "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>\"f\"</Value></ResourceRecord></"
                "ResourceRecords></ResourceRecordSet>"
                "</Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
}

TEST(Route53, SaysWhatIsWrongWithABatch) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(
      400,
      "<?xml version=\"1.0\"?><InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages>"
      "<Message>Tried to create resource record set [name='x'] but it already exists</Message></Messages>"
      "<RequestId>r</RequestId></InvalidChangeBatch>");
  auto failure = FAILURE_OF(route53.change(HostedZoneId::parse("Z1"), {}, ""));
  EXPECT_EQ(said(failure),
            "refused | Route 53 ChangeResourceRecordSets on zone Z1: InvalidChangeBatch: Tried to create resource "
            "record set [name='x'] "
            "but it already exists | Look at the records that Route 53 names; another tool may have changed them");
  EXPECT_EQ(failure->code(), "InvalidChangeBatch");
}

TEST(Route53, ReadsAChangesStatus) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(
      200, page_xml("GetChangeResponse", "<ChangeInfo><Id>/change/C1</Id><Status>INSYNC</Status></ChangeInfo>"));
  EXPECT_TRUE(AWAITED(route53.get_change(ChangeId::parse("/change/C1"))).insync);
  EXPECT_EQ(paper.transport.requests.at(0).url.path(), "/2013-04-01/change/C1");
}

TEST(Route53, AnOddIdOfAChangeLeavesItsOutcomeUnknown) {
  for (const std::string info :
       {"<Id></Id>", "<Id>/change/</Id>", "<Id>/change/C 1</Id>", "<Status>PENDING</Status>"}) {
    Paper paper;
    Route53 route53{paper.client};
    const std::string answered = "<ChangeInfo>" + info + "</ChangeInfo>";
    paper.transport.answer(200, page_xml("ChangeResourceRecordSetsResponse", answered));
    const auto failure = FAILURE_OF(route53.change(HostedZoneId::parse("Z1"), {}, ""));
    ASSERT_TRUE(failure) << info;
    EXPECT_EQ(failure->kind(), Failure::Kind::outcome_unknown) << said(failure);
    paper.transport.answer(200, page_xml("GetChangeResponse", answered));
    const auto read = FAILURE_OF(route53.get_change(ChangeId::parse("C1")));
    ASSERT_TRUE(read) << info;
    EXPECT_EQ(read->kind(), Failure::Kind::transient) << said(read);
  }
}

TEST(Route53, AnAnswerThatIsNoXmlLeavesAChangesOutcomeUnknown) {
  Paper paper;
  Route53 route53{paper.client};
  paper.transport.answer(200, "welcome to the hotel's network");
  auto failure = FAILURE_OF(route53.change(HostedZoneId::parse("Z1"), {}, ""));
  ASSERT_TRUE(failure);
  EXPECT_EQ(name(failure->kind()), "outcome_unknown");
}

// A list of nothing would let the ledger forget what is there.
TEST(Route53, ReadsNoListOutOfAPageOfSomebodyElse) {
  Paper paper;
  Route53 route53{paper.client};
  for (int attempt = 0; attempt < 20; ++attempt)
    paper.transport.answer(200, "<html><body><h1>Welcome to this network</h1></body></html>");
  auto failure = FAILURE_OF(route53.record_sets(HostedZoneId::parse("Z1"), "_acme-challenge.example.com", "TXT"));
  ASSERT_TRUE(failure);
  EXPECT_EQ(name(failure->kind()), "transient");
}

TEST(TxtValue, IsQuotedAndReadBack) {
  EXPECT_EQ(txt_quoted("abc-_09"), "\"abc-_09\"");
  EXPECT_EQ(txt_quoted("a\"b\\c\xc3\xa9\n"), "\"a\\\"b\\\\c\\303\\251\\012\"");
  EXPECT_EQ(txt_quoted(std::string(256, 'x')), "\"" + std::string(255, 'x') + "\" \"x\"");
  for (const std::string& bytes :
       {std::string{}, std::string{"v=spf1 \"x\" \\"}, std::string(700, '"'), std::string{"\0\x7f\xff", 3}})
    EXPECT_EQ(txt_unquoted(txt_quoted(bytes)), bytes);
}

TEST(TxtValue, ReadsStringsThatTouchAndOctalEscapes) {
  EXPECT_EQ(txt_unquoted("\"a\"\"b\" \"c\""), "abc");
  EXPECT_EQ(txt_unquoted("\"\\052\\\"\""), "*\"");
  for (const char* broken : {"", "abc", "\"abc", "\"\\05\"", "\"\\777\"", "\"a\" b", "\"\\"})
    EXPECT_EQ(txt_unquoted(broken), std::nullopt) << broken;
}

}  // namespace
}  // namespace certferry::aws::testing
