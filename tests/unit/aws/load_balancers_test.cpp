#include <gtest/gtest.h>

#include "aws/elb.h"
#include "aws/elbv2.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

const std::string listener_arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/50dc/f2f7";
const std::string balancer_arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc";
const std::string certificate_arn = "arn:aws:iam::123456789012:server-certificate/certferry/www";

std::string classic_xml(const std::string& name) {
  return "<member><LoadBalancerName>" + name + "</LoadBalancerName><DNSName>" + name +
         ".elb.test</DNSName><ListenerDescriptions>"
         "<member><PolicyNames/><Listener><Protocol>HTTPS</Protocol><LoadBalancerPort>443</"
         "LoadBalancerPort><InstanceProtocol>HTTP"
         "</InstanceProtocol><SSLCertificateId>" +
         certificate_arn +
         "</SSLCertificateId><InstancePort>80</InstancePort></Listener></member>"
         "<member><Listener><Protocol>HTTP</Protocol><LoadBalancerPort>80</LoadBalancerPort></Listener></member>"
         "</ListenerDescriptions></member>";
}
std::string classic_page(const std::string& members, const std::string& marker = "") {
  return "<DescribeLoadBalancersResponse xmlns=\"u\"><DescribeLoadBalancersResult><LoadBalancerDescriptions>" +
         members + "</LoadBalancerDescriptions>" + (marker.empty() ? "" : "<NextMarker>" + marker + "</NextMarker>") +
         "</DescribeLoadBalancersResult></DescribeLoadBalancersResponse>";
}
std::string v2_page(const std::string& operation, const std::string& list, const std::string& members,
                    const std::string& marker = "") {
  return "<" + operation + "Response><" + operation + "Result><" + list + ">" + members + "</" + list + ">" +
         (marker.empty() ? "" : "<NextMarker>" + marker + "</NextMarker>") + "</" + operation + "Result></" +
         operation + "Response>";
}
std::string refusal_xml(const std::string& code) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
         "</Code><Message>said</Message></Error></ErrorResponse>";
}

TEST(Elb, DescribesALoadBalancerAndItsListeners) {
  Paper paper;
  Elb elb{paper.client};
  paper.transport.answer(200, classic_page(classic_xml("old-web")));
  auto found = AWAITED(elb.describe("old-web"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->dns_name, "old-web.elb.test");
  ASSERT_EQ(found->listeners.size(), 2U);
  EXPECT_EQ(found->listeners[0].port, 443);
  EXPECT_EQ(found->listeners[0].protocol, "HTTPS");
  EXPECT_EQ(found->listeners[0].certificate, certificate_arn);
  EXPECT_EQ(found->listeners[1].certificate, "");
  EXPECT_EQ(paper.transport.requests.at(0).url.text(), "https://elasticloadbalancing.eu-west-1.amazonaws.com/");
  EXPECT_EQ(paper.transport.requests.at(0).body,
            "Action=DescribeLoadBalancers&Version=2012-06-01&LoadBalancerNames.member.1=old-web");
}

TEST(Elb, AnAbsentLoadBalancerIsEmpty) {
  Paper paper;
  Elb elb{paper.client};
  paper.transport.answer(400, refusal_xml("LoadBalancerNotFound"));
  EXPECT_FALSE(AWAITED(elb.describe("none")));
}

TEST(Elb, ReadsEveryPage) {
  Paper paper;
  Elb elb{paper.client};
  paper.transport.answer(200, classic_page(classic_xml("a"), "m1"));
  paper.transport.answer(200, classic_page(classic_xml("b")));
  EXPECT_EQ(AWAITED(elb.describe_all()).size(), 2U);
  EXPECT_EQ(paper.transport.requests.at(1).body,
            "Action=DescribeLoadBalancers&Version=2012-06-01&PageSize=50&Marker=m1");
}

TEST(Elb, DescribesSeveralAtOnceOverPages) {
  Paper paper;
  Elb elb{paper.client};
  paper.transport.answer(200, classic_page(classic_xml("a"), "m1"));
  paper.transport.answer(200, classic_page(classic_xml("b")));
  const std::vector<std::string> names = {"a", "b"};
  EXPECT_EQ(AWAITED(elb.describe(names)).size(), 2U);
  EXPECT_EQ(paper.transport.requests.at(1).body,
            "Action=DescribeLoadBalancers&Version=2012-06-01&LoadBalancerNames.member.1=a&LoadBalancerNames.member.2=b&"
            "Marker=m1");
  paper.transport.answer(400, refusal_xml("LoadBalancerNotFound"));
  const auto failure = FAILURE_OF(elb.describe(names));
  EXPECT_EQ(failure.value().code(), "LoadBalancerNotFound");
  EXPECT_EQ(std::string{failure->what()},
            "Elastic Load Balancing DescribeLoadBalancers on 2 load balancers: LoadBalancerNotFound: said");
}

TEST(Elb, SetsAListenersCertificateAndSaysThatAFreshOneIsSeenLate) {
  Paper paper;
  Elb elb{paper.client};
  paper.transport.answer(400, refusal_xml("CertificateNotFound"));
  paper.transport.answer(200, "<SetLoadBalancerListenerSSLCertificateResponse/>");
  auto failure = FAILURE_OF(elb.set_certificate("old-web", 443, certificate_arn));
  EXPECT_EQ(
      said(failure),
      "transient | Elastic Load Balancing SetLoadBalancerListenerSSLCertificate on load balancer old-web port 443: "
      "CertificateNotFound: said | Run again: the load balancer does not see the certificate yet");
  EXPECT_EQ(failure->code(), "CertificateNotFound");
  AWAITED(elb.set_certificate("old-web", 443, certificate_arn));
  EXPECT_EQ(
      paper.transport.requests.at(1).body,
      "Action=SetLoadBalancerListenerSSLCertificate&Version=2012-06-01&LoadBalancerName=old-web&LoadBalancerPort=443&"
      "SSLCertificateId=arn%3Aaws%3Aiam%3A%3A123456789012%3Aserver-certificate%2Fcertferry%2Fwww");
}

std::string listener_xml() {
  return "<member><ListenerArn>" + listener_arn + "</ListenerArn><LoadBalancerArn>" + balancer_arn +
         "</LoadBalancerArn><Port>443</Port><Protocol>HTTPS</Protocol><Certificates><member><CertificateArn>" +
         certificate_arn + "</CertificateArn></member></Certificates></member>";
}
std::string balancer_xml() {
  return "<member><LoadBalancerArn>" + balancer_arn +
         "</LoadBalancerArn><LoadBalancerName>web</LoadBalancerName>"
         "<DNSName>web.elb.test</DNSName><Type>application</Type></member>";
}

TEST(ElbV2, ReadsAListener) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200, v2_page("DescribeListeners", "Listeners", listener_xml()));
  auto found = AWAITED(elb.listener(Arn::parse(listener_arn)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->load_balancer.text(), balancer_arn);
  EXPECT_EQ(found->port, 443);
  EXPECT_EQ(found->protocol, "HTTPS");
  EXPECT_EQ(found->certificate, certificate_arn);
  EXPECT_TRUE(paper.transport.requests.at(0).body.starts_with(
      "Action=DescribeListeners&Version=2015-12-01&ListenerArns.member.1=arn%3Aaws%3Aelasticloadbalancing"));
}

TEST(ElbV2, SaysWhatAnsweredAnArnThatIsNone) {
  const std::string no_arn =
      ": what it answered is no ARN: \"\" | Look at what answers at the endpoint, a proxy "
      "perhaps: it does not speak as AWS does";
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200, v2_page("DescribeListeners", "Listeners", "<member/>"));
  paper.transport.answer(200, v2_page("DescribeLoadBalancers", "LoadBalancers", "<member/>"));
  EXPECT_EQ(said(FAILURE_OF(elb.listener(Arn::parse(listener_arn)))),
            "refused | Elastic Load Balancing DescribeListeners on listener " + listener_arn + no_arn);
  EXPECT_EQ(said(FAILURE_OF(elb.load_balancer_named("web"))),
            "refused | Elastic Load Balancing DescribeLoadBalancers on load balancer web" + no_arn);
}

TEST(ElbV2, AbsentThingsAreEmpty) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(400, refusal_xml("ListenerNotFound"));
  paper.transport.answer(400, refusal_xml("LoadBalancerNotFound"));
  EXPECT_FALSE(AWAITED(elb.listener(Arn::parse(listener_arn))));
  EXPECT_FALSE(AWAITED(elb.load_balancer_named("web")));
}

TEST(ElbV2, ReadsLoadBalancersAndListenersOverPages) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200, v2_page("DescribeLoadBalancers", "LoadBalancers", balancer_xml(), "m1"));
  paper.transport.answer(200, v2_page("DescribeLoadBalancers", "LoadBalancers", balancer_xml()));
  paper.transport.answer(200, v2_page("DescribeListeners", "Listeners", listener_xml(), "m2"));
  paper.transport.answer(200, v2_page("DescribeListeners", "Listeners", listener_xml()));
  auto balancers = AWAITED(elb.load_balancers());
  ASSERT_EQ(balancers.size(), 2U);
  EXPECT_EQ(balancers[0].type, "application");
  EXPECT_EQ(balancers[0].dns_name, "web.elb.test");
  EXPECT_EQ(AWAITED(elb.listeners(Arn::parse(balancer_arn))).size(), 2U);
  EXPECT_TRUE(paper.transport.requests.at(3).body.ends_with("&Marker=m2"));
}

TEST(ElbV2, ReadsSeveralAtOnce) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200, v2_page("DescribeListeners", "Listeners", listener_xml() + listener_xml(), "m1"));
  paper.transport.answer(200, v2_page("DescribeListeners", "Listeners", listener_xml()));
  paper.transport.answer(200, v2_page("DescribeLoadBalancers", "LoadBalancers", balancer_xml()));
  paper.transport.answer(400, refusal_xml("ListenerNotFound"));
  const std::vector<Arn> listeners(3, Arn::parse(listener_arn)), balancers(2, Arn::parse(balancer_arn));
  EXPECT_EQ(AWAITED(elb.listeners(listeners)).size(), 3U);
  EXPECT_EQ(AWAITED(elb.load_balancers(balancers)).size(), 1U);
  EXPECT_EQ(FAILURE_OF(elb.listeners(listeners)).value().code(), "ListenerNotFound");
  EXPECT_NE(paper.transport.requests.at(1).body.find("&ListenerArns.member.3="), std::string::npos);
  EXPECT_TRUE(paper.transport.requests.at(1).body.ends_with("&Marker=m1"));
  EXPECT_NE(paper.transport.requests.at(2).body.find("&LoadBalancerArns.member.2="), std::string::npos);
}

TEST(ElbV2, ListsTheDefaultCertificateOnce) {
  Paper paper;
  ElbV2 elb{paper.client};
  auto row = [](const std::string& arn, const std::string& is_default) {
    return "<member><CertificateArn>" + arn + "</CertificateArn><IsDefault>" + is_default + "</IsDefault></member>";
  };
  paper.transport.answer(
      200, v2_page("DescribeListenerCertificates", "Certificates",
                   row(certificate_arn, "true") + row(certificate_arn, "false") + row("arn:other", "false")));
  EXPECT_EQ(AWAITED(elb.certificates(Arn::parse(listener_arn))),
            (std::vector<std::string>{certificate_arn, "arn:other"}));
}

TEST(ElbV2, SendsNothingButTheDefaultCertificate) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200, "<ModifyListenerResponse/>");
  AWAITED(elb.set_default_certificate(Arn::parse(listener_arn), certificate_arn));
  EXPECT_EQ(paper.transport.requests.at(0).body,
            "Action=ModifyListener&Version=2015-12-01&ListenerArn=arn%3Aaws%3Aelasticloadbalancing%3Aeu-west-1%"
            "3A123456789012%3Alistener"
            "%2Fapp%2Fweb%2F50dc%2Ff2f7&Certificates.member.1.CertificateArn=arn%3Aaws%3Aiam%3A%3A123456789012%"
            "3Aserver-certificate"
            "%2Fcertferry%2Fwww");
}

TEST(ElbV2, NamesNothingToModifyWhereNothingIsToChange) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200, "<ModifyListenerResponse/>");
  AWAITED(elb.modify_nothing(Arn::parse(listener_arn)));
  EXPECT_EQ(paper.transport.requests.at(0).body,
            "Action=ModifyListener&Version=2015-12-01&ListenerArn=arn%3Aaws%3Aelasticloadbalancing%3Aeu-west-1%"
            "3A123456789012%3Alistener%2Fapp%2Fweb%2F50dc%2Ff2f7");
}

TEST(ElbV2, ReadsWhatTheAccountMayHave) {
  Paper paper;
  ElbV2 elb{paper.client};
  paper.transport.answer(200,
                         "<DescribeAccountLimitsResponse><DescribeAccountLimitsResult><Limits>"
                         "<member><Name>certificates-per-application-load-balancer</Name><Max>40</Max></member>"
                         "</Limits></DescribeAccountLimitsResult></DescribeAccountLimitsResponse>");
  const std::map<std::string, int> expected{{"certificates-per-application-load-balancer", 40}};
  EXPECT_EQ(AWAITED(elb.account_limits()), expected);
}

}  // namespace
}  // namespace certferry::aws::testing
