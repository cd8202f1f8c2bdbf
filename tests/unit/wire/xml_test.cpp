#include "wire/xml.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"

namespace certferry {
namespace {

std::string refusal_of_xml(std::string_view text, std::size_t limit = 1 << 20) {
  try {
    Xml::parse(text, "Route 53's reply", limit);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    return failure.what();
  }
  return "accepted";
}

TEST(Xml, ReadsChildrenByNameWhateverTheirPrefix) {
  Xml xml = Xml::parse(
      "<?xml version=\"1.0\"?>\n<r:GetChangeResponse xmlns:r=\"urn:r\"><r:ChangeInfo><Id>/change/C1</Id>"
      "<Status>INSYNC</Status></r:ChangeInfo><Name>a</Name><Name>b</Name></r:GetChangeResponse>",
      "a test");
  EXPECT_EQ(xml.name(), "GetChangeResponse");
  EXPECT_EQ(xml.path("ChangeInfo/Id")->text(), "/change/C1");
  EXPECT_FALSE(xml.path("ChangeInfo/Other"));
  EXPECT_EQ(xml.child("ChangeInfo")->text("Status"), "INSYNC");
  EXPECT_EQ(xml.text("Absent"), "");
  ASSERT_EQ(xml.children("Name").size(), 2U);
  EXPECT_EQ(xml.children("Name")[1].text(), "b");
  EXPECT_EQ(xml.children().size(), 3U);
}

TEST(Xml, OutlivesTheElementItWasReadFrom) {
  auto inner = Xml::parse("<a><b><c>x</c></b></a>", "a test").child("b");
  EXPECT_EQ(inner->text("c"), "x");
}

TEST(Xml, KeepsBlanksAndReadsReferencesAndSections) {
  Xml xml = Xml::parse("<a><b> x </b><c> </c><d>&lt;&amp;&#233;&#xe9;<!-- no &such; -->!<![CDATA[<&raw;>]]></d></a>",
                       "a test");
  EXPECT_EQ(xml.text("b"), " x ");
  EXPECT_EQ(xml.text("c"), " ");
  EXPECT_EQ(xml.text("d"), "<&\xc3\xa9\xc3\xa9!<&raw;>");
}

TEST(Xml, RefusesDocumentTypesAndForeignEntities) {
  EXPECT_EQ(refusal_of_xml("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"),
            "Route 53's reply is no XML that can be read: byte 0: a document type");
  EXPECT_EQ(refusal_of_xml("<a>&nbsp;</a>"), "Route 53's reply is no XML that can be read: byte 3: an unknown entity");
  for (const char* text :
       {"<a>&#0;</a>", "<a>&#xd800;</a>", "<a>&#x110000;</a>", "<a>&</a>", "<a b='&x;'/>", "<a>&#;</a>"})
    EXPECT_NE(refusal_of_xml(text), "accepted") << text;
}

TEST(Xml, RefusesWhatIsNotOneWholeElement) {
  EXPECT_EQ(refusal_of_xml(""), "Route 53's reply is no XML that can be read: byte 0: no element");
  EXPECT_EQ(refusal_of_xml("<a/><b/>"), "Route 53's reply is no XML that can be read: byte 5: a second root element");
  EXPECT_EQ(refusal_of_xml("<a/>x"),
            "Route 53's reply is no XML that can be read: byte 4: text outside the root element");
  EXPECT_EQ(refusal_of_xml("<a/>", 3), "Route 53's reply is no XML that can be read: 4 bytes, over the limit of 3");
  for (const char* text : {"<a>", "<a></b>", "text", "<a", "<a/><!--", "<?x"})
    EXPECT_NE(refusal_of_xml(text), "accepted") << text;
  EXPECT_NE(refusal_of_xml(std::string_view{"<a/>\0<b/>", 9}), "accepted");
}

TEST(Xml, RefusesMoreThanSixtyFourLevels) {
  auto nested = [](int levels) {
    std::string text;
    for (int i = 0; i < levels; ++i) text += "<a>";
    for (int i = 0; i < levels; ++i) text += "</a>";
    return text;
  };
  EXPECT_EQ(refusal_of_xml(nested(64)), "accepted");
  EXPECT_EQ(refusal_of_xml(nested(65)),
            "Route 53's reply is no XML that can be read: byte 193: nested deeper than 64 levels");
  EXPECT_NE(refusal_of_xml(nested(100000)), "accepted");
}

TEST(XmlWriter, WritesInTheOrderItIsTold) {
  XmlWriter writer{"ChangeResourceRecordSetsRequest", "https://route53.amazonaws.com/doc/2013-04-01/"};
  writer.open("ChangeBatch").text("Comment", "a & \"b\"").open("Changes").close().close().text("Last", "");
  EXPECT_EQ(
      writer.done(),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest "
      "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Comment>a &amp; &quot;b&quot;</Comment>"
      "<Changes></Changes></ChangeBatch><Last></Last></ChangeResourceRecordSetsRequest>");
}

TEST(XmlWriter, IsReadBackAsItWasTold) {
  EXPECT_TRUE(rc::check([] {
    auto value = *rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::inRange<char>(0x20, 0x7f), rc::gen::elementOf(std::string{"\r\n\t <>&'\""})));
    XmlWriter writer{"a"};
    writer.text("b", value);
    RC_ASSERT(Xml::parse(writer.done(), "a test").text("b") == value);
  }));
}

}  // namespace
}  // namespace certferry
