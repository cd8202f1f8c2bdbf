#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"

namespace certferry::aws {

struct ClassicLoadBalancer {
  struct Listener {
    std::uint16_t port = 0;
    std::string protocol;     // HTTPS, SSL, HTTP, TCP
    std::string certificate;  // ARN, "" where there is none
  };
  std::string name, dns_name;
  std::vector<Listener> listeners;
};

// Classic Elastic Load Balancing, 2012-06-01.
class Elb {
 public:
  explicit Elb(Client& client) : client_(client) {}
  Task<std::optional<ClassicLoadBalancer>> describe(const std::string& name);  // empty: LoadBalancerNotFound
  // Several at once, limits::elb::described_at_once at most. Code LoadBalancerNotFound where one of them is not there:
  // nothing is told of the others then.
  Task<std::vector<ClassicLoadBalancer>> describe(const std::vector<std::string>& names);
  Task<std::vector<ClassicLoadBalancer>> describe_all();  // all pages
  // May not be repeated blindly: somebody may have given the listener another one since. Codes: CertificateNotFound
  // (transient: a fresh IAM certificate is seen late), ListenerNotFound, LoadBalancerNotFound (refused).
  Task<> set_certificate(const std::string& load_balancer, std::uint16_t port, const std::string& certificate);

 private:
  Client& client_;
};

}  // namespace certferry::aws
