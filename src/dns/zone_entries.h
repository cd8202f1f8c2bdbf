#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aws/route53.h"
#include "base/failure.h"
#include "dns/zone_changes.h"
#include "state/zone_ledger.h"

namespace certferry {

// One TXT value to be there, or to be gone.
struct TxtWish {
  std::string name, value;
  TxtOwner owner;
  bool as_read = false;  // of a sweep: this owner as the ledger had it, and none that was written since
};

// What became of one batch.
struct BatchResult {
  std::optional<aws::ChangeInfo> change;  // empty: there was nothing to be done
  bool every_answer = true;               // of all its requests: none may still be on its way
  bool may_stand = false;                 // what is wanted may be in the zone, though the last request was refused
  bool denied = false;                    // IAM does not allow the change: perhaps some of its names alone
  std::map<std::string, Failure> refused = {};  // names at which nothing can be published, for what stands there
  TxtValues again;     // believed to stand, and asked for again because they did not; by no request before
  TxtValues left_out;  // wanted and not there, and their owners' to put there
  WallTime written;    // the date of what it asked for; an entry that bears another one was asked for since
  WallTime begun;
};

// Whether what was refused as a whole may be taken in parts, down to the one name that spoils it.
bool may_be_taken_in_parts(const Failure& failure, const BatchResult& told);

// All pure: what becomes of the entries of a zone's ledger.

// Whether a request for this entry may still take effect, though its sender was heard of no more.
bool may_still_change(const TxtEntry& entry, WallTime now);
// The same by `asked` alone, whoever owns it.
bool may_still_land(const TxtEntry& entry, WallTime now);
// Whether its removal was accepted, and all that is left is to see it INSYNC.
bool is_on_its_way_out(const TxtEntry& entry);

TxtEntry* entry_of(std::vector<TxtEntry>& entries, const std::string& name, const std::string& value);  // null: none
TxtEntry* entry_of(std::vector<TxtEntry>& entries, const TxtWish& wish);

// Before anything is sent: this owner wants the value there; `fresh` gets what the ledger did not know of.
void own(std::vector<TxtEntry>& entries, const TxtWish& wish, WallTime now, TxtValues& fresh);
// This owner wants it there no longer; whoever took its work over still does, and whoever began it anew.
void disown(std::vector<TxtEntry>& entries, const TxtWish& wish);
// The sets of some names were changed as `planned`. What others wrote down since then is theirs.
void note_changed(std::vector<TxtEntry>& entries, const std::vector<TxtEntry>& planned,
                  const std::set<std::string>& names, const TxtValues& fresh, const BatchResult& told);

}  // namespace certferry
