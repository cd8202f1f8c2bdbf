#pragma once

#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acme/account.h"
#include "acme/authorization.h"
#include "acme/order.h"
#include "acme/session.h"
#include "base/certificate_spec.h"
#include "base/renewal_info.h"
#include "crypto/certificate_request.h"
#include "crypto/issued.h"

namespace certferry::acme {

struct AccountSettings {
  bool agree_to_terms = false;
  std::vector<std::string> contact;
};

// The CA as renewal.cpp speaks of it. One account. Of orders it remembers, for this process alone, what it saw last.
class CertificateAuthority {
 public:
  // trusted: whether a chain leads to a root that this machine knows.
  using Trusted = std::function<bool(const Chain&)>;
  CertificateAuthority(Outside& outside, Session& session, Trusted trusted)
      : outside_(outside), session_(session), trusted_(std::move(trusted)) {}

  // Registers, or finds, the account of this key (newAccount; repeats to the same end). Failure: refused with the URL
  // of the terms where they are not agreed to, where the account is deactivated, or the CA wants an external account.
  Task<std::string> account_url(const PrivateKey& key, AccountSettings settings);
  void use(Account account);  // before all that follows
  // Whether the CA told this process that it has no such account (accountDoesNotExist), whatever was asked.
  bool has_lost(const std::string& account_url) const { return lost_accounts_.contains(account_url); }
  const Account& account() const { return *account_; }
  bool has_account() const { return account_.has_value(); }
  // Whether the CA reads what the account signs, and says that it is valid; false too where it could not be asked.
  Task<bool> account_stands();

  // May not be repeated blindly. replaces: the ARI id of the predecessor, "" for none; refused or alreadyReplaced:
  // asked once more without it. Where the CA failed over it (serverInternal), the next call leaves it out.
  Task<OrderUrl> new_order(const CertificateSpec& wanted, std::string replaces = "");
  // The order for these names that is still pending or ready, where the CA can tell: by the last orders of the
  // account's list (RFC 8555 section 7.1.2.1 names no order; CAs append), where it has one, does not refuse it for good
  // (4xx, 501), and what it shows is a list; empty else (then newOrder is asked again with the same body, and many CAs
  // give the same order). One that is processing or valid was finalized, so its URL was known, and it is for another
  // key. Failure: also where the CA does not show its list (429, 5xx, or no JSON), or one of the list could not be
  // read, for that may be it.
  Task<std::optional<OrderUrl>> find_order(const CertificateSpec& wanted);
  // As newOrder told it, or read. Failure: dead_generation for 410, for an order that ended without a certificate or
  // expired (section 7.1.3), and for one whose names or authorizations are not what they were; rationed where the CA
  // made it invalid before it, or an authorization of it, ended. Transient for 404, for a minute: see not_found.
  // expires: what it was told to a former process, after which a CA may not find it any more.
  Task<Order> order(const OrderUrl& url, std::optional<WallTime> expires = {});
  std::optional<WallTime> expiry(const OrderUrl& url) const;  // as this process was told last
  // The challenges still to be met; none where the CA trusts an earlier proof. Remembers their URLs for answer().
  Task<std::vector<ChallengeRecord>> open_challenges(const Order& order);
  // Answers all of them, side by side, and reads the order (after each wait, never before Retry-After) until it is no
  // longer pending, also where an answer was refused: CAs refuse a second one, and the first may have reached them.
  // One that failed and may be answered again (section 8.2) is, once. Failure: dead_generation with the CA's words,
  // name by name, where a validation failed for good; dead_generation, and not rationed, where the order expired over
  // it and the CA found no name wanting; transient and rationed where it failed twice; refused, as the answer was,
  // where nothing came of it; transient where the CA has not decided in time, or wants to be asked later than that.
  Task<Order> answer(const Order& order);
  bool answered(const OrderUrl& url) const;  // by this process
  // By this process the order was seen in an end state, ready or later, or with no challenge that the CA looks at.
  bool settled(const OrderUrl& url) const;
  bool open(const OrderUrl& url) const;  // last seen pending, ready or processing, by this process
  std::optional<OrderStatus> last_seen(const OrderUrl& url) const;                // by this process
  bool csr_sent(const OrderUrl& url) const;                                       // by this process, heard of or not
  bool issued(const OrderUrl& url) const;                                         // it was seen valid, by this process
  bool not_found(const OrderUrl& url) const { return not_found_.contains(url); }  // the CA said last: 404
  // The CA failed, or was not heard, when this process asked last for it, or for its certificate.
  bool silent(const OrderUrl& url) const { return silent_.contains(url); }
  bool undecided(const OrderUrl& url) const;  // this process saw it processing, or pending with challenges that the CA
                                              // is known to have been told to look at
  // Goes on from the freshest state that was seen of this order. Sends the CSR where the order is ready, waits while it
  // is processing, downloads the chain, its alternates where it is not trusted, and again where none is what `csr` asks
  // for: the caller verifies what it is given. Failure: dead_generation for an order that became invalid.
  Task<Issued> finalize(const Order& order, const Bytes& csr, int generation);
  // Deactivates the pending authorizations of a pending order that the CA does not decide upon (RFC 8555
  // section 7.5.2), and of an order that ended those whose challenge failed: a CA would give the same again. Let's
  // Encrypt counts each as a failed validation of its name, and leaves none pending that failed. None that one of
  // `open` names, the orders that somebody goes on with, but for what has failed, and where the CA does not decide upon
  // all of them. Repeats to the same end. True where the order had ended by itself: it never gives a certificate.
  // Failure: also where `open` is asked for and fails, or one of them cannot be read, and nothing was deactivated then.
  using OpenOrders = std::function<Task<std::vector<OrderUrl>>()>;
  Task<bool> abandon(const OrderUrl& url, const OpenOrders& open);
  // When the CA wants it renewed (RFC 9773 section 4.1; unsigned, repeats to the same end, needs no account). Without a
  // window where this CA gives no such information, or none of this certificate, or none that makes sense, or is not to
  // be asked for it where it says. Failure: as the session's, where it could not be asked.
  Task<RenewalInfo> renewal_info(const Certificate& certificate);
  Task<> revoke(const Certificate& certificate, int reason);  // alreadyRevoked is success

  const std::string& directory_url() const { return session_.directory_url(); }
  std::uint64_t polls() const { return polls_; }

 private:
  // What was last seen of an order.
  struct Known {
    Order order;
    std::optional<Duration> retry_after;  // of the answer that told it
    bool unread = false;                  // newOrder's answer, which order() has not given away
    std::vector<OpenChallenge> open;
    bool answered = false, settled = false;
    bool csr_sent = false;                      // whatever came of it
    std::string finalize_failed;                // what was said of the last finalize, where its outcome is not known
    std::optional<Failure> finalize_not_found;  // the same, where it was answered 404 though the order is there
  };
  // What the authorizations of an order say about how it ended, or will.
  struct Verdict {
    std::string words;                          // name by name
    bool failed = false;                        // some cannot become valid any more
    bool found_wanting = false;                 // the CA says why, or that it looked, or nobody knows
    bool lapsed = false;                        // some ended, and the CA found nothing wanting
    bool settled = false;                       // the CA looks at no challenge any more, or not before it is told to
    std::vector<Authorization> failed_for_now;  // they may be answered again
  };
  // When the authorizations are looked at next, while the order is waited for, and whose challenges were answered
  // again.
  struct Looks {
    SteadyTime next;
    Duration pause = limits::acme::failures_looked_for_after;
    std::set<std::string> answered_again;  // URLs of authorizations
  };

  // How the answers of an order's challenges were taken.
  struct Answered {
    std::exception_ptr failed;  // the first failure but for refusals, or null
    struct Refusal {
      std::string authorization;
      Failure failure;
    };
    std::vector<Refusal> refused;  // by the CA, which may be validating all the same
    bool decided = false;          // each is valid or invalid already
  };

  Task<Answer> ask(Call call);  // as the account
  Task<Answer> ask_for_order(Call call, const std::string& replaces);
  Task<http::Response> post(Call call);
  // Reads, and again for a while where the CA answers 404.
  Task<Answer> ask_until_found(Call call);
  Task<http::Response> read_until_found(Call call);
  WallTime now() const;  // by the CA's clock once it was heard, else by ours
  Task<Json> read_account();
  Task<Order> read(const OrderUrl& url);
  Task<bool> lost_a_proof(const Order& order);
  bool is_over(std::optional<WallTime> expires) const;
  bool has_expired(const Order& order) const;
  static Failure expiry_of(const Order& order);
  static Failure end_of(const Order& order);
  Order remember(const OrderUrl& url, const http::Response& response);
  // transient; `since`: what went wrong before, where something did
  static Failure still_waiting(const Order& order, std::optional<Duration> retry_after, const std::string& since = "");
  // meanwhile: done each time that the order is as it was; what it throws ends the waiting.
  Task<Order> wait_while(const OrderUrl& url, OrderStatus status, Duration patience, const Work& meanwhile = {});
  Task<std::set<std::string>> needed_by(const std::vector<OrderUrl>& open);
  Task<std::vector<std::string>> listed_orders();
  Authorization authorization_of(const Order& order, const std::string& url, const http::Response& told) const;
  enum class NotFound { told, asked_again };
  Task<std::vector<Authorization>> authorizations(const Order& order, NotFound where = NotFound::told);
  Task<Answered> post_answers(Known& known);
  static void take_note(const Answer& answer, const OpenChallenge& one, Known& known, Answered& outcome);
  Task<Order> what_became_of(const Known& known, const Answered& answers);
  Task<> pass_over_repeated(Known& known, Answered& answers);
  Task<Order> await_validation(const OrderUrl& url, const Answered& answers);
  Task<Order> validate(const OrderUrl& url);
  static Verdict verdict_of(const std::vector<Authorization>& proofs);
  Task<Verdict> verdict(const Order& order);
  Task<> look_for_failures(Known& known, Looks& looks);
  Task<> answer_again(const std::vector<Authorization>& proofs, std::set<std::string>& answered);
  void tell_failure(Known& known, const Verdict& said) const;
  bool tells_order(const OrderUrl& url, const http::Response& response);
  Task<> send_csr(const OrderUrl& url, const Bytes& csr);
  Task<Issued> obtain(const OrderUrl& url, const Bytes& csr, int generation);
  Task<Chain> download(const std::string& url, const RequestedCertificate& asked);

  Outside& outside_;
  Session& session_;
  Trusted trusted_;
  std::optional<Account> account_;
  std::map<OrderUrl, Known> known_;
  std::map<OrderUrl, WallTime> expiries_;  // of orders that former processes were told of
  std::set<OrderUrl> not_found_, silent_;
  std::set<std::string> lost_accounts_;  // URLs
  std::set<std::string> failed_over_;    // predecessors, by ARI id, that newOrder named when the CA failed in itself
  std::uint64_t polls_ = 0;
};

}  // namespace certferry::acme
