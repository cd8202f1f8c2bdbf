#include "recorded_disk.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <mutex>
#include <random>
#include <sqlite3.h>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace certferry {

namespace {

constexpr std::size_t sector = 512;

void write_at(std::string& file, std::size_t offset, std::string_view octets) {
  if (file.size() < offset + octets.size()) file.resize(offset + octets.size());
  file.replace(offset, octets.size(), octets);
}

void change(std::string& file, const DiskEvent& event) {
  if (event.kind == DiskEvent::Kind::write) write_at(file, event.offset, event.octets);
  if (event.kind == DiskEvent::Kind::truncate) file.resize(event.offset);
}

std::size_t border_after(std::size_t offset) { return (offset / sector + 1) * sector; }

}  // namespace

struct RecordedDisk::State {
  sqlite3_vfs* below = nullptr;
  sqlite3_vfs vfs{};
  std::optional<std::string> synchronous;
  std::mt19937 random{4711};
  mutable std::mutex mutex;
  std::condition_variable changed;
  enum class Hold { none, wanted, holding } hold = Hold::none;
  std::vector<DiskEvent> events;
  std::map<std::string, std::size_t> nodes;  // by whole path
  std::size_t nodes_made = 0;

  void record(DiskEvent event) { events.push_back(std::move(event)); }
  std::size_t node_of(const std::string& path) {
    const auto [found, fresh] = nodes.try_emplace(path, nodes_made);
    if (fresh) {
      ++nodes_made;
      record({.kind = DiskEvent::Kind::link,
              .node = found->second,
              .name = std::filesystem::path{path}.filename().string()});
    }
    return found->second;
  }
  void pass_gate() {
    std::unique_lock lock{mutex};
    if (hold != Hold::wanted) return;
    hold = Hold::holding;
    changed.notify_all();
    changed.wait(lock, [&] { return hold == Hold::none; });
  }
};

namespace {

using DiskState = RecordedDisk::State;

// An open file. SQLite allocates it; the file of the real file system lies behind it.
struct RecordedFile {
  sqlite3_file base;
  DiskState* disk;
  std::size_t node;
  bool recorded;
  bool names_too;  // its next sync is one of its directory, too
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

RecordedFile& recorded(sqlite3_file* file) { return *reinterpret_cast<RecordedFile*>(file); }
DiskState& disk_of(sqlite3_vfs* vfs) { return *static_cast<DiskState*>(vfs->pAppData); }

template <auto member, class... Values>
int passed_on(sqlite3_file* file, Values... values) {
  sqlite3_file* below = recorded(file).below();
  return (below->pMethods->*member)(below, values...);
}

int write_file(sqlite3_file* handle, const void* data, int size, sqlite3_int64 offset) {
  RecordedFile& file = recorded(handle);
  file.disk->pass_gate();
  const std::unique_lock lock{file.disk->mutex};
  const int code = passed_on<&sqlite3_io_methods::xWrite>(handle, data, size, offset);
  if (code == SQLITE_OK && file.recorded)
    file.disk->record({.kind = DiskEvent::Kind::write,
                       .node = file.node,
                       .offset = static_cast<std::size_t>(offset),
                       .octets = {static_cast<const char*>(data), static_cast<std::size_t>(size)}});
  return code;
}

int truncate_file(sqlite3_file* handle, sqlite3_int64 size) {
  RecordedFile& file = recorded(handle);
  const std::unique_lock lock{file.disk->mutex};
  const int code = passed_on<&sqlite3_io_methods::xTruncate>(handle, size);
  if (code == SQLITE_OK && file.recorded)
    file.disk->record({.kind = DiskEvent::Kind::truncate, .node = file.node, .offset = static_cast<std::size_t>(size)});
  return code;
}

int sync_file(sqlite3_file* handle, int flags) {
  RecordedFile& file = recorded(handle);
  const std::unique_lock lock{file.disk->mutex};
  const int code = passed_on<&sqlite3_io_methods::xSync>(handle, flags);
  if (code != SQLITE_OK || !file.recorded) return code;
  file.disk->record({.kind = DiskEvent::Kind::sync, .node = file.node});
  if (std::exchange(file.names_too, false)) file.disk->record({.kind = DiskEvent::Kind::sync_directory});
  return code;
}

int control_file(sqlite3_file* handle, int operation, void* argument) {
  if (operation == SQLITE_FCNTL_PRAGMA && recorded(handle).disk->synchronous) {
    char** words = static_cast<char**>(argument);
    const auto is = [&](int index, std::string_view word) { return words[index] && words[index] == word; };
    if (is(1, "synchronous") && !is(2, *recorded(handle).disk->synchronous)) return SQLITE_OK;  // and nothing is done
  }
  return passed_on<&sqlite3_io_methods::xFileControl>(handle, operation, argument);
}

const sqlite3_io_methods recorded_methods{
    .iVersion = 2,
    .xClose = passed_on<&sqlite3_io_methods::xClose>,
    .xRead = passed_on<&sqlite3_io_methods::xRead>,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = passed_on<&sqlite3_io_methods::xFileSize>,
    .xLock = passed_on<&sqlite3_io_methods::xLock>,
    .xUnlock = passed_on<&sqlite3_io_methods::xUnlock>,
    .xCheckReservedLock = passed_on<&sqlite3_io_methods::xCheckReservedLock>,
    .xFileControl = control_file,
    .xSectorSize = passed_on<&sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = passed_on<&sqlite3_io_methods::xDeviceCharacteristics>,
    .xShmMap = passed_on<&sqlite3_io_methods::xShmMap>,
    .xShmLock = passed_on<&sqlite3_io_methods::xShmLock>,
    .xShmBarrier = [](sqlite3_file* file) { recorded(file).below()->pMethods->xShmBarrier(recorded(file).below()); },
    .xShmUnmap = passed_on<&sqlite3_io_methods::xShmUnmap>,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* handle, int flags, int* flags_out) {
  DiskState& disk = disk_of(vfs);
  const std::unique_lock lock{disk.mutex};
  RecordedFile& file = *new (handle) RecordedFile{};
  file.disk = &disk;
  const int code = disk.below->xOpen(disk.below, name, file.below(), flags, flags_out);
  if (!file.below()->pMethods) return code;
  file.base.pMethods = &recorded_methods;
  const bool log = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  file.recorded = code == SQLITE_OK && name && (log || (flags & SQLITE_OPEN_MAIN_DB) != 0);
  if (file.recorded) file.node = disk.node_of(name);
  // os_unix.c syncs the directory with the first sync of a journal or log that it may have made.
  file.names_too = log && (flags & SQLITE_OPEN_CREATE) != 0;
  return code;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  DiskState& disk = disk_of(vfs);
  const std::unique_lock lock{disk.mutex};
  const int code = disk.below->xDelete(disk.below, name, sync_directory);
  if (code != SQLITE_OK) return code;
  if (disk.nodes.erase(name) > 0)
    disk.record({.kind = DiskEvent::Kind::unlink, .name = std::filesystem::path{name}.filename().string()});
  if (sync_directory) disk.record({.kind = DiskEvent::Kind::sync_directory});
  return code;
}

int fill_random(sqlite3_vfs* vfs, int size, char* data) {
  for (int i = 0; i < size; ++i) data[i] = static_cast<char>(disk_of(vfs).random());
  return size;
}

// Runs for every connection as it opens.
int prepare_connection(sqlite3* connection, char**, const sqlite3_api_routines*) {
  const auto& synchronous = disk_of(sqlite3_vfs_find(nullptr)).synchronous;
  if (!synchronous) return SQLITE_OK;
  return sqlite3_exec(connection, ("PRAGMA synchronous=" + *synchronous).c_str(), nullptr, nullptr, nullptr);
}

// SQLite declares it without its parameters.
void (*const prepare_entry)() = reinterpret_cast<void (*)()>(&prepare_connection);

}  // namespace

RecordedDisk::RecordedDisk(std::optional<std::string> synchronous) : state_(std::make_unique<State>()) {
  state_->synchronous = std::move(synchronous);
  state_->below = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->below;
  state_->vfs.zName = "recorded";
  state_->vfs.pNext = nullptr;
  state_->vfs.pAppData = state_.get();
  state_->vfs.szOsFile = static_cast<int>(sizeof(RecordedFile)) + state_->below->szOsFile;
  state_->vfs.xOpen = open_file;
  state_->vfs.xDelete = delete_file;
  state_->vfs.xRandomness = fill_random;
  sqlite3_vfs_register(&state_->vfs, 1);
  sqlite3_randomness(0, nullptr);  // drawn anew, from here
  sqlite3_auto_extension(prepare_entry);
}

RecordedDisk::~RecordedDisk() {
  sqlite3_cancel_auto_extension(prepare_entry);
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_vfs_register(state_->below, 1);
  sqlite3_randomness(0, nullptr);
}

std::size_t RecordedDisk::position() const {
  const std::unique_lock lock{state_->mutex};
  return state_->events.size();
}

const std::vector<DiskEvent>& RecordedDisk::events() const { return state_->events; }

void RecordedDisk::take_up(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  const std::string octets{std::istreambuf_iterator<char>{file}, {}};
  const std::unique_lock lock{state_->mutex};
  const std::size_t node = state_->node_of(path);
  state_->record({.kind = DiskEvent::Kind::write, .node = node, .octets = octets});
  state_->record({.kind = DiskEvent::Kind::sync, .node = node});
  state_->record({.kind = DiskEvent::Kind::sync_directory});
}

void RecordedDisk::hold_next_write() {
  const std::unique_lock lock{state_->mutex};
  state_->hold = State::Hold::wanted;
}

void RecordedDisk::wait_until_held() {
  std::unique_lock lock{state_->mutex};
  if (!state_->changed.wait_for(lock, std::chrono::seconds{10}, [&] { return state_->hold == State::Hold::holding; }))
    throw std::runtime_error("nothing was written for 10 s");
}

void RecordedDisk::release() {
  const std::unique_lock lock{state_->mutex};
  state_->hold = State::Hold::none;
  state_->changed.notify_all();
}

void CutDisk::apply(const DiskEvent& event) {
  using Kind = DiskEvent::Kind;
  switch (event.kind) {
    case Kind::link:
      names_[event.name] = event.node;
      pending_names_.push_back({event.name, event.node});
      break;
    case Kind::unlink:
      names_.erase(event.name);
      pending_names_.push_back({event.name, {}});
      break;
    case Kind::write:
    case Kind::truncate:
      change(written_[event.node], event);
      pending_[event.node].push_back(event);
      break;
    case Kind::sync:
      synced_[event.node] = written_[event.node];
      pending_[event.node].clear();
      break;
    case Kind::sync_directory:
      synced_names_ = names_;
      pending_names_.clear();
      break;
  }
}

DiskImage CutDisk::everything() const {
  DiskImage image;
  for (const auto& [name, node] : names_) image[name] = written_.contains(node) ? written_.at(node) : std::string{};
  return image;
}

DiskImage CutDisk::survivors(const Coin& keeps) const {
  auto names = synced_names_;
  for (const auto& [name, node] : pending_names_) {
    if (!keeps()) continue;
    names.erase(name);
    if (node) names[name] = *node;
  }
  DiskImage image;
  for (const auto& [name, node] : names) {
    std::string& file = image[name];
    if (synced_.contains(node)) file = synced_.at(node);
    if (!pending_.contains(node)) continue;
    for (const DiskEvent& event : pending_.at(node)) {
      if (event.kind == DiskEvent::Kind::truncate) {
        if (keeps()) change(file, event);
        continue;
      }
      const std::size_t end = event.offset + event.octets.size();
      for (std::size_t at = event.offset; at < end; at = border_after(at))
        if (keeps())
          write_at(file, at,
                   std::string_view{event.octets}.substr(at - event.offset, std::min(border_after(at), end) - at));
    }
  }
  return image;
}

std::vector<DiskEvent> torn(const DiskEvent& write) {
  std::vector<std::size_t> sizes;
  const std::size_t size = write.octets.size();
  for (std::size_t at = border_after(write.offset); at < write.offset + size; at = border_after(at))
    sizes.push_back(at - write.offset);
  if (sizes.empty() && size > 1) sizes.push_back(size / 2);
  std::vector<DiskEvent> all;
  for (const std::size_t kept : sizes) {
    all.push_back(write);
    all.back().octets.resize(kept);
  }
  return all;
}

std::string words_of(const DiskEvent& event) {
  using Kind = DiskEvent::Kind;
  switch (event.kind) {
    case Kind::link:
      return fmt::format("file {} is made as {}", event.node, event.name);
    case Kind::write:
      return fmt::format("file {}: {} octets at {}", event.node, event.octets.size(), event.offset);
    case Kind::truncate:
      return fmt::format("file {}: cut to {}", event.node, event.offset);
    case Kind::sync:
      return fmt::format("file {}: sync", event.node);
    case Kind::sync_directory:
      return "sync of the directory";
    case Kind::unlink:
      return event.name + " is removed";
  }
  return "";
}

}  // namespace certferry
