#include "sandbox/hosted_zones.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/hosted_zone_batches.h"
#include "sandbox/query_reply.h"
#include "tests/unit/sandbox/acme_client.h"
#include "wire/xml.h"

namespace certferry::sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct TxtChange {
  std::string action;
  std::vector<std::string> values;
  std::string name = "_acme-challenge.shop.example.";
  int ttl = 60;
};

struct HostedZonesTest : ::testing::Test {
  SeededWorld seeded;
  World& world = seeded.world;
  WallTime& now = seeded.now;
  HostedZones& zones = world.zones();
  std::string zone = zones.add("shop.example").id;

  http::Response send(const std::string& method, const std::string& target, Bytes body = "") {
    http::Request request{.method = method, .url = Url::parse("https://route53.amazonaws.com/2013-04-01/" + target)};
    request.body = std::move(body);
    return zones.handle(request, now);
  }
  Xml read(const std::string& target) { return Xml::parse(send("GET", target).body, target); }
  static Bytes batch(const std::vector<TxtChange>& changes) {
    XmlWriter xml{"ChangeResourceRecordSetsRequest", "https://route53.amazonaws.com/doc/2013-04-01/"};
    xml.open("ChangeBatch").open("Changes");
    for (const TxtChange& change : changes) {
      xml.open("Change").text("Action", change.action).open("ResourceRecordSet");
      xml.text("Name", change.name).text("Type", "TXT").text("TTL", std::to_string(change.ttl)).open("ResourceRecords");
      for (const std::string& value : change.values) xml.open("ResourceRecord").text("Value", value).close();
      xml.close().close().close();
    }
    return xml.done();
  }
  http::Response change(const std::vector<TxtChange>& changes) {
    return send("POST", "hostedzone/" + zone + "/rrset/", batch(changes));
  }
  // "200", or what is refused: the code, and for InvalidChangeBatch its messages.
  static std::string verdict(const http::Response& response) {
    if (response.status == 200) return "200";
    const Xml body = Xml::parse(response.body, "the error");
    const Xml error = *body.path("Error");
    const std::string code = error.text("Code");
    return code == "InvalidChangeBatch" ? fmt::format("{} {}: {}", response.status, code, error.text("Message"))
                                        : fmt::format("{} {}", response.status, code);
  }
  std::string changed(const std::vector<TxtChange>& changes) { return verdict(change(changes)); }
  std::vector<std::string> listed(const std::string& name = "_acme-challenge.shop.example") {
    std::vector<std::string> values;
    for (const auto& [key, set] : zones.zone("shop.example").sets)
      if (set.name == name && set.type == "TXT") values.insert(values.end(), set.values.begin(), set.values.end());
    return values;
  }
  dns::Message ask(const std::string& name, dns::Type type = dns::Type::txt) {
    dns::Message query;
    query.questions.push_back({name, type});
    return zones.answer(query, now);
  }
};

const std::string foreign = R"("foreign")", ours = R"("ours")", later = R"("later")";

TEST_F(HostedZonesTest, RefusesToCreateOverAForeignSet) {
  EXPECT_EQ(changed({{"CREATE", {foreign}}}), "200");
  EXPECT_THAT(changed({{"CREATE", {ours}}}), HasSubstr("but it already exists"));
  EXPECT_THAT(changed({{"DELETE", {ours}}}), HasSubstr("do not match the current values"));
  EXPECT_THAT(listed(), ElementsAre(foreign));
}

TEST_F(HostedZonesTest, ComparesAndSwapsWithDeleteAndCreateThereAndBack) {
  EXPECT_EQ(changed({{"CREATE", {foreign}}}), "200");
  EXPECT_EQ(changed({{"DELETE", {foreign}}, {"CREATE", {foreign, ours}}}), "200");
  EXPECT_EQ(changed({{"DELETE", {ours, foreign}}, {"CREATE", {foreign}}}), "200") << "order of values is no matter";
  EXPECT_THAT(listed(), ElementsAre(foreign));
}

TEST_F(HostedZonesTest, TakesTheSameValueAgainAfterItWasDeleted) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(changed({{"CREATE", {ours}}}), "200");
    EXPECT_EQ(changed({{"DELETE", {ours}}}), "200");
  }
  EXPECT_EQ(changed({{"CREATE", {ours, later}}}), "200");
  EXPECT_THAT(changed({{"CREATE", {ours, later}}}), HasSubstr("but it already exists")) << "the very same";
}

TEST_F(HostedZonesTest, RefusesAStaleSwap) {
  changed({{"CREATE", {foreign}}});
  zones.put("shop.example",
            {.name = "_acme-challenge.shop.example", .type = "TXT", .ttl = 60, .values = {foreign, later}});
  EXPECT_THAT(changed({{"DELETE", {foreign}}, {"CREATE", {foreign, ours}}}), HasSubstr("do not match"));
  EXPECT_THAT(listed(), ElementsAre(foreign, later));
}

TEST_F(HostedZonesTest, DeletesOnlyTheExactSet) {
  EXPECT_THAT(changed({{"DELETE", {ours}}}), HasSubstr("but it was not found"));
  changed({{"CREATE", {ours}}});
  EXPECT_THAT(changed({{.action = "DELETE", .values = {ours}, .ttl = 61}}), HasSubstr("do not match"));
  EXPECT_THAT(changed({{"DELETE", {ours, later}}}), HasSubstr("do not match"));
  EXPECT_EQ(changed({{"DELETE", {ours}}}), "200");
}

TEST_F(HostedZonesTest, ChangesAllOrNothing) {
  changed({{"CREATE", {foreign}}});
  EXPECT_THAT(
      changed({{.action = "CREATE", .values = {ours}, .name = "_acme-challenge.www.shop.example"}, {"CREATE", {ours}}}),
      HasSubstr("already exists"));
  EXPECT_THAT(listed("_acme-challenge.www.shop.example"), IsEmpty());
}

TEST_F(HostedZonesTest, ReplacesTheWholeSetOnUpsert) {
  changed({{"CREATE", {foreign}}});
  EXPECT_EQ(changed({{"UPSERT", {ours}}}), "200");
  EXPECT_THAT(listed(), ElementsAre(ours));
}

TEST_F(HostedZonesTest, RefusesTheSameSetTwiceInABatch) {
  changed({{"CREATE", {ours}}});
  EXPECT_THAT(changed({{"DELETE", {ours}}, {"DELETE", {ours}}}), HasSubstr("invalid set of changes"));
  EXPECT_THAT(changed({{"CREATE", {later}}, {"DELETE", {ours}}}), HasSubstr("invalid set of changes"));
  EXPECT_EQ(changed({{"DELETE", {ours}}, {"CREATE", {ours}}}), "200") << "to have a change to wait for";
}

TEST_F(HostedZonesTest, ReadsTheGrammarOfTxt) {
  EXPECT_THAT(changed({{"CREATE", {"bare"}}}), HasSubstr("InvalidTXTRDATA"));
  EXPECT_THAT(changed({{"CREATE", {"\"open"}}}), HasSubstr("InvalidTXTRDATA"));
  EXPECT_THAT(changed({{"CREATE", {"\"a\"\"b\""}}}), HasSubstr("InvalidTXTRDATA")) << "no blank between";
  EXPECT_THAT(changed({{"CREATE", {"\"" + std::string(256, 'x') + "\""}}}), HasSubstr("CharacterStringTooLong"));
  EXPECT_THAT(changed({{"CREATE", {"\"\xc3\xa9\""}}}), HasSubstr("InvalidTXTRDATA"));
  EXPECT_THAT(changed({{"CREATE", {ours, ours}}}), HasSubstr("Duplicate Resource Record"));
  EXPECT_EQ(changed({{"CREATE", {"\"" + std::string(255, 'x') + "\" \"y\""}}}), "200");
  EXPECT_EQ(txt_octets(R"("a\"b\\c\303\251" "d")"),
            "a\"b\\c\xc3\xa9"
            "d");
  EXPECT_EQ(txt_octets(R"("\900")"), std::nullopt) << "escapes are octal";
}

TEST_F(HostedZonesTest, CountsRecordsAndCharactersTwiceForUpsert) {
  const auto many = [](std::size_t count, const std::string& action) {
    std::vector<TxtChange> changes;
    for (std::size_t i = 0; i < count; ++i)
      changes.push_back({action, {ours}, fmt::format("_acme-challenge.w{}.shop.example", i)});
    return changes;
  };
  EXPECT_THAT(changed(many(501, "UPSERT")), HasSubstr("limit of 1000"));
  EXPECT_THAT(changed(many(1001, "CREATE")), HasSubstr("limit of 1000"));
  EXPECT_EQ(changed(many(1000, "CREATE")), "200");
  std::vector<TxtChange> long_ones;
  for (int i = 0; i < 130; ++i)
    long_ones.push_back({"CREATE", {"\"" + std::string(250, 'x') + "\""}, fmt::format("l{}.shop.example", i)});
  EXPECT_THAT(changed(long_ones), HasSubstr("character limit"));
}

TEST_F(HostedZonesTest, KeepsCnamesAloneAndNamesInTheirZone) {
  zones.put("shop.example",
            {.name = "_acme-challenge.shop.example", .type = "CNAME", .ttl = 60, .values = {"elsewhere.example."}});
  EXPECT_THAT(changed({{"CREATE", {ours}}}), HasSubstr("conflicts with other records"));
  EXPECT_THAT(changed({{"CREATE", {ours}, "_acme-challenge.myshop.example"}}), HasSubstr("not permitted in zone"));
}

TEST_F(HostedZonesTest, KeepsSimpleAndRoutedSetsApart) {
  zones.put("shop.example", {.name = "_acme-challenge.shop.example",
                             .type = "TXT",
                             .set_identifier = "other-tool",
                             .ttl = 60,
                             .values = {foreign},
                             .routing = {{"MultiValueAnswer", "true"}}});
  EXPECT_THAT(changed({{"CREATE", {ours}}}), HasSubstr("simple and non-simple"));
  const Xml set = read("hostedzone/" + zone + "/rrset?name=_acme-challenge.shop.example&type=TXT")
                      .path("ResourceRecordSets/ResourceRecordSet")
                      .value();
  EXPECT_EQ(set.text("SetIdentifier"), "other-tool");
  EXPECT_EQ(set.text("MultiValueAnswer"), "true");
}

TEST_F(HostedZonesTest, MindsTheOrderOfElements) {
  Bytes body = batch({{"CREATE", {ours}}});
  const std::string right = "<Type>TXT</Type><TTL>60</TTL>", wrong = "<TTL>60</TTL><Type>TXT</Type>";
  body.replace(body.find(right), right.size(), wrong);
  EXPECT_EQ(verdict(send("POST", "hostedzone/" + zone + "/rrset/", body)), "400 MalformedInput");
  EXPECT_EQ(verdict(send("POST", "hostedzone/" + zone + "/rrset/", "{}")), "400 MalformedInput");
  EXPECT_EQ(changed({{"REPLACE", {ours}}}), "400 InvalidInput");
  EXPECT_EQ(verdict(send("POST", "hostedzone/Z0/rrset/", batch({{"CREATE", {ours}}}))), "404 NoSuchHostedZone");
}

TEST_F(HostedZonesTest, ServesAChangeOnlyOnceItIsInsync) {
  const Xml reply = Xml::parse(change({{"CREATE", {ours}}}).body, "the change");
  EXPECT_EQ(reply.path("ChangeInfo")->text("Status"), "PENDING");
  const std::string id = reply.path("ChangeInfo")->text("Id");
  ASSERT_TRUE(id.starts_with("/change/C"));
  EXPECT_THAT(listed(), ElementsAre(ours)) << "the API lists it at once";
  EXPECT_THAT(zones.txt("_acme-challenge.shop.example"), IsEmpty());
  EXPECT_EQ(read(id.substr(1)).path("ChangeInfo")->text("Status"), "PENDING");
  now += seconds(35);
  EXPECT_EQ(read(id.substr(1)).path("ChangeInfo")->text("Status"), "INSYNC");
  EXPECT_THAT(zones.txt("_acme-challenge.shop.example"), ElementsAre("ours"));
  EXPECT_EQ(verdict(send("GET", "change/C0")), "404 NoSuchChange");
}

TEST_F(HostedZonesTest, KeepsAThirdPartysHandThroughPendingChanges) {
  changed({{"CREATE", {ours}}});
  zones.put("shop.example", {.name = "www.shop.example", .type = "TXT", .ttl = 60, .values = {foreign}});
  EXPECT_THAT(zones.txt("www.shop.example"), ElementsAre("foreign"));
  now += seconds(35);
  EXPECT_EQ(ask("www.shop.example").answers.size(), 1U);
  EXPECT_EQ(ask("_acme-challenge.shop.example").answers.size(), 1U);
}

TEST_F(HostedZonesTest, SaysInsyncAtOnceWhereTheWorldIsThatFast) {
  world.settings().insync_after = seconds(0);
  EXPECT_EQ(Xml::parse(change({{"CREATE", {ours}}}).body, "the change").path("ChangeInfo")->text("Status"), "INSYNC");
  EXPECT_THAT(zones.txt("_acme-challenge.shop.example"), ElementsAre("ours"));
}

TEST_F(HostedZonesTest, IsBusyAndThrottledWhenToldTo) {
  zones.prior_request_not_complete[zone] = 1;
  EXPECT_EQ(changed({{"CREATE", {ours}}}), "400 PriorRequestNotComplete");
  EXPECT_EQ(changed({{"CREATE", {ours}}}), "200");
  zones.throttle_next = 1;
  EXPECT_EQ(verdict(send("GET", "hostedzone")), "400 Throttling");
  EXPECT_EQ(verdict(send("GET", "hostedzone")), "200");
  EXPECT_EQ(world.events().back().operation, "ListHostedZones");
}

TEST_F(HostedZonesTest, ListsZonesByNameFromAStartPositionInReversedOrder) {
  zones.add("example.com");
  zones.add("a.example.com");
  zones.add("example.net", true);
  const auto names = [&](const std::string& query) {
    std::vector<std::string> found;
    for (const Xml& one : read("hostedzonesbyname" + query).path("HostedZones")->children())
      found.push_back(one.text("Name"));
    return found;
  };
  EXPECT_THAT(names(""), ElementsAre("example.com.", "a.example.com.", "shop.example.", "example.net."));
  EXPECT_THAT(names("?dnsname=b.example.com"), ElementsAre("shop.example.", "example.net."))
      << "nothing of that name, and yet rows";
  EXPECT_THAT(names("?dnsname=a.example.com&maxitems=1"), ElementsAre("a.example.com."));
  const Xml page = read("hostedzonesbyname?maxitems=1");
  EXPECT_EQ(page.text("IsTruncated"), "true");
  EXPECT_EQ(page.text("NextDNSName"), "a.example.com.");
  EXPECT_THAT(names("?dnsname=" + page.text("NextDNSName") + "&hostedzoneid=" + page.text("NextHostedZoneId")),
              ElementsAre("a.example.com.", "shop.example.", "example.net."));
  EXPECT_EQ(verdict(send("GET", "hostedzonesbyname?hostedzoneid=Z1")), "400 InvalidInput");
}

TEST_F(HostedZonesTest, ListsZonesPageByPage) {
  for (int i = 0; i < 4; ++i) zones.add(fmt::format("z{}.example", i));
  std::set<std::string> ids;
  std::string marker;
  for (int page = 0; page < 3; ++page) {
    const Xml reply = read("hostedzone?maxitems=2" + (marker.empty() ? "" : "&marker=" + marker));
    for (const Xml& one : reply.path("HostedZones")->children()) ids.insert(one.text("Id"));
    marker = reply.text("NextMarker");
  }
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_EQ(marker, "");
  EXPECT_TRUE(ids.begin()->starts_with("/hostedzone/Z"));
}

TEST_F(HostedZonesTest, ShowsAZonesNameServersOrItsVpcs) {
  const Xml open = read("hostedzone/" + zone);
  EXPECT_EQ(open.path("DelegationSet/NameServers")->children().size(), 4U);
  const Xml closed = read("hostedzone/" + zones.add("inner.example", true).id);
  EXPECT_EQ(closed.path("HostedZone/Config")->text("PrivateZone"), "true");
  EXPECT_FALSE(closed.child("DelegationSet"));
}

TEST_F(HostedZonesTest, ListsSetsFromAStartPosition) {
  changed({{"CREATE", {ours}}, {"CREATE", {ours}, R"(_acme-challenge.\052.Shop.example)"}});
  const Xml all = read("hostedzone/" + zone + "/rrset");
  std::vector<std::string> names;
  for (const Xml& set : all.path("ResourceRecordSets")->children()) names.push_back(set.text("Name"));
  EXPECT_THAT(names, ElementsAre("shop.example.", "shop.example.", R"(_acme-challenge.\052.shop.example.)",
                                 "_acme-challenge.shop.example."));
  const Xml page = read("hostedzone/" + zone + "/rrset?name=_a.shop.example&maxitems=1");
  EXPECT_EQ(page.path("ResourceRecordSets/ResourceRecordSet")->text("Name"), "_acme-challenge.shop.example.")
      << "not what was asked for: the next one";
  const Xml first = read("hostedzone/" + zone + "/rrset?maxitems=1");
  EXPECT_EQ(first.text("NextRecordName"), "shop.example.");
  EXPECT_EQ(first.text("NextRecordType"), "SOA");
  EXPECT_EQ(verdict(send("GET", "hostedzone/" + zone + "/rrset?type=TXT")), "400 InvalidInput");
}

TEST_F(HostedZonesTest, KeepsASecondZoneOfOneNameOutOfDns) {
  SimulatedZone& second = zones.add("shop.example");
  second.delegated = false;
  zones.put("shop.example", {.name = "www.shop.example", .type = "TXT", .ttl = 60, .values = {ours}});
  EXPECT_EQ(ask("www.shop.example").answers.size(), 1U);
  const auto ns = ask("shop.example", dns::Type::ns);
  ASSERT_EQ(ns.answers.size(), 4U);
  EXPECT_EQ(ns.answers[0].data, zones.all[0].name_servers[0]);
}

TEST_F(HostedZonesTest, AnswersAsNameServersDo) {
  zones.put("shop.example", {.name = "long.shop.example", .type = "TXT", .ttl = 60, .values = {R"("ab" "cd")"}});
  zones.put("shop.example", {.name = "www.shop.example", .type = "CNAME", .ttl = 60, .values = {"long.shop.example."}});
  zones.put("shop.example", {.name = "a.b.shop.example", .type = "TXT", .ttl = 60, .values = {ours}});
  const auto split = ask("long.shop.example");
  EXPECT_TRUE(split.authoritative);
  EXPECT_EQ(split.answers.at(0).data, "abcd");
  const auto alias = ask("www.shop.example");
  ASSERT_EQ(alias.answers.size(), 2U);
  EXPECT_EQ(alias.answers[0].type, dns::Type::cname);
  EXPECT_EQ(alias.answers[1].data, "abcd");
  const auto absent = ask("nothing.shop.example");
  EXPECT_EQ(absent.rcode, dns::Rcode::name_error);
  ASSERT_EQ(absent.authorities.size(), 1U);
  EXPECT_EQ(absent.authorities[0].type, dns::Type::soa);
  EXPECT_EQ(ask("b.shop.example").rcode, dns::Rcode::no_error) << "an empty non-terminal is no NXDOMAIN";
  EXPECT_EQ(ask("elsewhere.test").rcode, dns::Rcode::refused);
  EXPECT_EQ(ask("example").rcode, dns::Rcode::no_error) << "a zone lies below it";
  EXPECT_TRUE(dns::parse(dns::encode(absent)));
}

TEST_F(HostedZonesTest, GivesAChildZoneItsOwnNames) {
  SimulatedZone& child = zones.add("eu.shop.example");
  zones.put("eu.shop.example", {.name = "www.eu.shop.example", .type = "TXT", .ttl = 60, .values = {ours}});
  EXPECT_EQ(ask("www.eu.shop.example").answers.size(), 1U);
  child.delegated = false;
  EXPECT_EQ(ask("www.eu.shop.example").rcode, dns::Rcode::name_error) << "the parent knows nothing of it";
  zones.put("shop.example", {.name = "us.shop.example", .type = "NS", .ttl = 60, .values = {"ns.elsewhere.test."}});
  const auto referral = ask("www.us.shop.example");
  EXPECT_FALSE(referral.authoritative);
  ASSERT_EQ(referral.authorities.size(), 1U);
  EXPECT_EQ(referral.authorities[0].data, "ns.elsewhere.test");
}

}  // namespace
}  // namespace certferry::sandbox
