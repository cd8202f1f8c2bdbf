#include "state/private_file.h"

#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {
namespace {

constexpr unsigned private_mode = 0600, group_and_others = 077, others = 07;

Failure read_by_others(const Path& path, unsigned mode) {
  std::string next = fmt::format("Type: chmod {:03o} {}", private_mode, path);
  if ((mode & others) == 0)
    next += "; where a volume's fsGroup (Kubernetes) gives it that mode, keep it in S3, or mount the volume without";
  return {Failure::Kind::refused, fmt::format("{}: others may read it (mode {:04o})", path, mode), std::move(next)};
}

}  // namespace

Task<std::optional<Secret>> read_private_file(Outside& outside, Path path) {
  std::optional<OpenedFile> file = co_await outside.host.open_private(path);
  if (!file) co_return std::nullopt;
  Secret content{std::move(file->content)};
  if ((file->mode & group_and_others) != 0) throw read_by_others(path, file->mode);
  if (file->former_mode)
    outside.log.warn(fmt::format(
        "{}: its group had access (mode {:04o}), as a volume's fsGroup gives it; it is this user's alone again", path,
        *file->former_mode));
  co_return content;
}

}  // namespace certferry
