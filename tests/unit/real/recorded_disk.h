#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certferry {

// One thing that SQLite did to its files, as a disk sees it.
struct DiskEvent {
  enum class Kind { link, write, truncate, sync, sync_directory, unlink };
  Kind kind{};
  std::size_t node = 0;    // which file: a name that is unlinked and made again is another one
  std::string name = {};   // of link and unlink: without the directory
  std::size_t offset = 0;  // of write; of truncate: the new size
  std::string octets = {};
};
std::string words_of(const DiskEvent&);

// While it lives, SQLite's default file system: everything goes on to the real one, and what changes the databases,
// journals and write-ahead logs is recorded in its order. The index of the log (-shm) is memory and no part of a disk.
// SQLite's randomness comes from a fixed seed. One at a time.
class RecordedDisk {
 public:
  // synchronous: what `PRAGMA synchronous` shall be whatever the product asks for; nothing: as it asks.
  explicit RecordedDisk(std::optional<std::string> synchronous = {});
  RecordedDisk(const RecordedDisk&) = delete;
  RecordedDisk& operator=(const RecordedDisk&) = delete;
  ~RecordedDisk();

  std::size_t position() const;  // how many events there were
  const std::vector<DiskEvent>& events() const;

  void take_up(const std::string& path);  // a file that was on the disk, synced, before SQLite opens it

  // The next write waits until release(); wait_until_held() returns when one does.
  void hold_next_write();
  void wait_until_held();
  void release();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

// The files that a disk holds, by name.
using DiskImage = std::map<std::string, std::string>;

// A disk to which events happen one after another, and what a power cut may leave of it. What was synced stays; of
// what was written since, each sector of 512 octets, each change of a size and each name may be there or not.
class CutDisk {
 public:
  using Coin = std::function<bool()>;
  void apply(const DiskEvent&);
  DiskImage everything() const;                  // all that was written
  DiskImage survivors(const Coin& keeps) const;  // what was synced, and of the rest what the coin says

 private:
  struct Name {
    std::string name;
    std::optional<std::size_t> node;  // nothing: unlinked
  };
  std::map<std::size_t, std::string> written_, synced_;
  std::map<std::size_t, std::vector<DiskEvent>> pending_;
  std::map<std::string, std::size_t> names_, synced_names_;
  std::vector<Name> pending_names_;
};

// The write cut at each border of a sector inside of it; a write within one sector is cut in its middle, too.
std::vector<DiskEvent> torn(const DiskEvent& write);

}  // namespace certferry
