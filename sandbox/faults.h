#pragma once

#include <array>
#include <span>
#include <string_view>

namespace certferry::sandbox {

// What goes wrong between a process and the world. All zero: calm. In percent of what each is about, where no other
// unit is named.
struct Faults {
  int connection_refused = 0;   // surely not done: Failure transient
  int request_lost = 0;         // not done, and the sender cannot know: outcome_unknown at its deadline
  int reply_lost = 0;           // done, and the sender cannot know: outcome_unknown at its deadline
  int service_unavailable = 0;  // 503 without a body, nothing done
  int throttled = 0;            // of AWS requests: Throttling, nothing done
  int dns_unanswered = 0;       // a question without an answer: Failure transient

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
};
constexpr std::span<const FaultRow> all_faults() { return fault_rows; }

}  // namespace certferry::sandbox
