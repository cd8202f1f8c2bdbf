#pragma once

#include <map>
#include <optional>
#include <string>

#include "sandbox/query_reply.h"
#include "sandbox/world.h"
#include "wire/http.h"

namespace certferry::sandbox {

// What one listener refers to and shows; shown changes shown_after later.
struct SimulatedListener {
  std::uint16_t port = 443;
  std::string protocol = "HTTPS";
  std::string certificate;                           // ARN
  std::string shown;                                 // ARN of the certificate that handshakes show by now
  std::map<std::size_t, std::string> shown_instead;  // by single addresses, whatever it refers to: ARNs
  std::optional<WallTime> shows_certificate_at;
  std::string told_before;  // ARN that what describes it tells until told_from, in place of certificate
  WallTime told_from{};
  bool dead = false;  // refers to a certificate that it cannot serve: handshakes fail from shows_certificate_at on
  bool secure() const { return protocol == "HTTPS" || protocol == "SSL" || protocol == "TLS"; }
  const std::string& told(WallTime now) const { return now < told_from ? told_before : certificate; }
  void tell_from(WallTime at, WallTime now) {  // before the change
    told_before = told(now);
    told_from = at;
  }
  void bind(const std::string& arn, WallTime at) {
    certificate = arn;
    shows_certificate_at = at;
    dead = false;
  }
  void advance(WallTime now) {
    if (shows_certificate_at && *shows_certificate_at <= now) {
      shown = dead ? "" : certificate;
      shows_certificate_at.reset();
    }
  }
};

struct SimulatedClassic {
  std::string name, region, dns_name;
  std::size_t instances = 0;  // registered with it
  std::map<std::uint16_t, SimulatedListener> listeners;
};

// Classic Elastic Load Balancing: DescribeLoadBalancers and SetLoadBalancerListenerSSLCertificate, with
// CertificateNotFound for what IAM does not show yet, LoadBalancerNotFound, ListenerNotFound, curves P-256 and P-384
// alone.
class ClassicLoadBalancers {
 public:
  explicit ClassicLoadBalancers(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  // region: "" the world's own.
  SimulatedClassic& add(const std::string& name, const std::string& certificate_arn = "", std::uint16_t port = 443,
                        const std::string& region = "");
  std::map<std::string, SimulatedClassic> by_name;  // of all regions
  bool refers_to(const std::string& arn) const { return !user_of(arn).empty(); }
  std::string user_of(const std::string& arn) const;  // the ARN of one that refers to it, "" where none does

 private:
  Outcome describe(const QueryCall& call, XmlWriter& result) const;
  Outcome set_certificate(const QueryCall& call, WallTime now);
  bool here(const SimulatedClassic& balancer) const;  // in the region that is asked
  World& world_;
};

}  // namespace certferry::sandbox
