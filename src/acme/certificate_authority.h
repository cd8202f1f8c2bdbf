#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "acme/account.h"
#include "acme/order.h"
#include "acme/session.h"
#include "base/certificate_spec.h"
#include "crypto/issued.h"

namespace certferry::acme {

struct AccountSettings {
  bool agree_to_terms = false;
  std::vector<std::string> contact;
};

struct RenewalInfo {
  WallTime start, end;  // the suggested window (RFC 9773)
  std::string explanation_url;
  Duration retry_after;  // when to ask again: clamped
};

// The CA as renewal.cpp speaks of it. One account; everything is read from the CA, nothing is remembered but URLs.
class CertificateAuthority {
 public:
  CertificateAuthority(Outside& outside, Session& session) : outside_(outside), session_(session) {}

  // Registers, or finds, the account of this key (newAccount; repeats to the same end). Failure: refused with the URL
  // of the terms where they are not agreed to, where the account is deactivated, or the CA wants an external account.
  // only_existing: never registers; empty where the CA knows no such account.
  Task<std::optional<std::string>> account_url(const PrivateKey& key, AccountSettings settings, bool only_existing);
  void use(Account account);  // before all that follows
  const Account& account() const { return *account_; }

  // May not be repeated blindly. replaces: the ARI id of the predecessor, "" for none; refused or alreadyReplaced:
  // asked once more without it.
  Task<OrderUrl> new_order(const CertificateSpec& wanted, std::string replaces = "");
  // The order for these names that is still open, where the CA can tell: by the account's order list, where it has one;
  // empty else (then newOrder is asked again with the same body, and many CAs give the same order).
  Task<std::optional<OrderUrl>> find_order(const CertificateSpec& wanted);
  Task<Order> order(
      const OrderUrl& url);  // Failure: dead_generation for 404 and for an order that ended without a certificate
  // The challenges still to be met; none where the CA trusts an earlier proof. Remembers their URLs for answer().
  Task<std::vector<ChallengeRecord>> open_challenges(const Order& order);
  // Answers all of them, side by side, and reads the order (after each wait, never before Retry-After) until it is no
  // longer pending. Failure: dead_generation with the CA's words, name by name, where a validation failed.
  // answered: told once the first answer is on its way; from then on a validation may be in flight.
  Task<Order> answer(const Order& order);
  bool answered(const OrderUrl& url) const;  // by this process
  bool settled(const OrderUrl& url) const;   // the order was seen in an end state, ready or later, by this process
  // Sends the CSR where the order is ready, waits while it is processing, downloads the chain (alternates too where the
  // first is unfit). Failure: dead_generation for an order that became invalid.
  Task<Issued> finalize(const Order& order, const Bytes& csr, int generation);
  // Deactivates what is pending of an order that is given up; best effort, repeats to the same end.
  Task<> abandon(const OrderUrl& url);
  Task<std::optional<RenewalInfo>> renewal_info(const Certificate& certificate);
  Task<> revoke(const Certificate& certificate, int reason);  // alreadyRevoked is success

  std::optional<Duration> skew() const { return session_.skew(); }
  std::uint64_t polls() const { return polls_; }

 private:
  Task<Order> wait_while(const OrderUrl& url, OrderStatus status, Duration patience);
  Task<std::string> explain(const Order& order);  // why validations failed

  Outside& outside_;
  Session& session_;
  std::optional<Account> account_;
  std::map<OrderUrl, std::vector<OpenChallenge>> open_;
  std::map<OrderUrl, bool> answered_, settled_;
  std::uint64_t polls_ = 0;
};

}  // namespace certferry::acme
