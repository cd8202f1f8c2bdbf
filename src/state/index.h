#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "outside/store.h"
#include "plan/at_rest.h"

namespace certferry {

// index/<shard>: what there is to know of the certificates at rest, so that a run of which most have nothing to do
// reads 256 values at most instead of every record. Derived from the records, and only ever a reason not to read one:
// what is absent, unreadable or outdated costs a read. No failure of it is one of the run's.
class Index {
 public:
  using Shard = std::map<CertificateId, AtRest>;
  struct Derived {
    CertificateId id;
    std::optional<AtRest> rest;  // empty: its record has to be read, or there is none
  };

  Index(Store& store, Log& log) : store_(store), log_(log) {}

  // Lists the records, and reads those shards that they belong to and that were not read yet. Failure: where the store
  // cannot be listed.
  Task<> look();
  // What look() listed, by id: the last generation that has a journal, 0 where none has.
  const std::map<CertificateId, int>& certificates() const { return certificates_; }
  // Null where the record has to be read: nothing is known, or what look() listed tells of a later generation.
  const AtRest* find(const CertificateId&) const;
  // Something was changed in this run: its record has to be read from now on.
  void doubt(const CertificateId& id) { doubted_.insert(id); }
  // Stores what was derived from records that were just read, shard by shard, where it is not what is stored; what
  // look() listed no record of goes. Nothing is written where all stays the same.
  Task<> keep(std::vector<Derived> derived);
  // Takes out what is said of it, before its record is changed. A shard of a version that we do not know is written
  // anew, for whoever knows it would believe it. Failure: as the store's, or conflict; what is said then may stand.
  Task<> forget(const CertificateId& id);
  // The same, before its record goes: the shard gets another version though nothing was said of it, so that whoever has
  // read it by then writes nothing to it that he derived before.
  Task<> forget_life(const CertificateId& id);

 private:
  struct Stored {
    bool read = false;  // false: nothing is known of what is there
    bool understood = true;
    std::optional<Store::Version> version;
    Shard certificates;
  };
  Task<> read(const std::string& shard);
  Task<> read_if_possible(const std::string& shard);
  std::map<std::string, std::vector<Derived>> by_shard(std::vector<Derived> derived) const;
  Task<std::vector<Derived>> derived_anew(std::vector<Derived> derived);
  Task<> take_out(const CertificateId& id, bool anyway);
  // anyway: it is written though it stays the same. False: others were faster.
  Task<bool> keep_shard(const std::string& shard, std::vector<Derived> derived, bool anyway = false);

  Store& store_;
  Log& log_;
  std::map<CertificateId, int> certificates_;
  std::map<std::string, Stored> shards_;
  std::set<CertificateId> doubted_;
  bool listed_ = false;
};

std::string index_key(const CertificateId&);  // "index/3f": the first octet of the id's SHA-256

Bytes index_shard(const Index::Shard&);  // as it is stored
// Throws Failure (refused) that begins with `what`: whatever is no whole shard of a format that we know.
Index::Shard parse_index_shard(BytesView text, const std::string& what);

}  // namespace certferry
