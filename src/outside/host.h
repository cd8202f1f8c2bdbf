#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"
#include "base/time.h"

namespace certferry {

using Path = std::string;

struct FileMode {
  unsigned bits = 0644;
};

struct FileStatus {
  unsigned mode = 0;  // permission bits
  bool directory = false, link = false;
  bool ours = false;  // owned by the user we run as
};

struct OpenedFile {
  Bytes content;
  unsigned mode = 0;                         // of the file itself, whatever links led to it
  std::optional<unsigned> former_mode = {};  // before open_private changed it
};

struct Command {
  std::vector<std::string> argv;  // no shell
  Duration deadline = std::chrono::seconds{60};
  Duration patience = std::chrono::seconds{1};  // after SIGTERM at its deadline: then SIGKILL, to what has not ended
  bool answers = false;                         // it is run for what it prints
};

struct Exit {
  int status = 0;      // 128 + n where signal n ended it
  std::string output;  // stdout and stderr together, the last 4 KiB; of one that answers stdout alone, the first 64 KiB
  bool timed_out = false;
};

// This machine: files, environment, child processes. Failure: refused, with the path and the system's words.
class Host {
 public:
  virtual ~Host() = default;
  virtual Task<std::optional<OpenedFile>> open(Path path) = 0;  // empty where there is none; at most 16 MiB
  // As open, of a file that is for our user alone. Where it is ours, and but for a group of ours nobody else was let in
  // (as Kubernetes lets one in at each mount of a volume with fsGroup), the group is shut out by it. May be repeated.
  virtual Task<std::optional<OpenedFile>> open_private(Path path) { return open(std::move(path)); }
  Task<std::optional<Bytes>> read(Path path) {
    std::optional<OpenedFile> file = co_await open(std::move(path));
    if (!file) co_return std::nullopt;
    co_return std::move(file->content);
  }
  virtual Task<std::optional<FileStatus>> status(Path path) = 0;  // of a link: its own
  // Whole or not at all: written beside, fsynced, renamed, directory fsynced. Parents are made, 0700 where mode is
  // private.
  virtual Task<> replace(Path path, Bytes content, FileMode mode) = 0;
  // As replace, where there is nothing yet; else false, and what is there stays. PosixHost's is atomic.
  virtual Task<bool> create(Path path, Bytes content, FileMode mode) {
    if (co_await status(path)) co_return false;
    co_await replace(std::move(path), std::move(content), mode);
    co_return true;
  }
  virtual Task<> make_directory(Path path, FileMode mode) = 0;  // there already: success
  // Whether something could be made in that directory, whose parents would be made too, as far as a look tells.
  // Failure, where it could not: as make_directory's.
  virtual Task<> require_writable(Path directory) = 0;
  virtual Task<std::vector<std::string>> list(Path directory) = 0;  // names, sorted; empty where there is none
  virtual Task<> remove(Path path) = 0;  // a file, a link or a whole directory; absent: success
  virtual Task<std::optional<Path>> link_target(Path link) = 0;
  virtual Task<> link(Path link, Path target) = 0;  // `link` points to `target` from one instant on, whatever it was
  // The file, directory or link that stands there, and what leads to it, outlasts a loss of power from now on, whoever
  // wrote it: one that died may not have come to syncing it. Absent: success. The calls above sync what they are about,
  // changed or not, but not what leads there and was there.
  virtual Task<> sync(Path path) = 0;
  virtual std::optional<std::string> environment(std::string name) const = 0;
  virtual Task<Exit> run(Command command) = 0;    // where who waits for it is cancelled, it is ended as at its deadline
  virtual std::string id() const = 0;             // of this machine: "host/3f2a…"
  virtual bool id_lasts() const { return true; }  // false: it may have another at its next start, as a container has
  // Of a file, at once, 4 KiB at most; "" where it cannot be read.
  virtual std::string first_line(const Path&) const { return ""; }
  // Of this machine's interfaces, as the resolver writes them; those that loop back are always ours, and need not be
  // among them.
  virtual std::set<std::string> addresses() const { return {}; }
  virtual std::string home() const = 0;  // of the user we run as
  virtual bool superuser() const = 0;
};

}  // namespace certferry
