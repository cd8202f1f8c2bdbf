#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/names.h"

namespace certferry::aws {

struct Listener {
  Arn arn;
  Arn load_balancer;
  std::uint16_t port = 0;
  std::string protocol;     // HTTPS, TLS, HTTP, TCP
  std::string certificate;  // ARN of the default certificate, "" where there is none
};

struct LoadBalancer {
  Arn arn;
  std::string name, dns_name, type;  // application, network
};

// Elastic Load Balancing, 2015-12-01: application and network load balancers.
class ElbV2 {
 public:
  explicit ElbV2(Client& client) : client_(client) {}
  Task<std::optional<Listener>> listener(const Arn& arn);           // empty: ListenerNotFound
  Task<std::vector<Listener>> listeners(const Arn& load_balancer);  // all pages
  // Several at once, limits::elb::described_at_once at most. Code ListenerNotFound, and LoadBalancerNotFound, where one
  // of them is not there: nothing is told of the others then.
  Task<std::vector<Listener>> listeners(const std::vector<Arn>& arns);
  Task<std::vector<LoadBalancer>> load_balancers(const std::vector<Arn>& arns);
  Task<std::optional<LoadBalancer>> load_balancer(const Arn& arn);
  Task<std::optional<LoadBalancer>> load_balancer_named(const std::string& name);
  Task<std::vector<LoadBalancer>> load_balancers();                  // all pages
  Task<std::vector<std::string>> certificates(const Arn& listener);  // default and SNI list, each once
  // What this account may have in this region, by Elastic Load Balancing's names of it (DescribeAccountLimits).
  Task<std::map<std::string, int>> account_limits();
  // The default certificate alone; nothing else of the listener is sent, so nothing else changes. May not be
  // repeated blindly: somebody may have given the listener another one since. Codes: CertificateNotFound (transient),
  // ListenerNotFound (refused).
  Task<> set_default_certificate(const Arn& listener, const std::string& certificate);
  // From its list, where SNI chooses. One that is not on it changes nothing. Codes: ListenerNotFound,
  // OperationNotPermitted where it is the default one and not on the list (both refused).
  Task<> remove_certificate(const Arn& listener, const std::string& certificate);
  // ModifyListener that names nothing to modify, and so changes nothing: whether one would be let in. Code:
  // ListenerNotFound (refused).
  Task<> modify_nothing(const Arn& listener);

 private:
  Client& client_;
};

}  // namespace certferry::aws
