#pragma once

namespace certferry::sandbox {

// What goes wrong between a process and the world, as chances in percent of all requests. All zero: calm.
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

}  // namespace certferry::sandbox
