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
#include "real/group_access.h"

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

bool others_may_write(const struct stat& found) {
  return (found.st_mode & 0022U) != 0 && (found.st_mode & S_ISVTX) == 0;
}

// may: "Others may read the state".
Failure open_to_others(std::string_view may, std::string_view chmod, const std::string& path,
                       const struct stat& found) {
  const bool by_its_group_alone = (found.st_mode & (S_ISDIR(found.st_mode) ? 0002U : 0007U)) == 0;
  std::string next = fmt::format("Type: {} {}", chmod, quoted(path));
  if (by_its_group_alone)  // chmod is undone by the next mount
    next += "; where a volume's fsGroup (Kubernetes) gives it that mode, keep the state in S3, or mount it without";
  return {Failure::Kind::refused, fmt::format("{} {} (mode {:04o})", may, quoted(path), found.st_mode & 07777U),
          std::move(next)};
}

// Of the state's own directory it is shut out, where it may be; what leads there may be for others as well.
enum class Group { stays, is_shut_out };

// False where there is nothing.
bool is_fit_directory(const std::string& path, Group group) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return false;
    throw file_failure("Making the directory", path, errno);
  }
  if (!S_ISDIR(found.st_mode)) throw file_failure("Making the directory", path, ENOTDIR);
  if (others_may_write(found) && !(group == Group::is_shut_out && group_may_be_shut_out(found)))
    throw open_to_others("Others may write to the state's directory", "chmod go-w", path, found);
  return true;
}

void make_private_directory(const std::string& path) {
  if (is_fit_directory(path, Group::stays)) return;
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

// Opened only where it has to be: closing a file gives up every lock that this process has on it (fcntl(2)).
bool shut_group_out_of(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return false;
  const bool done = shut_group_out(descriptor).has_value();
  ::close(descriptor);
  return done;
}

bool shut_group_out_of_directory(const std::string& path) {
  struct stat found{};
  const bool wide = ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && others_may_write(found);
  return wide && shut_group_out_of(path, O_DIRECTORY);
}

bool shut_group_out_of_companion(const std::string& path) {
  struct stat found{};
  const bool wide = ::lstat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 0070U) != 0;
  return wide && shut_group_out_of(path, O_NOFOLLOW);
}

// The database, made where it is absent. Whether its group was shut out.
bool make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) throw file_failure("Opening", path, errno);
  const bool closed_again = shut_group_out(file).has_value();
  struct stat found{};
  const bool known = ::fstat(file, &found) == 0;
  ::close(file);
  if (!known || !S_ISREG(found.st_mode)) throw file_failure("Opening", path, known ? EISDIR : errno);
  if ((found.st_mode & 0077U) != 0) throw open_to_others("Others may read the state", "chmod 600", path, found);
  return closed_again;
}

}  // namespace

std::vector<std::string> prepare_state_file(const std::string& path) {
  const std::string directory = directory_of(path);
  std::vector<std::string> closed_again;
  if (shut_group_out_of_directory(directory)) closed_again.push_back(directory);
  make_private_directory(directory);
  refuse_network_file_system(directory);
  if (make_private_file(path)) closed_again.push_back(path);
  for (const char* companion : {"-wal", "-shm", ".lock"})
    if (shut_group_out_of_companion(path + companion)) closed_again.push_back(path + companion);
  return closed_again;
}

void require_place_for_state_file(const std::string& path) {
  std::string nearest = directory_of(path);
  for (Group group = Group::is_shut_out; !is_fit_directory(nearest, group); group = Group::stays)
    nearest = directory_of(nearest);
  refuse_network_file_system(nearest);
}

}  // namespace certferry
