#include "aws/elb.h"

#include <charconv>
#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/page_token.h"
#include "aws/query_protocol.h"
#include "base/failure.h"
#include "base/limits/elb.h"

namespace certferry::aws {
namespace {

Call elb_call(std::string operation, std::string object, QueryParameters parameters) {
  return query_call("elb", "2012-06-01", std::move(operation), std::move(object), std::move(parameters));
}

std::uint16_t port_of(const std::string& text) {
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

ClassicLoadBalancer classic_load_balancer_of(const Xml& element) {
  ClassicLoadBalancer out{.name = element.text("LoadBalancerName"), .dns_name = element.text("DNSName")};
  auto listeners = element.child("ListenerDescriptions");
  if (!listeners) return out;
  for (const Xml& member : listeners->children("member"))
    if (auto listener = member.child("Listener"))
      out.listeners.push_back({port_of(listener->text("LoadBalancerPort")), listener->text("Protocol"),
                               listener->text("SSLCertificateId")});
  return out;
}

std::vector<ClassicLoadBalancer> classic_load_balancers_of(const Call& call, const Xml& page) {
  std::vector<ClassicLoadBalancer> out;
  for (const Xml& member : expected(call, page, "LoadBalancerDescriptions").children("member"))
    out.push_back(classic_load_balancer_of(member));
  return out;
}

Task<std::vector<ClassicLoadBalancer>> all_classic_pages(Client& client, std::string object,
                                                         QueryParameters parameters) {
  std::vector<ClassicLoadBalancer> out;
  PageToken marker;
  do {
    QueryParameters asked = parameters;
    if (!marker.empty()) asked.emplace_back("Marker", marker.text());
    Call call = elb_call("DescribeLoadBalancers", object, std::move(asked));
    http::Response answer = co_await client.send(call);
    Xml page = query_result(call, answer);
    for (ClassicLoadBalancer& found : classic_load_balancers_of(call, page)) out.push_back(std::move(found));
    const std::string next = page.text("NextMarker");
    marker.follow(call, !next.empty(), next);
  } while (!marker.empty());
  co_return out;
}

}  // namespace

Task<std::optional<ClassicLoadBalancer>> Elb::describe(const std::string& name) {
  Call call = elb_call("DescribeLoadBalancers", "load balancer " + name, {{"LoadBalancerNames.member.1", name}});
  try {
    http::Response answer = co_await client_.send(call);
    for (ClassicLoadBalancer& found : classic_load_balancers_of(call, query_result(call, answer)))
      if (found.name == name) co_return std::move(found);
    throw unfit_answer(call, "the answer does not have it, and does not say that there is none");
  } catch (const Failure& failure) {
    if (failure.code() != "LoadBalancerNotFound") throw;
  }
  co_return std::nullopt;
}

Task<std::vector<ClassicLoadBalancer>> Elb::describe(const std::vector<std::string>& names) {
  QueryParameters parameters;
  add_members(parameters, "LoadBalancerNames", names);
  co_return co_await all_classic_pages(client_, fmt::format("{} load balancers", names.size()), std::move(parameters));
}

Task<std::vector<ClassicLoadBalancer>> Elb::describe_all() {
  co_return co_await all_classic_pages(client_, "all load balancers",
                                       {{"PageSize", std::to_string(limits::elb::classic_on_a_page)}});
}

Task<> Elb::set_certificate(const std::string& load_balancer, std::uint16_t port, const std::string& certificate) {
  Call call = elb_call("SetLoadBalancerListenerSSLCertificate",
                       "load balancer " + load_balancer + " port " + std::to_string(port),
                       {{"LoadBalancerName", load_balancer},
                        {"LoadBalancerPort", std::to_string(port)},
                        {"SSLCertificateId", certificate}});
  call.repeatable = false;
  co_await carry_out(client_, std::move(call));
}

}  // namespace certferry::aws
