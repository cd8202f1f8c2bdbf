#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "aws/budget.h"
#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "aws/sigv4.h"
#include "base/lease.h"
#include "base/limits/aws.h"
#include "outside/outside.h"
#include "wire/http.h"

namespace certferry::aws {

// The code() of what was not sent because its time was written down otherwise (Call::written).
inline constexpr const char* written_otherwise = "WrittenOtherwise";

// One request of a service's API, before it has a host, a date or a signature.
struct Call {
  std::string service;    // "route53", "iam", "elb", "elbv2", "s3", "kms", "sts", "sso", "sso-oidc"
  std::string operation;  // "ChangeResourceRecordSets", for messages, budgets and permissions
  std::string object;     // on what: "zone Z0123", "server certificate www", for messages
  std::string method = "POST";
  std::string path = "/";  // encoded
  QueryParameters query;
  http::Headers headers;
  Bytes body;
  std::string bucket;  // S3 alone: becomes host or path
  // May be sent again when the outcome of the first try is unknown: reads, and writes that repeat to the same end.
  bool repeatable = true;
  bool urgent = false;  // while its credentials live, no refresh of them is waited for
  bool sign = true;     // what gives credentials to whoever bears a token is not
  // When it is sent, by service_time(), as somebody has written down. Where it became later meanwhile, or that clock
  // was found to be wrong, it is not sent: refused, with code() written_otherwise.
  std::optional<WallTime> written = std::nullopt;
  Duration deadline = limits::aws::request_deadline;  // of each attempt
};

// What one AWS account, region and identity can be asked. Signs, sends, retries as the SDKs' standard mode does
// (jitter, retry quota), sends once more with the right date or fresh credentials where those it sent were over, keeps
// the budget of the service, and turns error bodies into Failures: throttled and transient only for what surely was not
// done, outcome_unknown for a call that may not be repeated, refused with the permission to allow for AccessDenied, all
// with code() set. Under a lease, fenced instead of each attempt that would change something and that the lease does
// not outlast.
class Client {
 public:
  // budget and time: shared by all clients of a process; empty: one of its own.
  Client(Outside& outside, std::shared_ptr<CredentialProvider> credentials, std::string region,
         EndpointSettings endpoints, Budget budget = Budget{}, std::shared_ptr<SigningClock> time = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Task<http::Response> send(Call call);  // a 2xx answer; everything else is a Failure
  void act_under(const Lease& lease);    // from now on; it outlives the last request

  const std::string& region() const;
  bool overridden(std::string_view service) const;  // its endpoint was given by hand
  std::string partition() const;                    // "aws", "aws-cn", ... of the region
  // The services', once one answered: AWS's own, once AWS did and not only an endpoint that was given by hand.
  std::optional<WallTime> heard_time() const;
  WallTime service_time() const;  // the same; before, the one that signatures bear
  std::shared_ptr<SigningClock> time() const;
  Task<SharedCredentials> credentials();
  void acts_in(const std::string& account);  // as a service said: its budget is that account's
  std::uint64_t requests_sent() const;       // attempts, for the figures that apply prints

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry::aws
