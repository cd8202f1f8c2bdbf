#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/certificate_spec.h"
#include "base/key_ref.h"
#include "base/renewal_info.h"
#include "crypto/issued.h"
#include "crypto/serving.h"
#include "wire/json.h"

namespace certferry {

// Who works on a certificate. An instance whose epoch is no longer the record's is fenced.
struct Claim {
  std::string instance;    // token; "" while nobody does
  std::int64_t epoch = 0;  // rises with every taking, never falls
  bool operator==(const Claim&) const = default;
};

// What one target went through.
struct TargetRecord {
  std::optional<Serving> former;         // what it served before we first touched it for `noted_for`
  std::optional<Fingerprint> noted_for;  // whose installation `former` belongs to
  // Of an earlier installation since `former`, which was never proven either: what may be there still.
  std::optional<Fingerprint> half_done = {};
  // `former` was a certificate of this record, or one that it gave: what a rollback puts back stays so.
  bool former_given = false;
  std::optional<Fingerprint> proven;  // verified as served
  // By handshakes, while AWS named `proven`: one that hides it from them. Empty: none, or not remembered.
  std::optional<Fingerprint> shown_instead = {};
  std::optional<WallTime> former_until;  // the grace of `former`: it is not retired before
  // `proven` was found damaged, and that it is put there again has not ended: it is itself what is gone back to.
  bool mending = false;
  struct RolledBack {
    Fingerprint fingerprint;
    std::string reason;
    int count = 1;
    WallTime not_before;           // it is not bound again earlier
    std::string reloaded_by = {};  // Target::reloaded_by() then; "" where that was none, or nobody wrote it down
    bool stayed = false;  // nothing was gone back to: it is in place, and not proven; perhaps nobody wrote it down
    // For people: what became of it, and why; and with when it is tried again.
    std::string text() const;
    std::string waiting_text() const;
    bool operator==(const RolledBack&) const = default;
  };
  std::optional<RolledBack> rolled_back;
  // Others replaced what was proven, `count` times since then, each time by the same.
  struct Undone {
    std::string by;  // its fingerprint, or what the target referred to where no certificate was seen there
    int count = 0;
    WallTime since, last;
    bool operator==(const Undone&) const = default;
  };
  std::optional<Undone> undone = {};
  std::string held;  // why the last install was held back (I7), "" where it was not
  // Target::reloaded_by() when it was proven; "" where that was none, or nobody wrote it down.
  std::string reloaded_by = {};
  void note_undone(const Serving& instead, WallTime now);  // once more, or for the first time in a while
  bool was_given(const Fingerprint& served) const;
  // Whether an installation since `former` bound it, or was to.
  bool given_since_former(const Fingerprint& served) const;
  // Whether that is what it refers to, and was never proven: nothing to go back to. Nor is what is gone since.
  bool left_half_done(const Serving& seen) const;
  // Whether `rolled_back` tells of a command alone that was tried for what is `proven` by another one.
  bool another_reload_failed() const;
  // What `issued` waits for on a target that looks like this and is reloaded so; null: nothing. The pause is of what
  // the rollback left there, whole, and of the command that failed.
  const RolledBack* waits_for(const Issued& issued, const Serving& seen, const std::string& reload, WallTime now) const;
  // Whether a target that looks like this, and is reloaded so, needs no further proof that it serves `issued`.
  bool proves(const Issued& issued, const Serving& seen, const std::string& reload) const;
  bool operator==(const TargetRecord&) const = default;
};

struct FailureRecord {
  int count = 0;
  std::optional<WallTime> not_before;  // the next generation does not start earlier; by the failure table
  std::string what, next;              // of the last one
  std::string remedy() const;          // the same as `next`, for whoever is told that it waits
  bool operator==(const FailureRecord&) const = default;
};

struct HistoryEntry {
  WallTime at;
  std::string what;  // one sentence for people
  bool operator==(const HistoryEntry&) const = default;
};

// certificate/<id>/record: what certferry knows of one certificate between runs. docs/journal.md has the format.
struct Record {
  CertificateId id;
  CertificateSpec specification;  // of the newest generation, or of what was wanted when that was given up
  Claim claim;
  int last_generation = 0;             // the highest that was ever opened
  std::optional<int> open_generation;  // the one under way
  struct Newest {
    Issued issued;
    KeyRef key;
    CertificateSpec specification;
    std::optional<RenewalInfo> renewal_info = {};  // as the CA said it last
    bool operator==(const Newest&) const = default;
  };
  std::optional<Newest> newest;    // issued, verified; installed or not
  std::optional<Newest> previous;  // the one before it: rollback material
  FailureRecord failures;
  struct Former {
    CertificateSpec specification;
    WallTime until;  // it was `specification`
    bool operator==(const Former&) const = default;
  };
  std::vector<Former> former_specifications;    // of the last week, none twice
  std::optional<WallTime> changed_back;         // to one of those, the last time
  std::map<std::string, TargetRecord> targets;  // by Target::id()
  std::vector<HistoryEntry> history;            // the last 50
  bool configured = true;
  bool operator==(const Record&) const = default;

  Record(CertificateId certificate, CertificateSpec wanted)
      : id(std::move(certificate)), specification(std::move(wanted)) {}
};
Json to_json(const Record&);
template <>
Record from_json<Record>(const Json&);  // throws Failure (refused): a newer format, a missing member

// Makes this what is wanted now. What failed for another one is forgotten.
void change_specification(Record&, const CertificateSpec& wanted, WallTime now);
// Until when a change back to a former specification waits, for there was one a moment ago. Empty: it need not.
std::optional<WallTime> change_back_waits_until(const Record&, const CertificateSpec& wanted, WallTime now);
// Whether that takes the place of one for the same names by the same CA.
bool renews(const Record&, const CertificateSpec& wanted);
// From when on the newest is replaced early, once more, though it took the place of one that the CA wanted replaced
// early too. Empty: at once.
std::optional<WallTime> replaced_early_from(const Record&);
void remember(Record&, WallTime at, std::string what);  // appends to the history, which stays short
void remember_issued(Record&, WallTime at, const Issued& issued);
// How many certificates the history tells of that were issued then or later.
int issued_since(const Record&, WallTime then);
void remember_ended(Record&, WallTime at, int generation, std::string_view why);  // without a certificate
// When generations ended so, as far as the history tells, the earliest first.
std::vector<WallTime> ended_at(const Record&);

}  // namespace certferry
