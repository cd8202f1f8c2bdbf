#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "acme/session.h"
#include "aws/access.h"
#include "aws/identity.h"
#include "config/config.h"
#include "deploy/deployment.h"
#include "dns/zones.h"
#include "engine/account.h"
#include "engine/findings.h"
#include "engine/permissions.h"
#include "keys/account_key.h"
#include "outside/outside.h"
#include "plan/policy.h"
#include "state/vault.h"

namespace certferry {

// As much of a run's ground as could be laid: where a Ground needs all of it, doctor examines what there is.
struct Patient {
  Outside& outside;
  const Config& config;
  aws::Access* access = nullptr;  // null: no way to AWS was found
  Store& store;                   // an empty one where the state is not there, or cannot be opened
  Sealing& sealing;
  Findings troubles = {};   // what could not be laid, and why
  bool store_opens = true;  // false: among the troubles is why not
};

// Everything that apply stands on, looked at before anything is spent: identity, CA, account key, zones, challenges,
// CAA, state, keys, targets, quotas, rate limits, clocks. Changes nothing but a test object in a store that is shared,
// which it removes again. What fails is a red finding, and ends no other; what stands on it is not looked at, and says
// so.
class Doctor {
 public:
  explicit Doctor(Patient patient);
  Task<Findings> examine();

 private:
  using Look = std::function<Task<Findings>()>;
  // What a look came to. A Failure is a finding about `subject`, with the failure's next step: red, or yellow where
  // apply can do without what could not be seen. It is told once, by the check that met it first: another one that
  // fails over the very same was not looked at.
  Task<Findings> told_once(std::string check, std::string subject, Look look,
                           Finding::Verdict failed = Finding::Verdict::red);
  // One look that needs AWS: not made where it is not known who we are there.
  Task<Findings> looked_in_aws(std::string check, std::string subject, Look look,
                               Finding::Verdict failed = Finding::Verdict::red);
  // One that needs what the state remembers: not made where that could not be read.
  Task<Findings> looked_in_state(std::string check, std::string subject, Look look);

  Task<Findings> identity();
  Findings settings() const;
  Task<Findings> roles();
  Task<Findings> authority();
  Task<Findings> account();
  Task<Findings> account_key();
  Task<Findings> examined_account_key(AccountKeyPlace place);
  Task<Findings> zones();
  Task<Findings> permissions();
  Task<Findings> challenge(DomainName domain);
  Task<Findings> caa();
  Task<Findings> state();
  Task<> read_state();
  Task<Findings> lost_state();
  Task<Findings> versions();
  Task<Findings> keys();
  Task<Findings> targets();
  Task<Findings> quotas();
  Task<Findings> rate_limits();
  Findings clock() const;
  PolicyOwner owner_of(const Policy& policy, const PolicyFacts& facts) const;

  Finding profile_finding(const CertificateConfig& certificate) const;
  Finding terms_finding() const;
  std::vector<DomainName> names() const;  // of all certificates, each once, sorted

  // Whose matter a failure is.
  struct Cause {
    std::string check, subject;
    Finding::Verdict verdict;
  };

  Patient patient_;
  acme::Session session_;
  Vault vault_;
  std::optional<AccountKeys> account_keys_;  // where there is a way to AWS
  std::optional<Zones> zones_;               // the same
  std::optional<Deployment> deployment_;     // the same
  std::optional<acme::Directory> directory_;
  bool state_read_ = false;                         // what the state remembers is known
  std::optional<RememberedAccount> known_account_;  // that it remembers
  bool account_key_absent_ = false;                 // surely: apply would make one
  std::optional<aws::Identity> who_;                // we are to AWS, once it said so
  std::map<DomainName, ChallengePlace> places_;     // of challenges, as far as they were found
  std::map<std::string, Cause> causes_;             // by what they say
};

}  // namespace certferry
