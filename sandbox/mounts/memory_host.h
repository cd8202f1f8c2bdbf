#pragma once

#include <functional>
#include <map>
#include <set>

#include "outside/host.h"
#include "sandbox/mounts/effects.h"

namespace certferry::sandbox {

// A machine of a simulated world: what is on it survives the processes that run there.
struct Machine {
  enum class Kind { file, directory, link };
  struct Node {
    Kind kind = Kind::file;
    Bytes content;  // of a link: where it points
    unsigned mode = 0644;
    bool ours = true;
    bool operator==(const Node&) const = default;
  };
  // By whole path, without links in it; directories that hold something are there. At first the one program that is
  // told to read certificates again.
  std::map<Path, Node> nodes{{"/usr", {.kind = Kind::directory, .content = {}, .mode = 0755}},
                             {"/usr/bin", {.kind = Kind::directory, .content = {}, .mode = 0755}},
                             {"/usr/bin/reload", {.content = {}, .mode = 0755}}};
  std::map<std::string, std::string> environment;
  std::string id = "host/simulated", home = "/home/certferry";
  bool id_lasts = true;             // false: a container, whose next run may have another id
  std::set<std::string> addresses;  // whoever connects to one of them is shown what the servers on it serve
  bool superuser = false;
  Duration clock_error{0};        // its civil time minus the world's
  std::vector<Command> commands;  // run on it, in order
  // What servers on it serve: the chain that they read last in each directory, by the whole path of its link `live`.
  // They read it after a command that ended well, each after one for all of them (`reload`) or for a directory that it
  // is in (`reload /etc/ssl/shop`), and when the machine starts again.
  std::map<Path, Bytes> served;
  // What a command that has begun takes, and then, where it is not ended at its deadline, what it does and comes to.
  std::function<Duration(const Command&)> takes = [](const Command&) { return milliseconds(50); };
  std::function<Exit(const Command&)> on_run = [](const Command&) { return Exit{}; };
  std::function<void()> heard_change;  // called right after a process changed something on it

  // The path with every link in it followed, its last part too where `last`; "" where links go in circles.
  Path resolved(const Path& path, bool last = true) const;
  const Node* find(const Path& path, bool follow = true) const;       // null where there is none
  void write(const Path& path, Bytes content, unsigned mode = 0644);  // makes parents
  void make_directory(const Path& path, unsigned mode = 0755);
  void erase(const Path& path);  // with everything below
  void servers_read(const std::vector<std::string>& command = {});

  // What a process changes at `path`, with what leads there and is below: its number. It is there for every process
  // from then on; after a loss of power only where it was synced.
  std::uint64_t change(const Path& path, const std::function<void(Machine&)>& happens);
  void synced(std::uint64_t change) { unsynced_.synced(change); }
  void sync(const Path& path) { unsynced_.synced(resolved(path, false)); }
  void lose_power(const Lost& lost);

 private:
  std::map<Path, std::optional<Node>> around(const Path& path) const;
  Unsynced<Path, Node> unsynced_;
  std::uint64_t changes_ = 0;
};

// A process's hands on a machine. Files, links and commands are numbered effects.
class MemoryHost final : public Host {
 public:
  MemoryHost(Machine& machine, Effects& effects) : machine_(machine), effects_(effects) {}
  Task<std::optional<OpenedFile>> open(Path path) override;
  Task<std::optional<OpenedFile>> open_private(Path path) override;
  Task<std::optional<FileStatus>> status(Path path) override;
  Task<> replace(Path path, Bytes content, FileMode mode) override;
  Task<bool> create(Path path, Bytes content, FileMode mode) override;
  Task<> make_directory(Path path, FileMode mode) override;
  Task<> require_writable(Path directory) override;
  Task<std::vector<std::string>> list(Path directory) override;
  Task<> remove(Path path) override;
  Task<std::optional<Path>> link_target(Path link) override;
  Task<> link(Path link, Path target) override;
  Task<> sync(Path path) override;
  std::optional<std::string> environment(std::string name) const override;
  Task<Exit> run(Command command) override;
  std::string id() const override { return machine_.id; }
  bool id_lasts() const override { return machine_.id_lasts; }
  std::string first_line(const Path& path) const override;
  std::set<std::string> addresses() const override { return machine_.addresses; }
  std::string home() const override { return machine_.home; }
  bool superuser() const override { return machine_.superuser; }

 private:
  Duration duration_of(const Command& command);
  Task<> change(std::string name, Path path, std::function<void(Machine&)> happens);
  Machine& machine_;
  Effects& effects_;
};

}  // namespace certferry::sandbox
