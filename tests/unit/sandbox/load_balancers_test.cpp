#include "sandbox/load_balancers.h"

#include <gtest/gtest.h>

#include "services.h"

namespace certferry::sandbox {
namespace {

QueryParameters set_classic(const std::string& name, const std::string& port, const std::string& arn) {
  return {{"Action", "SetLoadBalancerListenerSSLCertificate"},
          {"LoadBalancerName", name},
          {"LoadBalancerPort", port},
          {"SSLCertificateId", arn}};
}

QueryParameters with_certificates(const std::string& action, const std::string& listener,
                                  const std::vector<std::string>& arns) {
  QueryParameters form{{"Action", action}, {"ListenerArn", listener}};
  for (std::size_t index = 0; index < arns.size(); ++index)
    form.emplace_back(fmt::format("Certificates.member.{}.CertificateArn", index + 1), arns[index]);
  return form;
}

// What a handshake at a listener shows: the leaf's fingerprint, "" for none.
std::string shown_at(Services& aws, const std::string& host) {
  auto presented = aws.world.presented(host, 443, "example.com", aws.now);
  return presented ? presented->chain.leaf.fingerprint().text() : "";
}

std::string fingerprint_of(Services& aws, const std::string& arn) {
  return aws.world.server_certificates().by_arn(arn)->content.chain.leaf.fingerprint().text();
}

TEST(ClassicLoadBalancers, FindAFreshCertificateLateAndShowItLater) {
  Services aws;
  auto& balancer = aws.world.classic().add("web");
  Presented content = aws.pair();
  ASSERT_EQ(verdict(aws.iam(aws.upload_of("www", content))), "200");
  std::string arn = "arn:aws:iam::123456789012:server-certificate/certferry/www";
  EXPECT_EQ(verdict(aws.elb(set_classic("web", "443", arn))), "400 CertificateNotFound");
  aws.now += seconds(4);
  EXPECT_EQ(verdict(aws.elb(set_classic("web", "443", arn))), "200");
  EXPECT_EQ(balancer.listeners.at(443).certificate, arn);
  EXPECT_EQ(shown_at(aws, balancer.dns_name), "");
  aws.now += seconds(2);
  EXPECT_EQ(shown_at(aws, balancer.dns_name), fingerprint_of(aws, arn));
}

TEST(ClassicLoadBalancers, SayWhichPartIsMissing) {
  Services aws;
  std::string arn = aws.uploaded("www");
  aws.world.classic().add("web").listeners[80] = {.port = 80, .protocol = "HTTP"};
  EXPECT_EQ(verdict(aws.elb(set_classic("other", "443", arn))), "400 LoadBalancerNotFound");
  EXPECT_EQ(verdict(aws.elb(set_classic("web", "8443", arn))), "400 ListenerNotFound");
  EXPECT_EQ(verdict(aws.elb(set_classic("web", "80", arn))), "409 InvalidConfigurationRequest");
  EXPECT_EQ(verdict(aws.elb(set_classic("web", "443", arn + "x"))), "400 CertificateNotFound");
  EXPECT_EQ(verdict(aws.elb({{"Action", "DescribeLoadBalancers"}, {"LoadBalancerNames.member.1", "other"}})),
            "400 LoadBalancerNotFound");
}

TEST(ClassicLoadBalancers, DescribeTheirListenersPageByPage) {
  Services aws;
  std::string arn = aws.uploaded("www");
  for (const char* name : {"a", "b", "c"}) aws.world.classic().add(name, arn);
  auto first = Xml::parse(aws.elb({{"Action", "DescribeLoadBalancers"}, {"PageSize", "2"}}).body, "the answer");
  auto page = *first.child("DescribeLoadBalancersResult");
  auto members = page.child("LoadBalancerDescriptions")->children("member");
  ASSERT_EQ(members.size(), 2U);
  auto listener = members[0].path("ListenerDescriptions/member/Listener");
  EXPECT_EQ(listener->text("SSLCertificateId"), arn);
  EXPECT_EQ(listener->text("LoadBalancerPort"), "443");
  EXPECT_EQ(listener->text("Protocol"), "HTTPS");
  auto second = Xml::parse(
      aws.elb({{"Action", "DescribeLoadBalancers"}, {"PageSize", "2"}, {"Marker", page.text("NextMarker")}}).body,
      "the answer");
  page = *second.child("DescribeLoadBalancersResult");
  EXPECT_EQ(page.path("LoadBalancerDescriptions/member")->text("LoadBalancerName"), "c");
  EXPECT_EQ(page.text("NextMarker"), "");
}

TEST(LoadBalancers, ChangeTheDefaultCertificateAlone) {
  Services aws;
  std::string former = aws.uploaded("former"), next = aws.uploaded("next");
  auto& entry = aws.world.load_balancers().add("web", former);
  std::string host = aws.world.load_balancers().by_name.at("web").dns_name;
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("ModifyListener", entry.arn, {former, next}))), "400 ValidationError");
  auto with_default = with_certificates("ModifyListener", entry.arn, {next});
  with_default.emplace_back("Certificates.member.1.IsDefault", "true");
  EXPECT_EQ(verdict(aws.elbv2(with_default)), "400 ValidationError");
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("ModifyListener", entry.arn, {next}))), "200");
  EXPECT_EQ(shown_at(aws, host), fingerprint_of(aws, former));
  aws.now += seconds(2);
  EXPECT_EQ(shown_at(aws, host), fingerprint_of(aws, next));
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("ModifyListener", entry.arn + "0", {next}))), "400 ListenerNotFound");
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("ModifyListener", entry.arn, {next + "0"}))),
            "400 CertificateNotFound");
}

TEST(LoadBalancers, ListTheDefaultTwiceWhereItIsInTheListToo) {
  Services aws;
  std::string arn = aws.uploaded("www");
  auto& entry = aws.world.load_balancers().add("web", arn);
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("RemoveListenerCertificates", entry.arn, {arn}))),
            "400 OperationNotPermitted");
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("AddListenerCertificates", entry.arn, {arn}))), "200");
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("AddListenerCertificates", entry.arn, {arn}))), "200");
  auto answer = aws.elbv2({{"Action", "DescribeListenerCertificates"}, {"ListenerArn", entry.arn}});
  auto rows =
      Xml::parse(answer.body, "the answer").path("DescribeListenerCertificatesResult/Certificates")->children("member");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].text("IsDefault"), "true");
  EXPECT_EQ(rows[1].text("IsDefault"), "false");
}

TEST(LoadBalancers, TakeTwentyFiveCertificatesBesidesTheDefault) {
  Services aws;
  aws.world.settings().server_certificate_quota = 40;
  auto& entry = aws.world.load_balancers().add("web", aws.uploaded("default"));
  std::vector<std::string> arns;
  Presented content = aws.pair();
  for (int index = 0; index < 26; ++index)
    arns.push_back(aws.world.server_certificates().put("/", fmt::format("c{}", index), content));
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("AddListenerCertificates", entry.arn, arns))),
            "400 TooManyCertificates");
  arns.pop_back();
  EXPECT_EQ(verdict(aws.elbv2(with_certificates("AddListenerCertificates", entry.arn, arns))), "200");
}

TEST(LoadBalancers, AreDescribedWithTheirListeners) {
  Services aws;
  std::string arn = aws.uploaded("www");
  auto& entry = aws.world.load_balancers().add("web", arn, "network");
  auto answer = aws.elbv2({{"Action", "DescribeLoadBalancers"}, {"Names.member.1", "web"}});
  auto balancer = Xml::parse(answer.body, "the answer").path("DescribeLoadBalancersResult/LoadBalancers/member");
  ASSERT_TRUE(balancer);
  EXPECT_EQ(balancer->text("Type"), "network");
  answer = aws.elbv2({{"Action", "DescribeListeners"}, {"LoadBalancerArn", balancer->text("LoadBalancerArn")}});
  auto listener = Xml::parse(answer.body, "the answer").path("DescribeListenersResult/Listeners/member");
  ASSERT_TRUE(listener);
  EXPECT_EQ(listener->text("ListenerArn"), entry.arn);
  EXPECT_EQ(listener->text("LoadBalancerArn"), balancer->text("LoadBalancerArn"));
  EXPECT_EQ(listener->text("Protocol"), "TLS");
  EXPECT_EQ(listener->path("Certificates/member")->text("CertificateArn"), arn);
  EXPECT_EQ(verdict(aws.elbv2({{"Action", "DescribeLoadBalancers"}, {"Names.member.1", "other"}})),
            "400 LoadBalancerNotFound");
}

TEST(LoadBalancers, AreDescribedTwentyAtATime) {
  Services aws;
  QueryParameters form{{"Action", "DescribeLoadBalancers"}};
  for (int i = 1; i <= 20; ++i)
    form.emplace_back(fmt::format("LoadBalancerArns.member.{}", i),
                      (aws.world.load_balancers().add(fmt::format("web-{}", i)),
                       aws.world.load_balancers().by_name.at(fmt::format("web-{}", i)).arn));
  EXPECT_EQ(verdict(aws.elbv2(form)), "200");
  form.emplace_back("LoadBalancerArns.member.21", form.back().second);
  EXPECT_EQ(verdict(aws.elbv2(form)), "400 ValidationError");
}

}  // namespace
}  // namespace certferry::sandbox
