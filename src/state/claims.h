#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/lease.h"
#include "outside/outside.h"
#include "state/records.h"

namespace certferry {

// Who lives: decides whether a claim found in a record still counts, and how long ours surely do.
class Instances : public Lease {
 public:
  virtual const std::string& self() const = 0;  // this instance's token
  virtual Task<>
  begin() = 0;  // announces it; throws Failure (refused) naming who is at work where the store allows one only
  virtual Task<bool> alive(std::string instance) = 0;
  virtual Task<> end() = 0;                                      // withdraws the announcement, where there is one
  virtual std::string describe(std::string instance) const = 0;  // "process 1234 on web-1", for people
};

// The embedded store: an OS file lock that dies with the process. holder: who has it, for people. try_lock: true when
// this process holds it from now on; asked again, whether it is still the one that others meet: else the lease is lost.
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
  // The same where there is a record; none is made. Empty where there is none, or whoever was waited for removed it.
  Task<std::optional<ClaimedRecord>> take_if_known(const CertificateId& id, Duration wait);
  // The same at once or not at all: empty where there is no record, or somebody else is at work on it.
  Task<std::optional<ClaimedRecord>> take_if_free(const CertificateId& id);
  // Where it cannot be released that is only logged: the claim ends with this instance, no reason to fail what was
  // done.
  Task<> give_back(ClaimedRecord& claimed);

 private:
  Task<bool> held_by_others(const std::optional<StoredRecord>& stored);
  Task<std::optional<ClaimedRecord>> swap_in(Record mine, std::optional<Store::Version> replaces);
  Task<std::optional<ClaimedRecord>> take_or_make(const CertificateId& id, const CertificateSpec* made_for,
                                                  Duration wait);

  Store& store_;
  Outside& outside_;
  Instances& instances_;
};

}  // namespace certferry
