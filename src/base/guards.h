#pragma once

#include <array>
#include <string_view>

namespace certferry {

// The measures that keep the invariants (ARCHITECTURE.md), each asked for at the one place where it stands. In what is
// shipped all of them are on, and nothing is left of the question. Where CERTFERRY_TESTING is defined one may be
// removed, to see that the simulation notices (docs/reliability.md).
enum class Guard {
  key_read_back,
  create_only_keys,
  account_key_read_back,
  claims,
  fencing,
  lease,
  intent_before_effect,
  probe,
  shared_authorizations,
  zone_ledger_first,
  owners,
  exact_delete,
  foreign_values,
  fifteen_minutes,
  every_answer,
  insync,
  parking,
  sweep_closed_only,
  shelf_ledger_first,
  compare_before_bind,
  former_noted,
  permit,
  verify_issued,
  verify_served,
  worth_restoring,
  grace,
  second_look,
  in_use_check,
  keys_outlive_orders,
  failure_table,
  agreed_time,
};

struct GuardRow {
  Guard guard;
  std::string_view name, sentence;
};
inline constexpr std::array guard_rows{
    GuardRow{Guard::key_read_back, "key read back", "no order is made for a key that was not read back"},
    GuardRow{Guard::create_only_keys, "create-only keys", "a key that is there is never written over"},
    GuardRow{Guard::account_key_read_back, "account key read back", "of two new account keys, the first counts"},
    GuardRow{Guard::claims, "claims", "a certificate is one instance's work at a time"},
    GuardRow{Guard::fencing, "fencing", "a record or journal that somebody else wrote is not written over"},
    GuardRow{Guard::lease, "lease", "nothing is changed outside after a standstill"},
    GuardRow{Guard::intent_before_effect, "intent before effect", "an order is announced before it is made"},
    GuardRow{Guard::probe, "probe", "an order is looked for where the reply was lost"},
    GuardRow{Guard::shared_authorizations, "shared authorizations", "to give up an order costs no other its proofs"},
    GuardRow{Guard::zone_ledger_first, "zone ledger first", "a TXT value is written down before it is published"},
    GuardRow{Guard::owners, "owners", "a TXT value stays as long as any of its owners needs it"},
    GuardRow{Guard::exact_delete, "exact DELETE", "a set is changed only where it is still as it was read"},
    GuardRow{Guard::foreign_values, "foreign values", "what others keep in a set stays in it"},
    GuardRow{Guard::fifteen_minutes, "15-minute rule", "a request counts as undone once it can no longer land"},
    GuardRow{Guard::every_answer, "every answer", "a request that nobody answered may still be on its way"},
    GuardRow{Guard::insync, "INSYNC", "a challenge is answered when all name servers tell its value"},
    GuardRow{Guard::parking, "parking", "a value stays while its validation may be under way"},
    GuardRow{Guard::sweep_closed_only, "sweep of closed ones only", "no value of an open generation is swept"},
    GuardRow{Guard::shelf_ledger_first, "shelf ledger first", "a certificate is written down before it is uploaded"},
    GuardRow{Guard::compare_before_bind, "compare before bind", "what others bound since the look is kept"},
    GuardRow{Guard::former_noted, "former noted first", "what was served is written down before it is replaced"},
    GuardRow{Guard::permit, "permit", "a target never gets a worse certificate"},
    GuardRow{Guard::verify_issued, "verify_issued", "no chain is recorded that was not verified"},
    GuardRow{Guard::verify_served, "verify served", "a target is proven by what it serves, or restored"},
    GuardRow{Guard::worth_restoring, "worth restoring", "nothing is put back that nobody would trust"},
    GuardRow{Guard::grace, "grace", "what was served before is kept for a while"},
    GuardRow{Guard::second_look, "second look", "records are read again before what they might need is deleted"},
    GuardRow{Guard::in_use_check, "in-use check", "what anything refers to is not deleted"},
    GuardRow{Guard::keys_outlive_orders, "keys outlive orders", "a key stays while a certificate may be out there"},
    GuardRow{Guard::failure_table, "failure table", "after a failure the CA is left alone for a while"},
    GuardRow{Guard::agreed_time, "agreed time", "a clock that is wrong is corrected"},
};

#ifdef CERTFERRY_TESTING
inline const GuardRow* removed_guard = nullptr;  // for the whole process; null: all are on
inline bool on(Guard guard) { return removed_guard == nullptr || removed_guard->guard != guard; }
#else
constexpr bool on(Guard) { return true; }
#endif

}  // namespace certferry
