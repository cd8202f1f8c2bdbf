#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/peer_chain.h"
#include "crypto/chain.h"
#include "crypto/private_key.h"
#include "outside/entropy.h"
#include "sandbox/faults.h"
#include "sandbox/settings.h"
#include "wire/dns.h"
#include "wire/http.h"

namespace certferry::sandbox {

class CertificateAuthority;  // certificate_authority.h: RFC 8555, RFC 9773
class HostedZones;           // hosted_zones.h: Route 53
class ServerCertificates;    // server_certificates.h: IAM
class ClassicLoadBalancers;  // classic_load_balancers.h: ELB
class LoadBalancers;         // load_balancers.h: ELBv2
class Buckets;               // buckets.h: S3
class RequestRates;          // request_rates.h
class KeyManagement;         // key_management.h: KMS
class SecurityTokens;        // security_tokens.h: STS
class Permissions;           // permissions.h: IAM's policies
struct Authority;            // authorities.h
struct Authorities;

// What a listener presents in a handshake.
struct Presented {
  Chain chain;
  PrivateKey key;
};

// One request that reached a service, for counting, traces and oracles.
struct Event {
  WallTime at;
  std::string service;    // "acme", "route53", "iam", "elb", "elbv2", "s3", "kms", "sts"
  std::string operation;  // "newOrder", "ChangeResourceRecordSets"
  std::string object;     // order URL, zone id, certificate name …
  int status = 0;
  bool changed = false;  // the service's state is not as before
  bool late = false;     // its sender was gone by then, or had given up: what it knew is no longer so
};

// The whole outside as functions from request to response over one state; time is told with every call and only moves
// forward. What happens by itself (INSYNC, validation, issuance) happens when a call says that its time has come. Pure
// otherwise: the same calls with the same entropy give the same bytes, keys and signatures too where openssl_entropy.h
// feeds OpenSSL. Not thread-safe.
class World {
 public:
  World(Settings settings, Entropy& entropy, WallTime start);
  World(Settings settings, Entropy& entropy, WallTime start, const Authorities& authorities);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // The CA by its host, everything of AWS by the service in the request's SigV4 scope (and by Version where two share a
  // scope), so that one endpoint serves all. Every SigV4 and JWS signature is verified, by code of the sandbox's own.
  http::Response handle(const http::Request& request, WallTime now, bool late = false);  // late: as Event has it
  // Authoritative for every hosted zone, with what is INSYNC; REFUSED for other names.
  dns::Message answer(const dns::Message& query, WallTime now);
  // What a TLS client that asks for `sni` at this load balancer's DNS name sees; empty where nothing listens.
  // address: which of the load balancer's.
  std::optional<Presented> presented(const std::string& host, std::uint16_t port, const std::string& sni, WallTime now,
                                     std::size_t address = 0);

  // What comes by itself up to `now` comes: INSYNC, validations, issuances, listeners. Every call above begins with it.
  void advance(WallTime now);

  const Settings& settings() const { return settings_; }
  Settings& settings() { return settings_; }
  Faults& faults() { return faults_; }
  Struck& struck() { return struck_; }
  WallTime now() const { return now_; }
  const std::string& asked_region() const { return asked_region_; }  // of AWS, by the request that is handled now
  WallTime created() const { return created_; }                      // of what stood in the world before it began
  Entropy& entropy() { return entropy_; }
  std::string random_id(std::string_view prefix, std::size_t characters);  // upper-case letters and digits

  CertificateAuthority& ca() { return *ca_; }
  HostedZones& zones() { return *zones_; }
  ServerCertificates& server_certificates() { return *server_certificates_; }
  ClassicLoadBalancers& classic() { return *classic_; }
  LoadBalancers& load_balancers() { return *load_balancers_; }
  Buckets& buckets() { return *buckets_; }
  KeyManagement& kms() { return *kms_; }
  SecurityTokens& sts() { return *sts_; }
  Permissions& permissions() { return *permissions_; }  // asked of each request with a good signature

  // The roots that this world's clients trust: the CA's where it is trusted, and that of "some other CA" always, whose
  // certificates foreign() makes.
  Roots roots() const;
  std::string roots_pem() const;
  // A certificate of some other trusted CA, as somebody put it on a listener before us.
  Presented foreign(const std::vector<DomainName>& names, WallTime not_before, WallTime not_after);
  Presented placeholder(const std::vector<DomainName>& names, WallTime now);  // self-signed
  static Presented placeholder(const std::vector<DomainName>& names, WallTime now, Entropy& for_serial);

  // Keys that may sign requests: "AKIASANDBOX" / "sandbox-secret" is there from the start.
  void add_access_key(const std::string& id, const std::string& secret);
  std::optional<std::string> secret_of(const std::string& access_key_id) const;

  void record(Event event);  // by services, once a request
  const std::vector<Event>& events() const { return events_; }
  std::size_t count(std::string_view service, std::string_view operation = "") const;
  // Hears every event right after it happened: invariants, crash points, traces.
  void on_event(std::function<void(const Event&)> listener);

 private:
  http::Response handle_aws(const http::Request& request);
  Presented presented_by(const Authority& authority, const std::vector<DomainName>& names, WallTime not_before,
                         WallTime not_after);
  Settings settings_;
  Faults faults_;
  Struck struck_;
  Entropy& entropy_;
  WallTime now_, created_;
  bool late_ = false;  // the request that is handled now
  std::string asked_region_;
  std::vector<Event> events_;
  std::vector<std::function<void(const Event&)>> listeners_;
  std::map<std::string, std::string> access_keys_;
  std::unique_ptr<const Authorities> authorities_;
  std::unique_ptr<CertificateAuthority> ca_;
  std::unique_ptr<HostedZones> zones_;
  std::unique_ptr<ServerCertificates> server_certificates_;
  std::unique_ptr<ClassicLoadBalancers> classic_;
  std::unique_ptr<LoadBalancers> load_balancers_;
  std::unique_ptr<Buckets> buckets_;
  std::unique_ptr<KeyManagement> kms_;
  std::unique_ptr<SecurityTokens> sts_;
  std::unique_ptr<Permissions> permissions_;
  std::unique_ptr<RequestRates> rates_;
};

}  // namespace certferry::sandbox
