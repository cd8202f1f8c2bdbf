#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "outside/outside.h"
#include "state/records.h"

namespace certferry {

// Who lives: decides whether a claim found in a record still counts.
class Instances {
 public:
  virtual ~Instances() = default;
  virtual const std::string& self() const = 0;  // this instance's token
  virtual Task<>
  begin() = 0;  // announces it; throws Failure (refused) naming who is at work where the store allows one only
  virtual Task<bool> alive(std::string instance) = 0;
  virtual Task<> end() = 0;                                      // withdraws the announcement
  virtual bool lease_outlasts(Duration) const = 0;               // a mutating request of this deadline may be sent
  virtual std::string describe(std::string instance) const = 0;  // "process 1234 on web-1", for people
};

// The embedded store: an OS file lock that dies with the process.
// try_lock: true when this process holds the lock from now on. holder: who does, for people.
std::unique_ptr<Instances> locked_instances(Outside& outside, std::function<bool()> try_lock,
                                            std::function<std::string()> holder, Duration wait);

// A claim on one certificate: its record, ours until release() or until somebody else's epoch is in it.
class ClaimedRecord {
 public:
  ClaimedRecord(std::unique_ptr<RecordEntry> entry, std::int64_t epoch) : entry_(std::move(entry)), epoch_(epoch) {}
  RecordEntry& entry() { return *entry_; }
  const Record& get() const { return entry_->get(); }
  std::int64_t epoch() const { return epoch_; }
  Task<> release();  // leaves the record unclaimed; fenced is not reported
  Task<> remove();   // deletes the record, and the claim with it. Failure: fenced

 private:
  bool removed_ = false;
  std::unique_ptr<RecordEntry> entry_;
  std::int64_t epoch_;
};

class Claims {
 public:
  Claims(Store& store, Outside& outside, Instances& instances)
      : store_(store), outside_(outside), instances_(instances) {}
  // Takes the certificate, waiting up to `wait` for whoever works on it. Makes the record where there is none. Failure:
  // refused, naming who is at work, when the wait is over.
  Task<ClaimedRecord> take(const CertificateId& id, const CertificateSpec& wanted, Duration wait);

 private:
  Store& store_;
  Outside& outside_;
  Instances& instances_;
};

}  // namespace certferry
