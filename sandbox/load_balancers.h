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

// ELBv2: DescribeLoadBalancers, DescribeListeners, DescribeListenerCertificates, ModifyListener (exactly one
// certificate), Add- and RemoveListenerCertificates.
class LoadBalancers {
 public:
  explicit LoadBalancers(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  // One load balancer with one HTTPS (application) or TLS (network) listener; its listener's ARN is in the entry.
  SimulatedLoadBalancer::Entry& add(const std::string& name, const std::string& certificate_arn = "",
                                    const std::string& type = "application", std::uint16_t port = 443);
  std::map<std::string, SimulatedLoadBalancer> by_name;
  SimulatedLoadBalancer::Entry* listener(const std::string& arn);
  bool refers_to(const std::string& arn) const;

 private:
  World& world_;
};

}  // namespace certferry::sandbox
