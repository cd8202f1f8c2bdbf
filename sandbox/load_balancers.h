#pragma once

#include <map>
#include <string>
#include <vector>

#include "sandbox/classic_load_balancers.h"

namespace certferry::sandbox {

struct SimulatedLoadBalancer {
  std::string name, arn, dns_name, type;
  struct Entry {
    std::string arn;
    SimulatedListener listener;
    std::vector<std::string> sni;
  };
  std::vector<Entry> listeners;
};

// ELBv2: DescribeAccountLimits, DescribeLoadBalancers, DescribeListeners, DescribeListenerCertificates, ModifyListener
// (exactly one certificate), Add- and RemoveListenerCertificates.
class LoadBalancers {
 public:
  explicit LoadBalancers(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  // One load balancer with one HTTPS (application) or TLS (network) listener; its listener's ARN is in the entry.
  SimulatedLoadBalancer::Entry& add(const std::string& name, const std::string& certificate_arn = "",
                                    const std::string& type = "application", std::uint16_t port = 443);
  // The same, of a listener whose ARN is known. Failure (refused) where it is none.
  SimulatedLoadBalancer::Entry& add_listener(const Arn& arn, const std::string& certificate_arn = "");
  std::map<std::string, SimulatedLoadBalancer> by_name;  // of all regions
  SimulatedLoadBalancer::Entry* listener(const std::string& arn);
  bool refers_to(const std::string& arn) const { return !user_of(arn).empty(); }
  std::string user_of(const std::string& arn) const;  // the ARN of one that refers to it, "" where none does

 private:
  SimulatedLoadBalancer& balancer(const std::string& name, const std::string& type, const std::string& id);
  static SimulatedLoadBalancer::Entry& add(SimulatedLoadBalancer& balancer, const std::string& listener_arn,
                                           std::uint16_t port, const std::string& certificate_arn);
  Outcome describe_limits(const QueryCall& call, XmlWriter& result) const;
  Outcome describe(const QueryCall& call, XmlWriter& result) const;
  Outcome describe_listeners(const QueryCall& call, XmlWriter& result) const;
  Outcome describe_certificates(const QueryCall& call, XmlWriter& result);
  Outcome modify(const QueryCall& call, XmlWriter& result, WallTime now);
  Outcome add_certificates(const QueryCall& call, XmlWriter& result, WallTime now);
  Outcome remove_certificates(const QueryCall& call, WallTime now);
  SimulatedLoadBalancer::Entry& required_listener(const QueryCall& call);
  void require_visible(const std::string& certificate, WallTime now) const;
  bool here(const std::string& arn) const;  // in the region that is asked
  World& world_;
};

}  // namespace certferry::sandbox
