#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "acme/account.h"
#include "acme/address.h"
#include "acme/pace.h"
#include "acme/problem.h"
#include "base/lease.h"
#include "base/limits/acme.h"
#include "base/token_bucket.h"
#include "outside/heard_clock.h"
#include "outside/outside.h"
#include "wire/http.h"
#include "wire/json.h"

namespace certferry::acme {

struct Directory {
  std::string new_nonce, new_account, new_order, revoke_certificate;
  std::string renewal_info;      // "" where there is none
  std::string terms_of_service;  // URL, "" where there is none
  bool external_account_required = false;
  std::vector<std::string> caa_identities;  // the domains that it answers to in CAA records; none where it says none
  std::vector<std::string> profiles;        // that an order may ask for, by name
};
// RFC 8555 section 7.1.1; members that we do not know are passed over. Throws Failure (refused) without newNonce,
// newAccount or newOrder.
Directory parse_directory(const Json& body);

// One request to the CA.
struct Call {
  std::string operation;  // for people: "newOrder for www.example.com"
  std::string url;        // as the CA gave it
  std::string payload;    // "" is POST-as-GET, which is always repeatable
  // May be sent again where the outcome of the first is unknown, or the server failed.
  bool repeatable = false;
  std::string accept;
  std::size_t body_limit = limits::acme::json_body;
  Domain domain = Domain::of_the_directory;  // whose the URL must be
};

// What the CA said: an answer of success, or a problem that a caller may expect.
struct Answer {
  http::Response response;
  std::optional<Problem> problem;
};

// How requests reach one CA: directory, nonces, signatures, and its errors as Failures (kind by status and problem
// type, code() = the type without the urn prefix). Only https, no redirects, and only the directory's registered domain
// unless a call is for any: what such an answer says of time and nonces is passed over.
class Session {
 public:
  // lease: asked before each request that changes something (one with a payload), which is fenced where the lease does
  // not outlast it. Null: nobody else can be at work.
  Session(Outside& outside, std::string directory_url, const Lease* lease = nullptr);

  Task<Directory> directory();  // read once a day
  // A signed POST; kid empty: jwk is sent. Repeats on badNonce with the fresh nonce (bounded), and, where that is safe,
  // on lost answers and 5xx (bounded, after a pause, Retry-After within a minute honoured): always where a busy CA
  // turned the request away. What the CA answered at
  // last is the value; Failure: transient, outcome_unknown (not repeatable, and maybe done) or refused where it
  // answered nothing, throttled, or failed in itself (5xx).
  Task<Answer> ask(const PrivateKey& key, const std::string& kid, const Call& call);
  // The same, where a problem is a Failure too.
  Task<http::Response> post(const PrivateKey& key, const std::string& kid, const Call& call);
  Task<Answer> get(const Call& call);  // unsigned: directory and renewal info alone

  const std::string& directory_url() const { return directory_url_; }
  std::optional<WallTime> heard_time() const { return clock_.now(); }  // the CA's, once it answered
  // The shortest that an answer ever took; zero before the first.
  Duration round_trip() const { return round_trip_.value_or(Duration::zero()); }
  std::uint64_t requests_sent() const { return requests_; }

 private:
  struct Attempt;  // session.cpp
  Task<Attempt> attempt(const http::Request& request, const Call& call);
  Task<Attempt> attempt_signed(const PrivateKey& key, const std::string& kid, const Call& call);
  Task<Attempt> attempt_unsigned(const http::Request& request, const Call& call);
  Task<Answer> repeated(const Call& call, std::function<Task<Attempt>()> attempt);
  Task<> wait_for_place();
  Task<std::string> nonce();
  std::optional<std::string> kept_nonce();
  Task<bool> may_ask_for_nonce();
  void take_note(const http::Response& response, SteadyTime sent);
  void keep_pace(const std::optional<Problem>& problem, SteadyTime sent);
  http::Request request(const Call& call, std::string method) const;

  struct Nonce {
    std::string value;
    SteadyTime got;
  };
  Outside& outside_;
  std::string directory_url_;
  const Lease* lease_;
  std::optional<Directory> directory_;
  SteadyTime directory_read_;
  Turn reading_directory_;
  std::deque<Nonce> nonces_;  // the freshest last
  Signal nonce_came_;
  TokenBucket new_nonces_{limits::acme::new_nonces_burst, limits::acme::new_nonces_per_second};
  Pace pace_;         // of all requests
  HeardClock clock_;  // the CA's
  std::optional<Duration> round_trip_;
  std::uint64_t requests_ = 0;
};

}  // namespace certferry::acme
