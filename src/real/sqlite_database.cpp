#include "real/sqlite_database.h"

#include <cerrno>
#include <fmt/format.h>
#include <sqlite3.h>
#include <system_error>

#include "base/failure.h"

namespace certferry {

namespace {

constexpr std::int64_t format_of_tables = 2;
constexpr const char* restore_or_adopt =
    "Put back a copy of it, or move it away and let certferry adopt what is served.";

std::string_view column_octets(sqlite3_stmt* statement, int column) {
  const void* data = sqlite3_column_blob(statement, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data ? std::string_view{static_cast<const char*>(data), size} : std::string_view{};
}

}  // namespace

// A prepared statement in use: reset when done, so that nothing it read stays locked.
class SqliteDatabase::Use {
 public:
  Use(SqliteDatabase& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Use& number(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_, index, value);
    return *this;
  }
  // The text or blob outlives the use.
  Use& text(int index, std::string_view value) {
    sqlite3_bind_text(statement_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    return *this;
  }
  Use& blob(int index, BytesView value) {
    // A null pointer would be NULL, not the empty blob.
    sqlite3_bind_blob64(statement_, index, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC);
    return *this;
  }
  bool next() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) database_.fail(code);
    return false;
  }

 private:
  SqliteDatabase& database_;
  sqlite3_stmt* statement_;
};

SqliteDatabase::SqliteDatabase(const std::string& path) : path_(path) {
  const int code = sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (code != SQLITE_OK) fail(code);
    set_up();
  } catch (...) {
    close();
    throw;
  }
}

SqliteDatabase::~SqliteDatabase() { close(); }

void SqliteDatabase::close() noexcept {
  for (sqlite3_stmt* statement : {row_, version_, replace_, erase_, keys_, all_, whole_, set_whole_})
    sqlite3_finalize(statement);
  sqlite3_close(handle_);
  handle_ = nullptr;
}

void SqliteDatabase::set_up() {
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 5000);
  switch_to_log();
  execute("PRAGMA synchronous=FULL");
  execute("PRAGMA secure_delete=ON");
  execute("PRAGMA trusted_schema=OFF");
  execute("PRAGMA cell_size_check=ON");
  make_tables();
  row_ = prepared("SELECT value, version, digest FROM entry WHERE key = ?1");
  version_ = prepared("SELECT version, digest FROM entry WHERE key = ?1");
  replace_ = prepared("INSERT OR REPLACE INTO entry (key, version, digest, value) VALUES (?1, ?2, ?3, ?4)");
  erase_ = prepared("DELETE FROM entry WHERE key = ?1");
  keys_ = prepared("SELECT key FROM entry WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key");
  all_ = prepared("SELECT key, version, digest FROM entry");
  whole_ = prepared("SELECT last_version, digest FROM whole");
  set_whole_ = prepared("INSERT OR REPLACE INTO whole (row, last_version, digest) VALUES (1, ?1, ?2)");
  miss_nothing();
}

// SQLite asks for the write lock of this switch with a read lock in hand, and where another process begins the same
// database it waits for no lock so. Who is refused waits for a transaction of its own, and finds it switched or free.
void SqliteDatabase::switch_to_log() {
  for (int attempts = 20;; --attempts) {
    try {
      if (text("PRAGMA journal_mode=WAL") == "wal") return;
      throw Failure(Failure::Kind::refused,
                    fmt::format("The state database {} cannot use a write-ahead log", quoted(path_)),
                    "Keep the state on a local file system.");
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::transient || attempts == 1) throw;
    }
    begin();
    rollback();
  }
}

void SqliteDatabase::make_tables() {
  if (number("PRAGMA user_version") == format_of_tables) return;
  begin();
  try {
    const std::int64_t format = number("PRAGMA user_version");  // another process may have been faster
    if ((format != 0 && format != format_of_tables) ||
        (format == 0 && number("SELECT count(*) FROM sqlite_schema") > 0))
      throw Failure(Failure::Kind::refused,
                    fmt::format("The database {} has format {}, this certferry knows {}", quoted(path_), format,
                                format_of_tables),
                    "Use the certferry that wrote it or a newer one, or name another file in [state] store.");
    if (format == 0) {
      // One tree, its values last: who looks for a key and who reads all digests see the same, and no long value.
      execute(
          "CREATE TABLE entry (key TEXT PRIMARY KEY, version INTEGER NOT NULL, digest BLOB NOT NULL, "
          "value BLOB NOT NULL) WITHOUT ROWID");
      execute("CREATE TABLE whole (row INTEGER PRIMARY KEY, last_version INTEGER NOT NULL, digest BLOB NOT NULL)");
      execute("PRAGMA user_version=2");
    }
    commit();
  } catch (...) {
    rollback();
    throw;
  }
}

sqlite3_stmt* SqliteDatabase::prepared(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  return statement;
}

void SqliteDatabase::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::string SqliteDatabase::text(const char* sql) {
  sqlite3_stmt* statement = prepared(sql);
  const int code = sqlite3_step(statement);
  std::string value;
  if (code == SQLITE_ROW) value = column_octets(statement, 0);
  sqlite3_finalize(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(code);
  return value;
}

std::int64_t SqliteDatabase::number(const char* sql) {
  const std::string value = text(sql);
  return value.empty() ? 0 : std::stoll(value);
}

void SqliteDatabase::begin() { execute("BEGIN IMMEDIATE"); }
void SqliteDatabase::commit() { execute("COMMIT"); }
void SqliteDatabase::rollback() noexcept {
  if (!sqlite3_get_autocommit(handle_)) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}
void SqliteDatabase::truncate_log() noexcept {
  sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  // SQLite does not sync what it cut: after a power cut the whole log, and the secret in it, would be back.
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (log && log->pMethods) log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

std::optional<SqliteDatabase::Row> SqliteDatabase::row(std::string_view key) {
  Use use{*this, row_};
  if (!use.text(1, key).next()) return std::nullopt;
  Row row{Bytes{column_octets(row_, 0)}, sqlite3_column_int64(row_, 1)};
  if (StateDigest::of_value(row.value) != StateDigest::from_octets(column_octets(row_, 2)))
    fail_as_damaged(fmt::format("\"{}\" is not what was written", quoted(key)));
  return row;
}

std::optional<std::int64_t> SqliteDatabase::version(std::string_view key) {
  Use use{*this, version_};
  if (!use.text(1, key).next()) return std::nullopt;
  return sqlite3_column_int64(version_, 0);
}

StateDigest SqliteDatabase::of_entry(std::string_view key) {
  Use use{*this, version_};
  if (!use.text(1, key).next()) return {};
  return StateDigest::of_entry(key, sqlite3_column_int64(version_, 0),
                               StateDigest::from_octets(column_octets(version_, 1)));
}

std::int64_t SqliteDatabase::replace(std::string_view key, BytesView value) {
  Whole all = whole();
  ++all.last_version;
  const StateDigest digest = StateDigest::of_value(value);
  all.entries ^= of_entry(key);
  all.entries ^= StateDigest::of_entry(key, all.last_version, digest);
  Use{*this, replace_}.text(1, key).number(2, all.last_version).blob(3, digest.octets()).blob(4, value).next();
  write(all);
  return all.last_version;
}

void SqliteDatabase::erase(std::string_view key) {
  Whole all = whole();
  all.entries ^= of_entry(key);
  Use{*this, erase_}.text(1, key).next();
  write(all);
}

SqliteDatabase::Whole SqliteDatabase::whole() {
  Use use{*this, whole_};
  if (!use.next()) return {};  // nothing was ever put
  Whole all{sqlite3_column_int64(whole_, 0), StateDigest::from_octets(column_octets(whole_, 1))};
  all.entries ^= StateDigest::of_last_version(all.last_version);
  return all;
}

void SqliteDatabase::write(const Whole& whole) {
  StateDigest digest = StateDigest::of_last_version(whole.last_version);
  digest ^= whole.entries;
  Use{*this, set_whole_}.number(1, whole.last_version).blob(2, digest.octets()).next();
}

// Reads all of one moment, whoever writes meanwhile.
void SqliteDatabase::miss_nothing() {
  execute("BEGIN");
  try {
    StateDigest entries;
    for (Use use{*this, all_}; use.next();)
      entries ^= StateDigest::of_entry(column_octets(all_, 0), sqlite3_column_int64(all_, 1),
                                       StateDigest::from_octets(column_octets(all_, 2)));
    if (entries != whole().entries) fail_as_damaged("an entry is missing or not what was written");
    commit();
  } catch (...) {
    rollback();
    throw;
  }
}

std::vector<std::string> SqliteDatabase::keys(std::string_view prefix) {
  std::vector<std::string> found;
  Use use{*this, keys_};
  use.text(1, prefix);
  while (use.next()) found.emplace_back(column_octets(keys_, 0));
  return found;
}

void SqliteDatabase::fail_as_damaged(std::string_view what) {
  throw Failure(Failure::Kind::refused, fmt::format("The state database {}: {} (it is damaged)", quoted(path_), what),
                restore_or_adopt);
}

void SqliteDatabase::fail(int code) {
  const std::string what = fmt::format("The state database {}: {}", quoted(path_),
                                       quoted(handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)));
  using Kind = Failure::Kind;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Failure(Kind::transient, what, "Wait until the other process that writes to it is done.");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw Failure(Kind::refused, what + " (it is damaged)", restore_or_adopt);
    case SQLITE_FULL:
      throw Failure(Kind::refused, what, "Free space on its file system.");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Failure(Kind::refused, what, "Make it and its directory writable for the user that certferry runs as.");
    case SQLITE_TOOBIG:
      throw Failure(Kind::refused, what, "Keep values below 1 GB.");
    case SQLITE_IOERR: {
      const int error = handle_ ? sqlite3_system_errno(handle_) : 0;
      if (error == ENOSPC || error == EDQUOT)
        throw Failure(Kind::refused, fmt::format("{}: {}", what, std::generic_category().message(error)),
                      "Free space on its file system.");
      throw Failure(Kind::refused, what,
                    "Look at the disk, the limit of file sizes (ulimit -f) and the kernel's log, then run certferry "
                    "again.");
    }
    default:
      throw Failure(Kind::refused, what, "Look at the disk and the kernel's log, then run certferry again.");
  }
}

}  // namespace certferry
