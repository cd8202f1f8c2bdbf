#pragma once

#include <deque>
#include <optional>
#include <string>

#include "acme/account.h"
#include "outside/outside.h"
#include "wire/http.h"
#include "wire/json.h"

namespace certferry::acme {

struct Directory {
  std::string new_nonce, new_account, new_order, revoke_certificate, key_change;
  std::string renewal_info;      // "" where there is none
  std::string terms_of_service;  // URL, "" where there is none
  bool external_account_required = false;
  Json profiles;  // meta.profiles
};

// How requests reach one CA: directory, nonces, signatures, and its errors as Failures (kind by status and problem
// type, code() = the type without the urn prefix). Only https, only the directory's registered domain.
class Session {
 public:
  Session(Outside& outside, std::string directory_url);

  Task<Directory> directory();  // read once
  // A signed POST. Repeats on badNonce with the fresh nonce (bounded); nothing else is repeated. kid empty: jwk is
  // sent.
  Task<http::Response> post(const PrivateKey& key, const std::string& kid, const std::string& url,
                            const std::string& payload);
  Task<http::Response> get(const std::string& url);  // unsigned: renewal info alone

  std::optional<Duration> skew() const { return skew_; }  // the CA's Date minus our clock, once something was answered
  std::uint64_t requests_sent() const { return requests_; }

 private:
  Task<http::Response> send(http::Request request, std::string operation);
  Task<std::string> nonce();
  void keep_nonce(const http::Response&);

  struct Nonce {
    std::string value;
    SteadyTime got;
  };
  Outside& outside_;
  std::string directory_url_;
  std::optional<Directory> directory_;
  Turn reading_directory_;
  std::deque<Nonce> nonces_;
  std::optional<Duration> skew_;
  std::uint64_t requests_ = 0;
};

}  // namespace certferry::acme
