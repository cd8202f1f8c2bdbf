#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "outside/host.h"

namespace certferry::sandbox {

// A machine inside a directory of another: every path is taken from that directory, and none leads out of it. Its
// environment is what it is given; commands are said to the log and not run.
class RootedHost final : public Host {
 public:
  // root: an absolute path, there already.
  RootedHost(Host& real, std::string root, std::map<std::string, std::string> environment, Log& log);
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
  std::string id() const override { return "host/sandbox"; }
  std::string home() const override { return "/home/certferry"; }
  bool superuser() const override { return false; }

  std::vector<Command> commands;  // not run

 private:
  Path inside(const Path& path) const;  // Failure (refused): it would lead out
  Host& real_;
  std::string root_;
  std::map<std::string, std::string> environment_;
  Log& log_;
};

}  // namespace certferry::sandbox
