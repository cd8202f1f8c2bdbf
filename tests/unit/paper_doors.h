#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "outside/host.h"
#include "outside/resolver.h"

// Doors by hand, for tests of single modules that need no world behind them.
namespace certferry::testing {

// Files, links, environment and commands, as the test puts them there.
class PaperHost final : public Host {
 public:
  struct File {
    File() = default;
    File(Bytes text, unsigned bits = 0600) : content(std::move(text)), mode(bits) {}
    File(const char* text) : content(text) {}
    Bytes content;
    unsigned mode = 0600;
  };
  std::map<Path, File> files;
  std::map<Path, Path> links;
  std::map<std::string, std::string> variables;
  std::function<Exit(const Command&)> on_run;  // else nothing that could run is there
  Task<std::optional<OpenedFile>> open(Path path) override {
    auto found = files.find(path);
    if (found == files.end()) co_return std::nullopt;
    co_return OpenedFile{found->second.content, found->second.mode};
  }
  Task<std::optional<FileStatus>> status(Path path) override {
    auto found = files.find(path);
    if (found == files.end()) co_return std::nullopt;
    co_return FileStatus{.mode = found->second.mode, .ours = true};
  }
  Task<> replace(Path path, Bytes content, FileMode mode) override {
    files[path] = {std::move(content), mode.bits};
    co_return;
  }
  Task<> make_directory(Path, FileMode) override { co_return; }
  Task<> require_writable(Path) override { co_return; }
  Task<> sync(Path) override { co_return; }
  Task<std::vector<std::string>> list(Path) override { co_return std::vector<std::string>{}; }
  Task<> remove(Path path) override {
    files.erase(path);
    co_return;
  }
  Task<std::optional<Path>> link_target(Path link) override {
    auto found = links.find(link);
    co_return found == links.end() ? std::nullopt : std::optional{found->second};
  }
  Task<> link(Path link, Path target) override {
    links[link] = std::move(target);
    co_return;
  }
  std::optional<std::string> environment(std::string name) const override {
    auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  }
  Task<Exit> run(Command command) override { co_return on_run ? on_run(command) : Exit{.status = 127}; }
  std::string id() const override { return "host/paper"; }
  std::string home() const override { return "/home"; }
  bool superuser() const override { return false; }

  // As process `pid` of this machine sees it.
  void be_process(const std::string& pid, const std::string& boot = "boot-1",
                  const std::string& pid_namespace = "pid:[4026531836]") {
    files["/etc/hostname"] = {"web-1\n", 0644};
    files["/proc/sys/kernel/random/boot_id"] = {boot + "\n", 0444};
    files["/proc/1"] = {"", 0555};
    files["/proc/" + pid] = {"", 0555};
    links["/proc/self/ns/pid"] = pid_namespace;
    links["/proc/self"] = pid;
  }
};

// Knows no name.
class NoResolver final : public Resolver {
 public:
  Task<dns::Answer> ask(dns::Question, dns::Nameserver) override { co_return dns::Answer{}; }
  Task<std::vector<std::string>> addresses(std::string) override { co_return std::vector<std::string>{}; }
};

}  // namespace certferry::testing
