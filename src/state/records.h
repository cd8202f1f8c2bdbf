#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "outside/store.h"
#include "plan/record.h"

namespace certferry {

// One certificate's record while somebody works on it. Every change is a compare-and-swap; losing it means that another
// instance took over.
class RecordEntry {
 public:
  RecordEntry(Store& store, Record record, std::optional<Store::Version> version);
  const Record& get() const { return record_; }
  // Applies `change` to a copy and stores it. Failure: fenced where the stored record is no longer the one we know.
  // Calls queue up: one write at a time.
  Task<> update(std::function<void(Record&)> change);
  // Deletes it, as we know it. Failure: fenced where the stored record is no longer that one. Nothing comes after it.
  Task<> remove();

 private:
  Store& store_;
  Record record_;
  std::optional<Store::Version> version_;
  Turn turn_;
};

std::string record_key(const CertificateId&);  // "certificate/www/record"

struct StoredRecord {
  Record record;
  Store::Version version;
};
Task<std::optional<StoredRecord>> load_record(Store& store, const CertificateId& id);  // claims nothing
Task<std::vector<StoredRecord>> load_records(Store& store);                            // all, by id
// By the store's keys alone, no value is read: every certificate that has a record, and the last of its generations
// that has a journal, 0 where none has.
Task<std::map<CertificateId, int>> certificates_with_records(Store& store);

}  // namespace certferry
