#include "aws/elbv2.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/page_token.h"
#include "aws/query_protocol.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

Call elbv2_call(std::string operation, std::string object, QueryParameters parameters) {
  return query_call("elbv2", "2015-12-01", std::move(operation), std::move(object), std::move(parameters));
}

std::vector<Xml> members_of(const Xml& page, std::string_view list_name) {
  auto list = page.child(list_name);
  return list ? list->children("member") : std::vector<Xml>{};
}

// element: of the answer to DescribeListeners on `object`.
Listener listener_of(const std::string& object, const Xml& element) {
  const Call asked = elbv2_call("DescribeListeners", object, {});
  Listener out{.arn = answered_arn(asked, element.text("ListenerArn")),
               .load_balancer = answered_arn(asked, element.text("LoadBalancerArn")),
               .protocol = element.text("Protocol")};
  std::string port = element.text("Port");
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  for (const Xml& certificate : members_of(element, "Certificates"))
    if (out.certificate.empty()) out.certificate = certificate.text("CertificateArn");
  return out;
}

// element: of the answer to DescribeLoadBalancers on `object`.
LoadBalancer load_balancer_of(const std::string& object, const Xml& element) {
  return {.arn = answered_arn(elbv2_call("DescribeLoadBalancers", object, {}), element.text("LoadBalancerArn")),
          .name = element.text("LoadBalancerName"),
          .dns_name = element.text("DNSName"),
          .type = element.text("Type")};
}

// Where one was asked for by name, there is one: or the service says by a code that there is none.
Xml the_one(const std::string& operation, const std::string& object, std::vector<Xml> found) {
  if (found.empty())
    throw unfit_answer(elbv2_call(operation, object, {}),
                       "the answer does not have it, and does not say that there is none");
  return std::move(found.front());
}

// Every page's members of the list `list_name`.
Task<std::vector<Xml>> all_pages(Client& client, const std::string& operation, const std::string& object,
                                 const QueryParameters& parameters, std::string_view list_name) {
  std::vector<Xml> out;
  PageToken marker;
  do {
    QueryParameters asked = parameters;
    if (!marker.empty()) asked.emplace_back("Marker", marker.text());
    Call call = elbv2_call(operation, object, std::move(asked));
    http::Response answer = co_await client.send(call);
    Xml page = query_result(call, answer);
    for (Xml& member : expected(call, page, list_name).children("member")) out.push_back(std::move(member));
    const std::string next = page.text("NextMarker");
    marker.follow(call, !next.empty(), next);
  } while (!marker.empty());
  co_return out;
}

Task<std::vector<Listener>> all_listeners(Client& client, std::string object, QueryParameters parameters) {
  std::vector<Listener> out;
  for (const Xml& element : co_await all_pages(client, "DescribeListeners", object, parameters, "Listeners"))
    out.push_back(listener_of(object, element));
  co_return out;
}

Task<std::vector<LoadBalancer>> all_load_balancers(Client& client, std::string object, QueryParameters parameters) {
  std::vector<LoadBalancer> out;
  for (const Xml& element : co_await all_pages(client, "DescribeLoadBalancers", object, parameters, "LoadBalancers"))
    out.push_back(load_balancer_of(object, element));
  co_return out;
}

QueryParameters named(const std::string& list, const std::vector<Arn>& arns) {
  std::vector<std::string> texts;
  for (const Arn& arn : arns) texts.push_back(arn.text());
  QueryParameters parameters;
  add_members(parameters, list, texts);
  return parameters;
}

Task<std::optional<LoadBalancer>> one_load_balancer(Client& client, std::string object, QueryParameters parameters) {
  try {
    auto found = co_await all_pages(client, "DescribeLoadBalancers", object, parameters, "LoadBalancers");
    co_return load_balancer_of(object, the_one("DescribeLoadBalancers", object, std::move(found)));
  } catch (const Failure& failure) {
    if (failure.code() != "LoadBalancerNotFound") throw;
  }
  co_return std::nullopt;
}

}  // namespace

Task<std::optional<Listener>> ElbV2::listener(const Arn& arn) {
  try {
    const std::string object = "listener " + arn.text();
    auto found =
        co_await all_pages(client_, "DescribeListeners", object, {{"ListenerArns.member.1", arn.text()}}, "Listeners");
    co_return listener_of(object, the_one("DescribeListeners", object, std::move(found)));
  } catch (const Failure& failure) {
    if (failure.code() != "ListenerNotFound") throw;
  }
  co_return std::nullopt;
}

Task<std::vector<Listener>> ElbV2::listeners(const Arn& load_balancer) {
  co_return co_await all_listeners(client_, "load balancer " + load_balancer.text(),
                                   {{"LoadBalancerArn", load_balancer.text()}});
}

Task<std::vector<Listener>> ElbV2::listeners(const std::vector<Arn>& arns) {
  co_return co_await all_listeners(client_, fmt::format("{} listeners", arns.size()), named("ListenerArns", arns));
}

Task<std::optional<LoadBalancer>> ElbV2::load_balancer(const Arn& arn) {
  co_return co_await one_load_balancer(client_, "load balancer " + arn.text(),
                                       {{"LoadBalancerArns.member.1", arn.text()}});
}

Task<std::optional<LoadBalancer>> ElbV2::load_balancer_named(const std::string& name) {
  co_return co_await one_load_balancer(client_, "load balancer " + name, {{"Names.member.1", name}});
}

Task<std::vector<LoadBalancer>> ElbV2::load_balancers() {
  co_return co_await all_load_balancers(client_, "all load balancers", {{"PageSize", "400"}});
}

Task<std::vector<LoadBalancer>> ElbV2::load_balancers(const std::vector<Arn>& arns) {
  co_return co_await all_load_balancers(client_, fmt::format("{} load balancers", arns.size()),
                                        named("LoadBalancerArns", arns));
}

Task<std::vector<std::string>> ElbV2::certificates(const Arn& listener) {
  std::vector<std::string> out;
  // The default certificate is listed twice where it is in the SNI list too.
  for (const Xml& element : co_await all_pages(client_, "DescribeListenerCertificates", "listener " + listener.text(),
                                               {{"ListenerArn", listener.text()}}, "Certificates")) {
    std::string arn = element.text("CertificateArn");
    if (std::ranges::find(out, arn) == out.end()) out.push_back(std::move(arn));
  }
  co_return out;
}

Task<std::map<std::string, int>> ElbV2::account_limits() {
  std::map<std::string, int> limits;
  for (const Xml& element : co_await all_pages(client_, "DescribeAccountLimits", "this account", {}, "Limits")) {
    const std::string most = element.text("Max");
    std::from_chars(most.data(), most.data() + most.size(), limits[element.text("Name")]);
  }
  co_return limits;
}

Task<> ElbV2::set_default_certificate(const Arn& listener, const std::string& certificate) {
  Call call = elbv2_call("ModifyListener", "listener " + listener.text(),
                         {{"ListenerArn", listener.text()}, {"Certificates.member.1.CertificateArn", certificate}});
  call.repeatable = false;
  co_await carry_out(client_, std::move(call));
}

Task<> ElbV2::remove_certificate(const Arn& listener, const std::string& certificate) {
  co_await carry_out(
      client_, elbv2_call("RemoveListenerCertificates", "listener " + listener.text(),
                          {{"ListenerArn", listener.text()}, {"Certificates.member.1.CertificateArn", certificate}}));
}

Task<> ElbV2::modify_nothing(const Arn& listener) {
  co_await carry_out(client_,
                     elbv2_call("ModifyListener", "listener " + listener.text(), {{"ListenerArn", listener.text()}}));
}

}  // namespace certferry::aws
