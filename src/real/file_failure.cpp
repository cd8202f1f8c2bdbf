#include "real/file_failure.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace certferry {

Failure file_failure(std::string_view operation, const std::string& path, int error) {
  const std::string shown = quoted(path);
  std::string next;
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      next = fmt::format("Free space on the file system of {}.", shown);
      break;
    case EACCES:
    case EPERM:
      next = fmt::format("Give the user that certferry runs as access to {}.", shown);
      break;
    case EROFS:
      next = fmt::format("Mount the file system of {} writable, or name another place.", shown);
      break;
    case ENOENT:
      next = fmt::format("Create {}, or correct the path.", shown);
      break;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
      next = operation == "Reading" ? fmt::format("Name a file in place of {}.", shown)
                                    : fmt::format("Move away what stands at {}, or name another place.", shown);
      break;
    case ELOOP:
      next = fmt::format("Correct the symbolic links at {}.", shown);
      break;
    default:
      next = fmt::format("Look at {} and its file system.", shown);
      break;
  }
  return Failure(Failure::Kind::refused, fmt::format("{} {}: {}", operation, shown, std::strerror(error)),
                 std::move(next));
}

}  // namespace certferry
