#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace certferry::sandbox {

// What goes wrong, as chances in percent of what each is about, where no other unit is named. All zero: calm.
struct Faults {
  // Between a process and the world.
  int connection_refused = 0;   // surely not done: Failure transient
  int request_lost = 0;         // not done, and the sender cannot know: outcome_unknown at its deadline
  int reply_lost = 0;           // done, and the sender cannot know: outcome_unknown at its deadline
  int service_unavailable = 0;  // 503 without a body, nothing done
  int throttled = 0;            // of AWS requests: Throttling, nothing done
  int dns_unanswered = 0;       // a question without an answer: Failure transient
  int dns_failed = 0;           // a question to the resolvers that they answer with SERVFAIL
  int reply_spoiled = 0;        // done, and the body is cut short, or a proxy's page
  int delivered_twice = 0;      // done, and at once again, which nobody hears of
  int request_late = 0;         // done up to 14 minutes later; its sender had given up at its deadline: outcome_unknown
  int handshake_failed = 0;     // with a listener: Failure transient
  int reply_slow = 0;           // done, and its answer takes a second to three minutes, which may be past the deadline

  // At the CA.
  int ca_busy = 0;            // 429 or 503 with a Retry-After that is good, absent or absurd, nothing done
  int ca_down = 0;            // of days: nothing answers there from midnight to midnight
  int nonce_refused = 0;      // badNonce for a good one
  int validation_failed = 0;  // although nothing is wrong with it
  int issuance_failed = 0;    // the order is invalid after it was finalized
  int chain_wrong = 0;        // of downloads: another's certificate, no intermediate, or none in order
  int certificate_wrong = 0;  // of issued ones: for another name or another key, or below another intermediate

  // At AWS.
  int prior_request = 0;     // Route 53: PriorRequestNotComplete
  int change_slow = 0;       // of change batches: INSYNC after 30 minutes
  int certificate_late = 0;  // of uploads to IAM: load balancers find it after four minutes
  int quota_full = 0;        // of uploads: LimitExceeded
  int delete_conflict = 0;   // of deletions of server certificates: DeleteConflict
  int kms_denied = 0;        // AccessDeniedException
  int s3_conflict = 0;       // of conditional writes: 409 ConditionalRequestConflict
  int service_down = 0;      // of hours, for each service apart: nothing answers there
  int shown_late = 0;        // of changes of a listener: handshakes show it after seven minutes

  // On the machine.
  int disk_full = 0;      // of writes to files and the store: nothing is written
  int disk_broken = 0;    // the same, with an I/O error
  int clock_ahead = 0;    // hours
  int clock_behind = 0;   // hours
  int power_lost = 0;     // of kills: the machine's power goes, and with it what was written and not synced yet
  int reload_failed = 0;  // of commands: they end with 1, half of them after the server has read its files
  int reload_slow = 0;    // of commands: they take a second to ten minutes, which may be past the deadline
  int value_damaged = 0;  // of starts of a process: a value of the store beside it has lost a bit since
  int left_dead = 0;      // hours that who was killed stays dead, whatever happens meanwhile

  // By others, after a request that changed something.
  int target_edited = 0;        // a listener is given another CA's certificate
  int directory_edited = 0;     // the same of a directory, after a change of files: its link leads to one of theirs
  int target_put_back = 0;      // a listener is given a placeholder again
  int record_edited = 0;        // a TXT set of a challenge gets a further value
  int record_removed = 0;       // a TXT set of a challenge is deleted
  int certificate_removed = 0;  // a server certificate of ours that no listener refers to is deleted

  static Faults calm() { return {}; }
  static Faults lossy() { return {2, 2, 3, 1, 0, 3}; }
  static Faults throttling() { return {0, 0, 0, 2, 15, 0}; }
  bool operator==(const Faults&) const = default;
};

// One fault by its name, and the most of it under which work still gets on.
struct FaultRow {
  std::string_view name, unit;
  int Faults::* amount;
  int most;
};
inline constexpr std::array fault_rows{
    FaultRow{"connection refused", "%", &Faults::connection_refused, 20},
    FaultRow{"request lost", "%", &Faults::request_lost, 15},
    FaultRow{"reply lost", "%", &Faults::reply_lost, 15},
    FaultRow{"service unavailable", "%", &Faults::service_unavailable, 25},
    FaultRow{"throttled", "%", &Faults::throttled, 30},
    FaultRow{"DNS unanswered", "%", &Faults::dns_unanswered, 20},
    FaultRow{"reply spoiled", "%", &Faults::reply_spoiled, 10},
    FaultRow{"delivered twice", "%", &Faults::delivered_twice, 20},
    FaultRow{"request late", "%", &Faults::request_late, 5},
    FaultRow{"CA busy", "%", &Faults::ca_busy, 20},
    FaultRow{"CA down", "% of days", &Faults::ca_down, 60},
    FaultRow{"nonce refused", "%", &Faults::nonce_refused, 60},
    FaultRow{"validation failed", "%", &Faults::validation_failed, 30},
    FaultRow{"issuance failed", "%", &Faults::issuance_failed, 30},
    FaultRow{"chain wrong", "%", &Faults::chain_wrong, 30},
    FaultRow{"certificate wrong", "%", &Faults::certificate_wrong, 40},
    FaultRow{"prior request", "%", &Faults::prior_request, 30},
    FaultRow{"change slow", "%", &Faults::change_slow, 30},
    FaultRow{"certificate late", "%", &Faults::certificate_late, 50},
    FaultRow{"quota full", "%", &Faults::quota_full, 30},
    FaultRow{"delete conflict", "%", &Faults::delete_conflict, 90},
    FaultRow{"KMS denied", "%", &Faults::kms_denied, 15},
    FaultRow{"S3 conflict", "%", &Faults::s3_conflict, 20},
    FaultRow{"disk full", "%", &Faults::disk_full, 10},
    FaultRow{"disk broken", "%", &Faults::disk_broken, 5},
    FaultRow{"clock ahead", " h", &Faults::clock_ahead, 24},
    FaultRow{"clock behind", " h", &Faults::clock_behind, 24},
    FaultRow{"handshake failed", "%", &Faults::handshake_failed, 40},
    FaultRow{"target edited", "%", &Faults::target_edited, 20},
    FaultRow{"directory edited", "%", &Faults::directory_edited, 10},
    FaultRow{"target put back", "%", &Faults::target_put_back, 15},
    FaultRow{"record edited", "%", &Faults::record_edited, 10},
    FaultRow{"record removed", "%", &Faults::record_removed, 40},
    FaultRow{"certificate removed", "%", &Faults::certificate_removed, 40},
    FaultRow{"reply slow", "%", &Faults::reply_slow, 15},
    FaultRow{"power lost", "% of kills", &Faults::power_lost, 100},
    FaultRow{"value damaged", "% of starts", &Faults::value_damaged, 60},
    FaultRow{"left dead", " h", &Faults::left_dead, 96},
    FaultRow{"service down", "% of hours", &Faults::service_down, 25},
    FaultRow{"shown late", "%", &Faults::shown_late, 50},
    FaultRow{"reload failed", "% of commands", &Faults::reload_failed, 50},
    FaultRow{"DNS failed", "%", &Faults::dns_failed, 40},
    FaultRow{"reload slow", "% of commands", &Faults::reload_slow, 30},
};
constexpr std::span<const FaultRow> all_faults() { return fault_rows; }

// How often each fault struck, in the order of fault_rows.
struct Struck {
  std::array<std::uint64_t, fault_rows.size()> times{};
  void count(int Faults::* fault) {
    for (std::size_t i = 0; i < times.size(); ++i) times[i] += fault_rows[i].amount == fault ? 1 : 0;
  }
};

}  // namespace certferry::sandbox
