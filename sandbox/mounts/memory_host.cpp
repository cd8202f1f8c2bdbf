#include "sandbox/mounts/memory_host.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "base/failure.h"

namespace certferry::sandbox {
namespace {

constexpr int kLinksMost = 40;
constexpr Duration kFileTakes = milliseconds(1), kShortest = seconds(1), kLongest = minutes(10);
constexpr unsigned kPrivateBits = 0077;
constexpr int kTerminated = 143;  // by SIGTERM

Path parent_of(const Path& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> parts_of(const Path& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    auto slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

[[noreturn]] void refuse_path(const Path& path, std::string_view why) {
  throw Failure{Failure::Kind::refused, fmt::format("{}: {}", path, why), "Check the path and its permissions."};
}

}  // namespace

Path Machine::resolved(const Path& path, bool last) const {
  std::vector<std::string> ahead = parts_of(path);
  Path done;
  int links = 0;
  for (std::size_t index = 0; index < ahead.size(); ++index) {
    if (ahead[index] == ".") continue;
    if (ahead[index] == "..") {
      done = done.substr(0, std::min(done.rfind('/'), done.size()));
      continue;
    }
    Path next = done + "/" + ahead[index];
    auto found = nodes.find(next);
    bool is_link = found != nodes.end() && found->second.kind == Kind::link;
    if (!is_link || (index + 1 == ahead.size() && !last)) {
      done = next;
      continue;
    }
    if (++links > kLinksMost) return "";
    std::vector<std::string> rest = parts_of(found->second.content);
    if (found->second.content.starts_with('/')) done.clear();
    rest.insert(rest.end(), ahead.begin() + static_cast<std::ptrdiff_t>(index) + 1, ahead.end());
    ahead = std::move(rest);
    index = static_cast<std::size_t>(-1);
  }
  return done.empty() ? "/" : done;
}

const Machine::Node* Machine::find(const Path& path, bool follow) const {
  auto found = nodes.find(resolved(path, follow));
  return found == nodes.end() ? nullptr : &found->second;
}

void Machine::make_directory(const Path& path, unsigned mode) {
  Path whole = resolved(path);
  if (whole.empty() || whole == "/" || nodes.contains(whole)) return;
  make_directory(parent_of(whole), mode);
  nodes[whole] = {Kind::directory, "", mode, true};
}

void Machine::write(const Path& path, Bytes content, unsigned mode) {
  Path whole = resolved(path, false);
  make_directory(parent_of(whole), (mode & kPrivateBits) == 0 ? 0700 : 0755);
  nodes[whole] = {Kind::file, std::move(content), mode, true};
}

void Machine::erase(const Path& path) {
  Path whole = resolved(path, false);
  nodes.erase(whole);
  std::erase_if(nodes, [below = whole + "/"](const auto& node) { return node.first.starts_with(below); });
}

void Machine::servers_read(const std::vector<std::string>& command) {
  const auto place =
      std::find_if(command.begin(), command.end(), [&](const auto& word) { return word.starts_with('/'); });
  for (const auto& [path, node] : nodes) {
    if (node.kind != Kind::link || !path.ends_with("/live")) continue;
    if (place != command.end() && !path.starts_with(*place + "/")) continue;
    if (const auto* chain = find(path + "/fullchain.pem")) served[path] = chain->content;
  }
}

std::map<Path, std::optional<Machine::Node>> Machine::around(const Path& path) const {
  std::map<Path, std::optional<Node>> found;
  const Path whole = resolved(path, false);
  for (Path above = whole; above != "/"; above = parent_of(above)) {
    const auto node = nodes.find(above);
    found[above] = node == nodes.end() ? std::nullopt : std::optional{node->second};
  }
  for (auto node = nodes.lower_bound(whole + "/"); node != nodes.end() && node->first.starts_with(whole + "/"); ++node)
    found[node->first] = node->second;
  return found;
}

std::uint64_t Machine::change(const Path& path, const std::function<void(Machine&)>& happens) {
  auto before = around(path);
  happens(*this);
  ++changes_;
  for (auto& [place, node] : before) {
    const auto now = nodes.find(place);
    const bool same = now == nodes.end() ? !node : node == now->second;
    if (!same) unsynced_.changed(changes_, place, std::move(node));
  }
  if (heard_change) heard_change();
  return changes_;
}

// What stood in a directory that is lost is lost with it, synced or not.
void Machine::lose_power(const Lost& lost) {
  const std::vector<Path> gone = unsynced_.undo(nodes, lost);
  for (const Path& place : gone)
    if (!nodes.contains(place))
      std::erase_if(nodes, [below = place + "/"](const auto& node) { return node.first.starts_with(below); });
  servers_read();
  if (heard_change) heard_change();
}

// `path` itself is synced even where nothing is changed: whoever was there before may have died too early to.
Task<> MemoryHost::change(std::string name, Path path, std::function<void(Machine&)> happens) {
  effects_.disk_may_fail(name);
  const auto number = std::make_shared<std::uint64_t>(0);
  Effect effect{.name = std::move(name), .there = kFileTakes, .back = kFileTakes};
  effect.happens = [&machine = machine_, number, path, happens = std::move(happens)] {
    *number = machine.change(path, happens);
  };
  effect.synced = [&machine = machine_, number, path = std::move(path)] {
    machine.synced(*number);
    machine.sync(path);
  };
  co_await effects_.perform(std::move(effect));
}

Task<std::optional<OpenedFile>> MemoryHost::open(Path path) {
  co_await effects_.time().sleep(Duration{0});
  const auto* node = machine_.find(path);
  if (!node) co_return std::nullopt;
  if (node->kind != Machine::Kind::file) refuse_path(path, "is a directory");
  co_return OpenedFile{node->content, node->mode};
}

Task<std::optional<OpenedFile>> MemoryHost::open_private(Path path) {
  constexpr unsigned of_group = 070, of_others = 07;
  auto file = co_await open(path);
  const bool may_be_narrowed = file && machine_.find(path)->ours && (file->mode & of_others) == 0;
  if (!may_be_narrowed || (file->mode & of_group) == 0) co_return file;
  file->former_mode = file->mode;
  file->mode &= ~of_group;
  machine_.nodes.at(machine_.resolved(path)).mode = file->mode;
  co_return file;
}

Task<std::optional<FileStatus>> MemoryHost::status(Path path) {
  co_await effects_.time().sleep(Duration{0});
  const auto* node = machine_.find(path, false);
  if (!node) co_return std::nullopt;
  co_return FileStatus{node->mode, node->kind == Machine::Kind::directory, node->kind == Machine::Kind::link,
                       node->ours};
}

Task<> MemoryHost::replace(Path path, Bytes content, FileMode mode) {
  if (const auto* there = machine_.find(path, false); there && there->kind == Machine::Kind::directory)
    refuse_path(path, "is a directory");
  co_await change(fmt::format("replace {}", path), path, [path, content = std::move(content), mode](Machine& machine) {
    machine.write(path, content, mode.bits);
  });
}

Task<bool> MemoryHost::create(Path path, Bytes content, FileMode mode) {
  auto created = std::make_shared<bool>(false);
  co_await change(fmt::format("create {}", path), path,
                  [created, path, content = std::move(content), mode](Machine& machine) {
                    if (machine.find(path, false)) return;
                    machine.write(path, content, mode.bits);
                    *created = true;
                  });
  co_return *created;
}

Task<> MemoryHost::make_directory(Path path, FileMode mode) {
  co_await change(fmt::format("make directory {}", path), path,
                  [path, mode](Machine& machine) { machine.make_directory(path, mode.bits); });
}

Task<> MemoryHost::require_writable(Path directory) {
  constexpr unsigned writable = 0222;
  while (directory != "/" && !machine_.find(directory)) directory = parent_of(directory);
  const auto* node = machine_.find(directory);
  if (node == nullptr) co_return;
  if (node->kind != Machine::Kind::directory) refuse_path(directory, "is no directory");
  if (!machine_.superuser && (node->mode & writable) == 0) refuse_path(directory, "may not be written to");
}

Task<std::vector<std::string>> MemoryHost::list(Path directory) {
  co_await effects_.time().sleep(Duration{0});
  Path whole = machine_.resolved(directory);
  Path below = whole == "/" ? "/" : whole + "/";
  std::vector<std::string> names;
  for (auto node = machine_.nodes.lower_bound(below); node != machine_.nodes.end() && node->first.starts_with(below);
       ++node)
    if (std::string name = node->first.substr(below.size()); !name.contains('/')) names.push_back(name);
  co_return names;
}

Task<> MemoryHost::remove(Path path) {
  co_await change(fmt::format("remove {}", path), path, [path](Machine& machine) { machine.erase(path); });
}

Task<std::optional<Path>> MemoryHost::link_target(Path link) {
  co_await effects_.time().sleep(Duration{0});
  const auto* node = machine_.find(link, false);
  if (!node || node->kind != Machine::Kind::link) co_return std::nullopt;
  co_return node->content;
}

Task<> MemoryHost::link(Path link, Path target) {
  if (const auto* there = machine_.find(link, false); there && there->kind == Machine::Kind::directory)
    refuse_path(link, "is a directory");
  co_await change(fmt::format("link {} to {}", link, target), link, [link, target](Machine& machine) {
    Path whole = machine.resolved(link, false);
    machine.make_directory(parent_of(whole));
    machine.erase(whole);
    machine.nodes[whole] = {Machine::Kind::link, target, 0777, true};
  });
}

Task<> MemoryHost::sync(Path path) {
  co_await effects_.time().sleep(kFileTakes);
  for (Path entry = machine_.resolved(path, false); entry != "/"; entry = parent_of(entry)) machine_.sync(entry);
}

std::optional<std::string> MemoryHost::environment(std::string name) const {
  auto found = machine_.environment.find(name);
  if (found == machine_.environment.end()) return {};
  return found->second;
}

std::string MemoryHost::first_line(const Path& path) const {
  const auto* node = machine_.find(path);
  if (!node || node->kind != Machine::Kind::file) return "";
  return node->content.substr(0, node->content.find('\n'));
}

// Until it ends by itself.
Duration MemoryHost::duration_of(const Command& command) {
  const Duration usual = machine_.takes(command);
  return effects_.log().strikes(&Faults::reload_slow) ? effects_.log().dice->between(kShortest, kLongest) : usual;
}

// One whose caller is cancelled is ended at once, as at its deadline; one whose caller is dead goes on.
Task<Exit> MemoryHost::run(Command command) {
  const auto exit = std::make_shared<std::optional<Exit>>();
  const Duration takes = duration_of(command);
  const bool late = takes > command.deadline, fails = effects_.log().strikes(&Faults::reload_failed);
  const auto ends = [&machine = machine_, exit, command, fails](bool in_time) {
    if (*exit) return;
    machine.commands.push_back(command);
    if (!in_time)
      *exit = Exit{.status = kTerminated, .output = "", .timed_out = true};
    else
      *exit = fails ? Exit{.status = 1, .output = "no"} : machine.on_run(command);
    const bool read_all_the_same = (fails || !in_time) && machine.commands.size() % 2 == 0;
    if (read_all_the_same || ((*exit)->status == 0 && !(*exit)->timed_out)) machine.servers_read(command.argv);
    if (machine.heard_change) machine.heard_change();
  };
  Effect effect{.name = fmt::format("run {}", fmt::join(command.argv, " ")),
                .there = std::min(takes, command.deadline),
                .back = kFileTakes,
                .outlives_sender = true};
  effect.happens = [ends, late] { ends(!late); };
  try {
    co_await effects_.perform(std::move(effect));
  } catch (...) {
    ends(false);
    throw;
  }
  co_return **exit;
}

}  // namespace certferry::sandbox
