#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "real/state_digest.h"

struct sqlite3;
struct sqlite3_stmt;

namespace certferry {

// One connection to the database of the state, its statements prepared once. Blocking; one thread at a time. Every call
// throws Failure: refused (damaged, full, no access), transient (another process writes for over 5 s).
//
// SQLite finds a lost bit only where its file makes no sense then. So each value has a digest, compared whenever it is
// read, and all keys, versions and digests together have one, compared when the database is opened: nothing is read
// that was not written, and what is gone is missed.
class SqliteDatabase {
 public:
  struct Row {
    Bytes value;
    std::int64_t version = 0;
  };

  // A file that is there; an empty one gets the tables. Reads every key and digest (some 2 us an entry), no value.
  explicit SqliteDatabase(const std::string& path);
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  ~SqliteDatabase();

  void begin();   // takes the write lock
  void commit();  // durable when it returns
  void rollback() noexcept;
  void truncate_log() noexcept;  // moves the write-ahead log into the file, wiping what it held, durably; best effort

  std::optional<Row> row(std::string_view key);
  std::optional<std::int64_t> version(std::string_view key);
  // Both within a transaction.
  std::int64_t replace(std::string_view key, BytesView value);  // gives a version that was never given before
  void erase(std::string_view key);
  std::vector<std::string> keys(std::string_view prefix);  // sorted by octets

 private:
  class Use;
  struct Whole {
    std::int64_t last_version = 0;
    StateDigest entries;
  };
  void execute(const char* sql);
  std::int64_t number(const char* sql);
  std::string text(const char* sql);
  sqlite3_stmt* prepared(const char* sql);
  void set_up();
  void switch_to_log();
  void make_tables();
  void miss_nothing();
  Whole whole();
  void write(const Whole& whole);
  StateDigest of_entry(std::string_view key);  // of nothing where there is none
  void close() noexcept;
  [[noreturn]] void fail(int code);
  [[noreturn]] void fail_as_damaged(std::string_view what);

  std::string path_;
  sqlite3* handle_ = nullptr;
  sqlite3_stmt *row_ = nullptr, *version_ = nullptr, *replace_ = nullptr, *erase_ = nullptr, *keys_ = nullptr,
               *all_ = nullptr, *whole_ = nullptr, *set_whole_ = nullptr;
};

}  // namespace certferry
