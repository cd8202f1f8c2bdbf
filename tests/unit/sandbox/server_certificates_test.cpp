#include "sandbox/server_certificates.h"

#include <gtest/gtest.h>

#include "services.h"

namespace certferry::sandbox {
namespace {

TEST(ServerCertificates, KeepWhatIsUploadedAndGiveItBackWithoutItsKey) {
  Services aws;
  Presented content = aws.pair();
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", content))), "200");
  auto answer = aws.iam({{"Action", "GetServerCertificate"}, {"ServerCertificateName", "www"}});
  auto found = Xml::parse(answer.body, "the answer").path("GetServerCertificateResult/ServerCertificate");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text("CertificateBody"), content.chain.leaf_pem());
  EXPECT_EQ(found->text("CertificateChain"), content.chain.intermediates_pem());
  EXPECT_EQ(found->child("ServerCertificateMetadata")->text("Arn"),
            "arn:aws:iam::123456789012:server-certificate/certferry/www");
  EXPECT_FALSE(answer.body.contains("PRIVATE KEY"));
  ASSERT_EQ(aws.world.count("iam", "UploadServerCertificate"), 1U);
  EXPECT_TRUE(aws.world.events().front().changed);
  EXPECT_EQ(aws.world.events().front().object, "www");
}

TEST(ServerCertificates, RefuseWhatIamRefuses) {
  Services aws;
  Presented good = aws.pair(), other = aws.pair();
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("*.example.com", good))), "400 ValidationError");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", good, "/no-slash-at-the-end"))), "400 ValidationError");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", {good.chain, other.key}))), "400 KeyPairMismatch");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", {{other.chain.leaf, {good.chain.leaf}}, other.key}))),
            "400 MalformedCertificate");
  auto broken = aws.upload_of("www", good);
  broken[3].second = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(verdict(aws.iam(broken)), "400 MalformedCertificate");
  EXPECT_TRUE(aws.world.server_certificates().by_name.empty());
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", good))), "200");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", good, "/"))), "409 EntityAlreadyExists");
  EXPECT_EQ(verdict(aws.iam({{"Action", "GetServerCertificate"}, {"ServerCertificateName", "web"}})),
            "404 NoSuchEntity");
  EXPECT_EQ(verdict(aws.iam({{"Action", "MakeCoffee"}})), "400 InvalidAction");
}

TEST(ServerCertificates, RefuseWhatIsExpired) {
  Services aws;
  Presented old = aws.world.foreign({DomainName::parse("example.com")}, aws.now - days(90), aws.now);
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", old))), "400 MalformedCertificate");
}

TEST(ServerCertificates, AreEachAccountsOwn) {
  Services aws;
  aws.world.settings().server_certificate_quota = 1;
  auto& all = aws.world.server_certificates();
  const std::string theirs = all.put("/certferry/", "www", aws.pair(), "333333333333");
  EXPECT_EQ(verdict(aws.iam({{"Action", "GetServerCertificate"}, {"ServerCertificateName", "www"}})),
            "404 NoSuchEntity");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("www", aws.pair()))), "200") << "the name is free here, and so is a place";
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("blog", aws.pair()))), "409 LimitExceeded");
  const std::string listed = aws.iam({{"Action", "ListServerCertificates"}}).body;
  EXPECT_TRUE(listed.contains(":123456789012:server-certificate/certferry/www"));
  EXPECT_FALSE(listed.contains(theirs));
  EXPECT_TRUE(
      aws.iam({{"Action", "GetAccountSummary"}}).body.contains("<key>ServerCertificates</key><value>1</value>"));
  EXPECT_EQ(verdict(aws.iam({{"Action", "DeleteServerCertificate"}, {"ServerCertificateName", "www"}})), "200");
  EXPECT_NE(all.by_arn(theirs), nullptr);
  EXPECT_EQ(verdict(aws.iam({{"Action", "DeleteServerCertificate"}, {"ServerCertificateName", "www"}})),
            "404 NoSuchEntity");
}

TEST(ServerCertificates, HaveAQuota) {
  Services aws;
  aws.world.settings().server_certificate_quota = 2;
  Presented content = aws.pair();
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("a", content))), "200");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("b", content))), "200");
  EXPECT_EQ(verdict(aws.iam(aws.upload_of("c", content))), "409 LimitExceeded");
}

TEST(ServerCertificates, AreListedByPathPageByPage) {
  Services aws;
  aws.world.server_certificates().put("/other/", "b", aws.pair());
  for (const char* name : {"a", "c", "d"}) aws.world.server_certificates().put("/certferry/", name, aws.pair());
  std::string names, marker;
  int pages = 0;
  do {
    QueryParameters form{{"Action", "ListServerCertificates"}, {"PathPrefix", "/certferry/"}, {"MaxItems", "2"}};
    if (!marker.empty()) form.emplace_back("Marker", marker);
    auto page = *Xml::parse(aws.iam(form).body, "the answer").child("ListServerCertificatesResult");
    for (const auto& member : page.child("ServerCertificateMetadataList")->children("member"))
      names += member.text("ServerCertificateName");
    marker = page.text("IsTruncated") == "true" ? page.text("Marker") : "";
    ++pages;
  } while (!marker.empty());
  EXPECT_EQ(names, "acd");
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(verdict(aws.iam({{"Action", "ListServerCertificates"}, {"Marker", "nonsense"}})), "400 ValidationError");
}

TEST(ServerCertificates, AreNotDeletedWhileReferredToNorForAMinuteAfter) {
  Services aws;
  std::string former = aws.uploaded("former"), next = aws.uploaded("next");
  aws.world.classic().add("web", former);
  QueryParameters removal{{"Action", "DeleteServerCertificate"}, {"ServerCertificateName", "former"}};
  EXPECT_EQ(verdict(aws.iam(removal)), "409 DeleteConflict");
  EXPECT_EQ(verdict(aws.elb({{"Action", "SetLoadBalancerListenerSSLCertificate"},
                             {"LoadBalancerName", "web"},
                             {"LoadBalancerPort", "443"},
                             {"SSLCertificateId", next}})),
            "200");
  aws.now += seconds(59);
  EXPECT_EQ(verdict(aws.iam(removal)), "409 DeleteConflict");
  aws.now += seconds(1);
  EXPECT_EQ(verdict(aws.iam(removal)), "200");
  EXPECT_EQ(verdict(aws.iam(removal)), "404 NoSuchEntity");
  EXPECT_TRUE(aws.world.server_certificates().deleted_in_use.empty());
}

TEST(ServerCertificates, RememberADeletionOfWhatIsReferredToWhereIamDoesNotNotice) {
  Services aws;
  std::string arn = aws.uploaded("www");
  aws.world.load_balancers().add("web", arn);
  aws.world.server_certificates().notices_use = false;
  EXPECT_EQ(verdict(aws.iam({{"Action", "DeleteServerCertificate"}, {"ServerCertificateName", "www"}})), "200");
  EXPECT_EQ(aws.world.server_certificates().deleted_in_use, std::vector<std::string>{arn});
}

TEST(ServerCertificates, ChangeTheirArnWithTheirName) {
  Services aws;
  std::string arn = aws.uploaded("www");
  EXPECT_EQ(verdict(aws.iam({{"Action", "UpdateServerCertificate"},
                             {"ServerCertificateName", "www"},
                             {"NewServerCertificateName", "web"},
                             {"NewPath", "/"}})),
            "200");
  EXPECT_EQ(aws.world.server_certificates().by_arn(arn), nullptr);
  EXPECT_NE(aws.world.server_certificates().by_arn("arn:aws:iam::123456789012:server-certificate/web"), nullptr);
}

}  // namespace
}  // namespace certferry::sandbox
