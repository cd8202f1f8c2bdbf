#pragma once

#include <memory>
#include <string>

#include "outside/store.h"

namespace certferry {

// State in one SQLite file: WAL, synchronous=FULL, secure_delete. One thread of its own does all work; what is asked
// for while a transaction is written goes together into the next one, and a conflict among it hinders nobody else. The
// file, its companions and its lock are readable by their owner alone. Several processes may use it at once.
//
// Destroyed before the callers' io_context; the destructor waits for the transaction under way.
class SqliteStore final : public Store {
 public:
  // Opens the database at `path`, or makes it, its directory too (0700). Blocks for some milliseconds. Failure
  // (refused): a network file system, looser modes, a damaged file, one of a newer format, no access.
  explicit SqliteStore(std::string path);
  ~SqliteStore() override;

  Task<std::optional<Entry>> get(Key key) override;
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override;
  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override;
  Task<std::vector<Key>> list(Key prefix) override;
  std::string place() const override;

  // Takes the one exclusive lock beside the database, held until unlock(), destruction or the death of this process.
  // False: another process holds it, or what this one has open is not what is there any more, for somebody moved or
  // emptied the directory, which is seen while it is held too. True again where it is held already. Failure (refused):
  // the lock file cannot be had.
  bool try_lock();
  void unlock();
  // Who holds it, for people: "process 4711"; "" where that is unknown.
  std::string holder() const;

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace certferry
