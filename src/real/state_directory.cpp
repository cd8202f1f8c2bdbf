#include "real/state_directory.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <utility>

#include "base/failure.h"
#include "real/file_failure.h"

namespace certferry {

namespace {

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// SQLite syncs the directory of its files; that this directory is there at all after a power cut is ours to see to.
void sync_directory_of_state(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = directory >= 0 && (::fsync(directory) == 0 || errno == EINVAL);  // some file systems refuse it
  const int error = errno;
  if (directory >= 0) ::close(directory);
  // What it may not read it cannot sync: a parent of somebody else's, which let us make a directory all the same.
  if (!done && error != EACCES) throw file_failure("Syncing", path, error);
}

// False where there is nothing.
bool is_fit_directory(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return false;
    throw file_failure("Making the directory", path, errno);
  }
  if (!S_ISDIR(found.st_mode)) throw file_failure("Making the directory", path, ENOTDIR);
  if ((found.st_mode & 0022U) != 0 && (found.st_mode & S_ISVTX) == 0)
    throw Failure(Failure::Kind::refused, fmt::format("Others may write to the state's directory {}", quoted(path)),
                  fmt::format("Type: chmod go-w {}", quoted(path)));
  return true;
}

void make_private_directory(const std::string& path) {
  if (is_fit_directory(path)) return;
  const std::string parent = directory_of(path);
  if (path != "/" && path != ".") make_private_directory(parent);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw file_failure("Making the directory", path, errno);
  sync_directory_of_state(parent);
}

void refuse_network_file_system(const std::string& directory) {
  constexpr std::array<std::pair<std::uint32_t, const char*>, 7> networks{{{0x6969U, "NFS"},
                                                                           {0x517bU, "SMB"},
                                                                           {0xff534d42U, "CIFS"},
                                                                           {0xfe534d42U, "SMB2"},
                                                                           {0x5346414fU, "AFS"},
                                                                           {0x00c36400U, "Ceph"},
                                                                           {0x01021997U, "9P"}}};
  struct statfs found{};
  if (::statfs(directory.c_str(), &found) != 0) throw file_failure("Looking at the file system of", directory, errno);
  for (const auto& [magic, words] : networks)
    if (static_cast<std::uint32_t>(found.f_type) == magic)
      throw Failure(Failure::Kind::refused,
                    fmt::format("The state's directory {} is on a network file system ({})", quoted(directory), words),
                    "Keep the state on a local disk, or in S3: [state] store = \"s3://bucket/prefix/\".");
}

}  // namespace

void prepare_state_file(const std::string& path) {
  const std::string directory = directory_of(path);
  make_private_directory(directory);
  refuse_network_file_system(directory);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) throw file_failure("Opening", path, errno);
  struct stat found{};
  const bool known = ::fstat(file, &found) == 0;
  ::close(file);
  if (!known || !S_ISREG(found.st_mode)) throw file_failure("Opening", path, known ? EISDIR : errno);
  if ((found.st_mode & 0077U) != 0)
    throw Failure(Failure::Kind::refused,
                  fmt::format("Others may read the state {} (mode {:04o})", quoted(path), found.st_mode & 07777U),
                  fmt::format("Type: chmod 600 {}", quoted(path)));
}

void require_place_for_state_file(const std::string& path) {
  std::string nearest = directory_of(path);
  while (!is_fit_directory(nearest)) nearest = directory_of(nearest);
  refuse_network_file_system(nearest);
}

}  // namespace certferry
