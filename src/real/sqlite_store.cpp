#include "real/sqlite_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "base/failure.h"
#include "base/limits/store.h"
#include "real/file_failure.h"
#include "real/sqlite_database.h"
#include "real/state_directory.h"
#include "real/suspension.h"

namespace certferry {

namespace {

void check_key(const Store::Key& key, bool prefix) {
  const bool good = (prefix || !key.empty()) && key.size() <= 512 && key.find("..") == key.npos &&
                    std::ranges::all_of(key, [](char c) { return c > ' ' && c < 127; });
  if (good) return;
  throw Failure(Failure::Kind::refused, fmt::format("\"{}\" is no key of the store", quoted(key)),
                "Use printable ASCII without \"..\", at most 512 characters.");
}

// What is longer could be written and never be read again.
void check_value(const Store::Key& key, const Bytes& value) {
  if (value.size() <= limits::store::value_longest) return;
  throw Failure(Failure::Kind::refused,
                fmt::format("{}: {} octets are more than the {} that a value may have", key, value.size(),
                            limits::store::value_longest),
                "Share the names out to more certificates, or the certificates to more stores");
}

std::optional<std::int64_t> as_row_version(const Store::Version& version) {
  std::int64_t number = 0;
  const char* end = version.data() + version.size();
  const auto [stopped, error] = std::from_chars(version.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

// One call of a caller that waits. Its work refers to the caller's frame, which stays while it is taken.
struct StoreRequest {
  bool writes = false;
  bool secret = false;  // what it takes away must not stay in the log
  std::function<void(SqliteDatabase&)> work;
  Resume resume;
  std::exception_ptr outcome;
  std::atomic<bool> taken = false;  // by the thread, or by a cancellation
};

using StoreBatch = std::vector<std::shared_ptr<StoreRequest>>;

void perform_alone(SqliteDatabase& database, StoreRequest& request) {
  try {
    if (request.writes) database.begin();
    request.work(database);
    if (request.writes) database.commit();
  } catch (...) {
    request.outcome = std::current_exception();
    database.rollback();
  }
}

// One transaction for all. A conflict is a value and changes nothing; only where the database itself fails is each
// tried on its own, so that one that cannot be written (too large, say) fails alone.
void perform_batch(SqliteDatabase& database, const StoreBatch& batch) {
  const bool together =
      batch.size() > 1 && std::ranges::any_of(batch, [](const auto& request) { return request->writes; });
  bool done = false;
  if (together) {
    try {
      database.begin();
      for (const auto& request : batch) request->work(database);
      database.commit();
      done = true;
    } catch (...) {
      database.rollback();
    }
  }
  if (!done)
    for (const auto& request : batch) perform_alone(database, *request);
  if (std::ranges::any_of(batch, [](const auto& request) { return request->secret; })) database.truncate_log();
}

// Which file it is, whatever it is called.
struct Inode {
  dev_t device;
  ino_t number;
  bool operator==(const Inode&) const = default;
};

std::optional<Inode> inode_at(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return Inode{found.st_dev, found.st_ino};
}

std::optional<Inode> inode_of(int file) {
  struct stat found{};
  if (::fstat(file, &found) != 0) return std::nullopt;
  return Inode{found.st_dev, found.st_ino};
}

}  // namespace

struct SqliteStore::Engine {
  explicit Engine(std::string path_) : path(std::move(path_)) {
    prepare_state_file(path);
    database.emplace(path);
    opened = inode_at(path);
    thread = std::thread{[this] { serve(); }};
  }

  ~Engine() {
    {
      const std::unique_lock lock{mutex};
      stopping = true;
    }
    wake.notify_one();
    thread.join();
    if (lock_file >= 0) ::close(lock_file);
    const auto abandoned = std::move(waiting);  // unwinds the coroutines that still wait, on this thread
  }

  void serve() {
    constexpr std::size_t at_once = 256;
    for (;;) {
      StoreBatch batch;
      {
        std::unique_lock lock{mutex};
        wake.wait(lock, [this] { return stopping || !waiting.empty(); });
        if (stopping) return;
        for (; !waiting.empty() && batch.size() < at_once; waiting.pop_front())
          if (!waiting.front()->taken.exchange(true)) batch.push_back(std::move(waiting.front()));
      }
      if (batch.empty()) continue;
      perform_batch(*database, batch);
      for (const auto& request : batch) request->resume(std::move(request->outcome));
    }
  }

  // Runs `work` on the database's thread and waits for it to be durable. A request whose turn has come is waited for
  // even when cancelled: it is milliseconds, and then its outcome is known.
  Task<> perform(bool writes, bool secret, std::function<void(SqliteDatabase&)> work) {
    auto request = std::make_shared<StoreRequest>();
    request->writes = writes;
    request->secret = secret;
    request->work = std::move(work);
    auto start = [&](Resume resume) {
      request->resume = std::move(resume);
      {
        const std::unique_lock lock{mutex};
        waiting.push_back(request);
      }
      wake.notify_one();  // the woken thread finds the mutex free
    };
    auto on_cancel = [&] {
      if (!request->taken.exchange(true)) request->resume(cancelled());
    };
    co_await suspended(start, on_cancel);
  }

  std::string lock_path() const { return path + ".lock"; }

  // Whether whoever comes now opens this database and meets this lock. Not where the directory was moved or emptied.
  bool is_met(int lock) const { return opened && opened == inode_at(path) && inode_of(lock) == inode_at(lock_path()); }

  std::string path;
  std::optional<SqliteDatabase> database;
  std::optional<Inode> opened;  // the database's
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<StoreRequest>> waiting;
  bool stopping = false;
  int lock_file = -1;
  std::thread thread;
};

SqliteStore::SqliteStore(std::string path) : engine_(std::make_unique<Engine>(std::move(path))) {}

SqliteStore::~SqliteStore() = default;

Task<std::optional<Store::Entry>> SqliteStore::get(Key key) {
  check_key(key, false);
  std::optional<SqliteDatabase::Row> row;
  auto work = [&](SqliteDatabase& database) { row = database.row(key); };
  co_await engine_->perform(false, false, work);
  if (!row) co_return std::nullopt;
  co_return Entry{std::move(row->value), std::to_string(row->version)};
}

Task<std::variant<Store::Version, Conflict>> SqliteStore::put(Key key, Bytes value, std::optional<Version> replaces) {
  check_key(key, false);
  check_value(key, value);
  std::variant<Version, Conflict> result = Conflict{};
  auto work = [&](SqliteDatabase& database) {
    result = Conflict{};
    const auto there = database.version(key);
    if (replaces ? !there || as_row_version(*replaces) != there : there.has_value()) return;
    result = std::to_string(database.replace(key, value));
  };
  co_await engine_->perform(true, replaces && key.starts_with("secret/"), work);
  co_return result;
}

Task<std::variant<Done, Conflict>> SqliteStore::remove(Key key, Version version) {
  check_key(key, false);
  std::variant<Done, Conflict> result = Done{};
  auto work = [&](SqliteDatabase& database) {
    result = Done{};
    const auto there = database.version(key);
    if (!there) return;
    if (as_row_version(version) == there)
      database.erase(key);
    else
      result = Conflict{};
  };
  co_await engine_->perform(true, key.starts_with("secret/"), work);
  co_return result;
}

Task<std::vector<Store::Key>> SqliteStore::list(Key prefix) {
  check_key(prefix, true);
  std::vector<Key> keys;
  auto work = [&](SqliteDatabase& database) { keys = database.keys(prefix); };
  co_await engine_->perform(false, false, work);
  co_return keys;
}

std::string SqliteStore::place() const { return engine_->path; }

bool SqliteStore::try_lock() {
  if (engine_->lock_file >= 0) return engine_->is_met(engine_->lock_file);
  const std::string path = engine_->lock_path();
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) throw file_failure("Opening", path, errno);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(file);
    if (error == EWOULDBLOCK) return false;
    throw file_failure("Locking", path, error);
  }
  if (!engine_->is_met(file)) {
    ::close(file);
    return false;
  }
  const std::string words = fmt::format("process {}\n", ::getpid());
  // Only for people: whoever holds the lock is who holds it, written down or not.
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, words.data(), words.size(), 0) < 0) errno = 0;
  engine_->lock_file = file;
  return true;
}

void SqliteStore::unlock() {
  if (engine_->lock_file < 0) return;
  ::close(engine_->lock_file);
  engine_->lock_file = -1;
}

std::string SqliteStore::holder() const {
  const int file = ::open(engine_->lock_path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return "";
  std::array<char, 64> text{};
  const ssize_t size = ::read(file, text.data(), text.size());
  ::close(file);
  std::string words{text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  while (words.ends_with('\n')) words.pop_back();
  return words.starts_with("process ") ? quoted(words, 40) : "";
}

}  // namespace certferry
