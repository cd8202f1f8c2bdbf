#pragma once

#include <set>

#include "outside/host.h"

namespace certferry {

// This machine. Files are worked on directly: they are small, and few. A relative path is taken from the working
// directory.
class PosixHost final : public Host {
 public:
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
  // From /etc/machine-id, hashed (machine-id(5) asks for that); else the host's name, which does not last.
  std::string id() const override;
  bool id_lasts() const override;
  std::string first_line(const Path& path) const override;
  std::set<std::string> addresses() const override;
  std::string home() const override;
  bool superuser() const override;

 private:
  std::set<Path> swept_beside_;  // of secrets that were opened, once each
};

}  // namespace certferry
