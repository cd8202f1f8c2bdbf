#include "sandbox/classic_load_balancers.h"

#include <algorithm>
#include <fmt/format.h>

#include "sandbox/server_certificates.h"
#include "sandbox/strikes.h"

namespace certferry::sandbox {
namespace {

constexpr QueryService kElb{"elb", "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"};

[[noreturn]] void refuse_unknown_classic(const std::string& name) {
  throw Refusal{400, "LoadBalancerNotFound", fmt::format("There is no ACTIVE Load Balancer named '{}'", name)};
}

void write_instances(XmlWriter& xml, std::size_t count) {
  xml.open("Instances");
  for (std::size_t i = 1; i <= count; ++i) xml.open("member").text("InstanceId", fmt::format("i-{:017x}", i)).close();
  xml.close();
}

void write_classic(XmlWriter& xml, const SimulatedClassic& balancer, WallTime created, WallTime now) {
  xml.open("member");
  xml.text("LoadBalancerName", balancer.name).text("DNSName", balancer.dns_name);
  xml.open("ListenerDescriptions");
  for (const auto& [port, listener] : balancer.listeners) {
    xml.open("member").open("Listener");
    xml.text("Protocol", listener.protocol).text("LoadBalancerPort", std::to_string(port));
    xml.text("InstanceProtocol", listener.protocol == "HTTPS" || listener.protocol == "HTTP" ? "HTTP" : "TCP");
    xml.text("InstancePort", "80");
    if (const std::string& told = listener.told(now); !told.empty()) xml.text("SSLCertificateId", told);
    xml.close().open("PolicyNames").close().close();
  }
  xml.close();
  write_instances(xml, balancer.instances);
  xml.text("CreatedTime", iso8601(created)).text("Scheme", "internet-facing");
  xml.close();
}

std::uint16_t port_in(const QueryCall& call) {
  std::string text = call.required("LoadBalancerPort");
  bool digits = text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  int port = digits ? std::stoi(text) : 0;
  if (port < 1 || port > 65'535)
    throw Refusal{400, "ValidationError", fmt::format("LoadBalancerPort must be 1 to 65535, and is '{}'", text)};
  return static_cast<std::uint16_t>(port);
}

bool on_curve_of_classic(const SimulatedServerCertificate& certificate) {
  return certificate.content.chain.leaf.public_key().type().has_value();  // P-256, P-384 and RSA are what has a type
}

}  // namespace

http::Response ClassicLoadBalancers::handle(const http::Request& request, WallTime now) {
  return answer_query(world_, kElb, request, now, [&](const QueryCall& call, XmlWriter& result) -> Outcome {
    if (call.action() == "DescribeLoadBalancers") return describe(call, result);
    if (call.action() == "SetLoadBalancerListenerSSLCertificate") return set_certificate(call, now);
    throw Refusal{400, "InvalidAction",
                  fmt::format("Could not find operation {} for version 2012-06-01", call.action())};
  });
}

Outcome ClassicLoadBalancers::describe(const QueryCall& call, XmlWriter& result) const {
  auto names = call.members("LoadBalancerNames");
  std::size_t page = call.page_size("PageSize", 400, 400), written = 0;
  std::string from = item_of_marker(call.text("Marker")), next;
  for (const auto& name : names)
    if (const auto found = by_name.find(name); found == by_name.end() || !here(found->second))
      refuse_unknown_classic(name);
  result.open("LoadBalancerDescriptions");
  for (auto entry = by_name.lower_bound(from); entry != by_name.end(); ++entry) {
    if (!here(entry->second)) continue;
    if (!names.empty() && std::ranges::find(names, entry->first) == names.end()) continue;
    if (written == page) {
      next = entry->first;
      break;
    }
    write_classic(result, entry->second, world_.created(), world_.now());
    ++written;
  }
  result.close();
  if (!next.empty()) result.text("NextMarker", page_marker(next));
  return {names.empty() ? "" : fmt::format("{}", fmt::join(names, ",")), false};
}

Outcome ClassicLoadBalancers::set_certificate(const QueryCall& call, WallTime now) {
  std::string name = call.required("LoadBalancerName"), arn = call.required("SSLCertificateId");
  std::uint16_t port = port_in(call);
  auto balancer = by_name.find(name);
  if (balancer == by_name.end() || !here(balancer->second)) refuse_unknown_classic(name);
  auto found = balancer->second.listeners.find(port);
  if (found == balancer->second.listeners.end())
    throw Refusal{400, "ListenerNotFound", fmt::format("Load Balancer does not have a listener on port {}", port)};
  SimulatedListener& listener = found->second;
  if (!listener.secure())
    throw Refusal{409, "InvalidConfigurationRequest",
                  fmt::format("A listener of protocol {} takes no certificate", listener.protocol)};
  const auto* certificate = world_.server_certificates().visible(arn, now);
  if (!certificate)
    throw Refusal{400, "CertificateNotFound", fmt::format("Server Certificate not found for the key: {}", arn)};
  if (!on_curve_of_classic(*certificate))
    throw Refusal{409, "InvalidConfigurationRequest",
                  fmt::format("The key of {} is of no type that a Classic Load Balancer takes", arn)};
  std::string object = fmt::format("{}:{}", name, port);
  if (listener.certificate == arn) return {object, false};
  std::string former = listener.certificate;
  listener.tell_from(now + world_.settings().described_after, now);
  listener.bind(arn, shown_from(world_, now));
  if (!former.empty()) world_.server_certificates().released(former, now);
  return {object, true};
}

SimulatedClassic& ClassicLoadBalancers::add(const std::string& name, const std::string& certificate_arn,
                                            std::uint16_t port, const std::string& region) {
  auto [entry, added] = by_name.try_emplace(name);
  auto& balancer = entry->second;
  if (added) {
    balancer.name = name;
    balancer.region = region.empty() ? world_.settings().region : region;
    balancer.dns_name =
        fmt::format("{}-{}.{}.elb.amazonaws.com", name, 1'000'000'000 + by_name.size(), balancer.region);
  }
  SimulatedListener& listener = balancer.listeners[port];
  listener.port = port;
  listener.certificate = listener.shown = certificate_arn;
  return balancer;
}

std::string ClassicLoadBalancers::user_of(const std::string& arn) const {
  if (arn.empty()) return "";
  for (const auto& [name, balancer] : by_name)
    for (const auto& [port, listener] : balancer.listeners)
      if (listener.certificate == arn)
        return fmt::format("arn:aws:elasticloadbalancing:{}:{}:loadbalancer/{}", balancer.region,
                           world_.settings().account, name);
  return "";
}

bool ClassicLoadBalancers::here(const SimulatedClassic& balancer) const {
  return world_.asked_region().empty() || balancer.region == world_.asked_region();
}

}  // namespace certferry::sandbox
