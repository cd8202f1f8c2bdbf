#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/at_rest.h"
#include "plan/permit.h"
#include "plan/record.h"

namespace certferry {

// What was seen of one certificate and its targets, before anything is decided.
struct ObservedTarget {
  std::string id;                     // Target::id()
  std::string name;                   // for people: "classic ELB my-lb:443"
  std::optional<Serving> serving;     // empty where looking failed
  std::string trouble, remedy;        // why it failed, what to do
  bool configured = true;             // false: only the record knows it
  bool refused = false;               // it failed until a person changes something
  bool absent = false;                // it failed, for there is no such target
  std::string given_to = {};          // of one that is not: the certificate that it is configured for now, if any
  std::string given_for = {};         // the certificate that what it serves was put there for, where that is asked
  std::string no_place = {};          // why none could be put there, though it could be looked at; remedy: what to do
  std::vector<KeyType> refuses = {};  // what it does not take
  std::string reloaded_by = {};       // Target::reloaded_by()
  std::string left_by = {};           // the certificate that gave what it serves, and is configured no longer
};
struct ObservedCertificate {
  CertificateId id;
  CertificateSpec wanted;
  std::optional<Record> record;
  std::vector<ObservedTarget> targets;
  bool configured = true;
  std::string trouble = {}, remedy = {};  // why its record could not be read; nothing is done for it then
  std::optional<AtRest> at_rest = {};     // in place of its record, which was not read: see suffices()
  bool named_elsewhere = false;           // perhaps: of one that is not configured, where flags name another one alone
  // Of others that fail as well, and share a name with it: how many, and when they failed. The CA counts by names.
  struct Neighbours {
    int count = 0;
    std::vector<WallTime> failed;
  };
  Neighbours neighbours = {};
};
// Pure: writes them down for each that has failed. others: which are not planned for.
void note_neighbours(std::vector<ObservedCertificate>& all, const std::vector<ObservedCertificate>& others);
bool has_failed(const ObservedCertificate&);  // and is to pause
// Pure: writes down which targets one that is configured no longer has left behind.
void note_left(std::vector<ObservedCertificate>& all);

struct Action {
  enum class Kind { issue, install, keep, hold, wait, retire, withdraw, trouble };
  Kind kind;
  std::string certificate;             // its id, "" for retire and withdraw
  std::string target;                  // Target::id() for install and hold; what is removed for retire and withdraw
  std::string reason;                  // one sentence: why, or why not
  std::string remedy;                  // for hold and trouble
  std::optional<WallTime> not_before;  // for wait, keep and retire: when it will be due
  std::string target_name = {};        // for people: "ALB web:443"
  bool configured = true;              // false: its target is known from the record alone
  bool unproven = false;               // of wait: it is in place there, and not proven
  const std::string& shown_target() const { return target_name.empty() ? target : target_name; }
};
std::string_view name(Action::Kind);
bool changes(Action::Kind);  // issue, install, retire, withdraw

// Something of ours that nothing needs any longer: derived from the ledgers.
struct Removable {
  Action::Kind kind;                   // retire or withdraw; keep: something uses it still
  std::string where, name;             // shelf id or zone; server certificate, directory or TXT name
  std::optional<WallTime> not_before;  // its grace; empty: now
  std::string reason;
};
struct Observed {
  std::vector<ObservedCertificate> certificates;
  std::vector<Removable> removable;
};

struct Request {
  std::vector<std::string> renew;  // --renew NAME: due now
  std::vector<std::string> only;   // --only NAME: nothing else
  bool retry = false;              // --retry: the CA's limit holds back, the failure table does not
  PermitOptions permits;
};

struct CertificatePlan {
  CertificateId id;
  std::optional<Action> issue;  // issue, keep, wait or hold
  std::vector<Action> targets;  // one a target
};
struct Plan {
  std::vector<CertificatePlan> certificates;
  std::vector<Action> removals;
  bool anything() const;  // some action changes something
  std::vector<Action> all() const;
};

// Pure: (what is configured and was seen, agreed time) to actions with reasons. `apply` carries out exactly these.
Plan make_plan(const Observed& observed, const Request& request, const Roots& roots, WallTime now);

// Pure: in which order they are worked on, as places in `all`, for the CA may not take orders for each of them: what is
// due, by when it ends; what there is none of yet; then what is replaced for another reason.
std::vector<std::size_t> by_urgency(const std::vector<ObservedCertificate>& all, WallTime now);

// That a certificate waits for its next try on a target where it was installed in vain.
Action waits_after(const TargetRecord::RolledBack& rolled_back, const std::string& id, const std::string& target);

// What is kept because a certificate of ours is served, and not due yet, of which the state knows nothing: it was lost.
// Empty where it was not, as far as is seen.
std::optional<Action> lost_state(const ObservedCertificate& seen, WallTime now);

// Whether a target that is configured no longer surely serves nothing of this certificate's: nothing that this record
// says it was given. What cannot be read is no such evidence.
bool serves_something_else(const Record& record, const ObservedTarget& target);

// Whether a plan needs no more of the record than this: nothing is to be done for a certificate of which this is true,
// and its targets were seen to serve it.
bool suffices(const AtRest& rest, const ObservedCertificate& seen, const Request& request, WallTime now);

// For people, where `subject` stands before it anyway: without its name at the front.
std::string_view without_subject(std::string_view what, std::string_view subject);
std::string to_text(const Plan&, WallTime now);  // for people: + issue, ~ install, - retire, then a sum
Json to_json(const Plan&);

}  // namespace certferry
