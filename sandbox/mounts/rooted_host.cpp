#include "sandbox/mounts/rooted_host.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry::sandbox {
namespace {

bool has_upward_part(const Path& path) {
  for (std::size_t at = 0; at <= path.size();) {
    auto slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return true;
    at = slash + 1;
  }
  return false;
}

}  // namespace

RootedHost::RootedHost(Host& real, std::string root, std::map<std::string, std::string> environment, Log& log)
    : real_(real), root_(std::move(root)), environment_(std::move(environment)), log_(log) {}

Path RootedHost::inside(const Path& path) const {
  if (has_upward_part(path))
    throw Failure{Failure::Kind::refused, fmt::format("{} may lead out of the sandbox's directory", path),
                  "Give a path without \"..\"."};
  return path.starts_with('/') ? root_ + path : fmt::format("{}/{}", root_, path);
}

Task<std::optional<OpenedFile>> RootedHost::open(Path path) { co_return co_await real_.open(inside(path)); }

Task<std::optional<OpenedFile>> RootedHost::open_private(Path path) {
  co_return co_await real_.open_private(inside(path));
}

Task<std::optional<FileStatus>> RootedHost::status(Path path) { co_return co_await real_.status(inside(path)); }

Task<> RootedHost::replace(Path path, Bytes content, FileMode mode) {
  co_await real_.replace(inside(path), std::move(content), mode);
}

Task<bool> RootedHost::create(Path path, Bytes content, FileMode mode) {
  co_return co_await real_.create(inside(path), std::move(content), mode);
}

Task<> RootedHost::make_directory(Path path, FileMode mode) { co_await real_.make_directory(inside(path), mode); }

Task<> RootedHost::require_writable(Path directory) { co_await real_.require_writable(inside(directory)); }

Task<std::vector<std::string>> RootedHost::list(Path directory) { co_return co_await real_.list(inside(directory)); }

Task<> RootedHost::remove(Path path) { co_await real_.remove(inside(path)); }

Task<std::optional<Path>> RootedHost::link_target(Path link) {
  auto target = co_await real_.link_target(inside(link));
  if (target && target->starts_with(root_ + "/")) co_return target->substr(root_.size());
  co_return target;
}

Task<> RootedHost::link(Path link, Path target) {
  Path there = inside(target);  // refuses what leads out, though a relative target stays relative
  co_await real_.link(inside(link), target.starts_with('/') ? there : target);
}

Task<> RootedHost::sync(Path path) { co_await real_.sync(inside(path)); }

std::optional<std::string> RootedHost::environment(std::string name) const {
  auto found = environment_.find(name);
  if (found == environment_.end()) return {};
  return found->second;
}

Task<Exit> RootedHost::run(Command command) {
  log_.info(fmt::format("would run: {}", fmt::join(command.argv, " ")));
  commands.push_back(std::move(command));
  co_return Exit{};
}

}  // namespace certferry::sandbox
