#include "real/posix_host.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outside/search_path.h"
#include "real/child_process.h"
#include "real/file_failure.h"
#include "real/group_access.h"

namespace certferry {

namespace {

namespace fs = std::filesystem;

class OpenFile {
 public:
  explicit OpenFile(int number) : number_(number) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

bool is_absence(int error) { return error == ENOENT || error == ENOTDIR; }

Path parent_of(const Path& path) {
  const std::string parent = fs::path{path}.parent_path().string();
  return parent.empty() ? "." : parent;
}

void sync_directory(const Path& directory) {
  const OpenFile open{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // Some file systems refuse it (EINVAL); what they promise then is theirs.
  if (!open || (::fsync(open.number()) != 0 && errno != EINVAL)) throw file_failure("Syncing", directory, errno);
}

// The entry of what was there already: whoever made or removed it may have died before its own sync.
void sync_entry(const Path& path) {
  const Path directory = parent_of(path);
  const OpenFile open{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!open && (is_absence(errno) || errno == EACCES)) return;  // nothing is there, or it is somebody else's to keep
  if (!open || (::fsync(open.number()) != 0 && errno != EINVAL)) throw file_failure("Syncing", directory, errno);
}

void make_directories(const Path& path, unsigned mode) {
  struct stat found{};
  if (::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return sync_entry(path);
    throw file_failure("Making the directory", path, ENOTDIR);
  }
  if (errno != ENOENT) throw file_failure("Making the directory", path, errno);
  const Path parent = parent_of(path);
  if (parent != path) make_directories(parent, mode);
  if (::mkdir(path.c_str(), mode) == 0) {
    ::chmod(path.c_str(), mode);  // whatever the umask
    return sync_directory(parent);
  }
  if (errno != EEXIST) throw file_failure("Making the directory", path, errno);
}

void write_all(const OpenFile& file, BytesView content, const Path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw file_failure("Writing", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

constexpr std::string_view beside = ".new-";  // then the id of the process that writes there

// Of a process that is gone, and this user's. Under our own id that was another one, as in a container, where each has
// the same: we write there within one call, and sweep in none of them.
bool left_behind(std::string_view process, const Path& place) {
  pid_t id = 0;
  const auto [end, error] = std::from_chars(process.begin(), process.end(), id);
  if (error != std::errc{} || end != process.end() || id <= 0) return false;
  if (id != ::getpid() && (::kill(id, 0) == 0 || errno != ESRCH)) return false;
  struct stat found{};
  return ::lstat(place.c_str(), &found) == 0 && found.st_uid == ::geteuid();
}

// What killed runs left beside `path`, secrets perhaps. What is no longer there, or cannot be listed, is let be.
void sweep_beside(const Path& path) {
  const std::string prefix = fs::path{path}.filename().string().append(beside);
  std::error_code error;
  fs::directory_iterator entries{parent_of(path), error};
  for (; !error && entries != fs::directory_iterator{}; entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name.starts_with(prefix) && left_behind(BytesView{name}.substr(prefix.size()), entries->path().string()))
      ::unlink(entries->path().c_str());
  }
}

// A name beside `path` that nobody else writes to; what a killed run of our id left there goes.
Path place_beside(const Path& path) {
  sweep_beside(path);
  Path place = fmt::format("{}{}{}", path, beside, ::getpid());
  ::unlink(place.c_str());
  return place;
}

// Whole and durable under another name, until it gets its own or goes.
class FreshFile {
 public:
  FreshFile(const Path& path, BytesView content, unsigned mode) : place_(place_beside(path)) {
    try {
      const OpenFile file{::open(place_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0700)};
      if (!file) throw file_failure("Writing", path, errno);
      write_all(file, content, path);
      if (::fchmod(file.number(), mode) != 0) throw file_failure("Setting the mode of", path, errno);
      if (::fsync(file.number()) != 0) throw file_failure("Syncing", path, errno);
    } catch (...) {
      ::unlink(place_.c_str());
      throw;
    }
  }
  FreshFile(const FreshFile&) = delete;
  FreshFile& operator=(const FreshFile&) = delete;
  ~FreshFile() { ::unlink(place_.c_str()); }
  const char* place() const { return place_.c_str(); }

 private:
  Path place_;
};

void replace_file(const Path& path, BytesView content, unsigned mode) {
  const FreshFile fresh{path, content, mode};
  if (::rename(fresh.place(), path.c_str()) != 0) throw file_failure("Replacing", path, errno);
  sync_directory(parent_of(path));
}

// Zero, or an errno: EEXIST where something is there. Who dies in between leaves one name. A file system, or a filter
// of system calls, that knows no such rename has it by a second name, which goes at once.
int give_name(const char* fresh, const char* path) {
  if (::renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return 0;
  const bool known = errno != EINVAL && errno != ENOSYS && errno != EPERM;
  return known || ::link(fresh, path) != 0 ? errno : 0;
}

bool create_file(const Path& path, BytesView content, unsigned mode) {
  const FreshFile fresh{path, content, mode};
  const int error = give_name(fresh.place(), path.c_str());
  if (error == EEXIST) {
    sync_entry(path);
    return false;
  }
  if (error != 0) throw file_failure("Creating", path, error);
  sync_directory(parent_of(path));
  return true;
}

enum class ForWhom { anybody, us_alone };

std::optional<OpenedFile> opened_file(const Path& path, ForWhom whom) {
  constexpr std::size_t limit = 16UZ * 1024 * 1024;
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file && is_absence(errno)) return std::nullopt;
  struct stat found{};
  const auto former_mode = file && whom == ForWhom::us_alone ? shut_group_out(file.number()) : std::nullopt;
  if (!file || ::fstat(file.number(), &found) != 0) throw file_failure("Reading", path, errno);
  OpenedFile opened{.content = {}, .mode = found.st_mode & 07777U, .former_mode = former_mode};
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t size = ::read(file.number(), chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw file_failure("Reading", path, errno);
    if (size == 0) return opened;
    if (opened.content.size() + static_cast<std::size_t>(size) > limit)
      throw Failure(Failure::Kind::refused, fmt::format("Reading {}: it is over 16 MiB", quoted(path)),
                    "Name the file that was meant.");
    opened.content.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

// Names the user: another one, as the service's, may be let in.
Failure unwritable(const Path& path, int error) {
  Failure failure = file_failure("Writing to", path, error);
  if (error != EACCES) return failure;
  return {failure.kind(), fmt::format("{}: this user ({}) may not write there", failure.what(), ::geteuid()),
          failure.next()};
}

// Of what is not there but for a link: no directory can be made in its place.
void require_no_link(const Path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0 && S_ISLNK(found.st_mode))
    throw Failure(Failure::Kind::refused, fmt::format("Writing to {}: a link that leads nowhere", quoted(path)),
                  "Correct the link, or mount or make what it leads to.");
}

// "" where there is none, or it may not be read.
Bytes content_at_once(const Path& path) {
  try {
    if (auto file = opened_file(path, ForWhom::anybody)) return std::move(file->content);
  } catch (const Failure&) {  // as good as absent
  }
  return "";
}

// "" where this system has none, as images of containers, which are one for many, have not.
std::string machine_id() {
  constexpr std::size_t length = 32;  // source: machine-id(5)
  for (const char* path : {"/etc/machine-id", "/var/lib/dbus/machine-id"})
    if (const Bytes content = content_at_once(path); content.size() >= length) return content.substr(0, length);
  return "";
}

std::string hashed_id(BytesView text) {
  const std::string salted = fmt::format("certferry host {}", text);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(salted.data(), salted.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (std::size_t i = 0; i < 8; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

Task<std::optional<OpenedFile>> PosixHost::open(Path path) { co_return opened_file(path, ForWhom::anybody); }

// Who was killed while a secret got its name may have left it another one, and nobody writes to that file again.
Task<std::optional<OpenedFile>> PosixHost::open_private(Path path) {
  if (swept_beside_.insert(path).second) sweep_beside(path);
  co_return opened_file(path, ForWhom::us_alone);
}

Task<std::optional<FileStatus>> PosixHost::status(Path path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (is_absence(errno)) co_return std::nullopt;
    throw file_failure("Looking at", path, errno);
  }
  FileStatus status;
  status.mode = found.st_mode & 07777U;
  status.directory = S_ISDIR(found.st_mode);
  status.link = S_ISLNK(found.st_mode);
  status.ours = found.st_uid == ::geteuid();
  co_return status;
}

Task<> PosixHost::replace(Path path, Bytes content, FileMode mode) {
  make_directories(parent_of(path), (mode.bits & 0077U) == 0 ? 0700 : 0755);
  replace_file(path, content, mode.bits);
  co_return;
}

Task<bool> PosixHost::create(Path path, Bytes content, FileMode mode) {
  make_directories(parent_of(path), (mode.bits & 0077U) == 0 ? 0700 : 0755);
  co_return create_file(path, content, mode.bits);
}

Task<> PosixHost::make_directory(Path path, FileMode mode) {
  make_directories(path, mode.bits);
  co_return;
}

Task<> PosixHost::require_writable(Path directory) {
  struct stat found{};
  Path there = directory;
  while (::stat(there.c_str(), &found) != 0) {
    if (!is_absence(errno) || there == parent_of(there)) throw unwritable(there, errno);
    require_no_link(there);
    there = parent_of(there);
  }
  if (!S_ISDIR(found.st_mode)) throw file_failure("Writing to", there, ENOTDIR);
  if (::faccessat(AT_FDCWD, there.c_str(), W_OK | X_OK, AT_EACCESS) == 0) co_return;
  // Whatever else it says, as EPERM where a container forbids the question itself, tells nothing of the directory.
  if (errno == EACCES || errno == EROFS) throw unwritable(there, errno);
}

Task<std::vector<std::string>> PosixHost::list(Path directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries{directory, error};
  for (; !error && entries != fs::directory_iterator{}; entries.increment(error))
    names.push_back(entries->path().filename().string());
  if (error && !is_absence(error.value())) throw file_failure("Listing", directory, error.value());
  std::ranges::sort(names);
  co_return names;
}

Task<> PosixHost::remove(Path path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error && !is_absence(error.value())) throw file_failure("Removing", path, error.value());
  sync_entry(path);
  co_return;
}

Task<std::optional<Path>> PosixHost::link_target(Path link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (!error) co_return target.string();
  if (is_absence(error.value()) || error.value() == EINVAL) co_return std::nullopt;
  throw file_failure("Reading the link", link, error.value());
}

Task<> PosixHost::link(Path link, Path target) {
  const Path fresh = place_beside(link);
  if (::symlink(target.c_str(), fresh.c_str()) != 0) throw file_failure("Making the link", link, errno);
  if (::rename(fresh.c_str(), link.c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    throw file_failure("Replacing the link", link, error);
  }
  sync_directory(parent_of(link));
  co_return;
}

Task<> PosixHost::sync(Path path) {
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)};
  if (!file && is_absence(errno)) co_return;
  if (!file && errno != ELOOP) throw file_failure("Syncing", path, errno);  // ELOOP: a link, which is its entry alone
  if (file && ::fsync(file.number()) != 0 && errno != EINVAL) throw file_failure("Syncing", path, errno);
  for (Path entry = path; entry != "/" && entry != "."; entry = parent_of(entry)) sync_entry(entry);
}

std::optional<std::string> PosixHost::environment(std::string name) const {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return std::string{value};
}

Task<Exit> PosixHost::run(Command command) { co_return co_await run_child(std::move(command), search_path(*this)); }

std::string PosixHost::id() const {
  if (const std::string own = machine_id(); !own.empty()) return "host/" + hashed_id(own);
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return fmt::format("host/{}", name.data());
}

bool PosixHost::id_lasts() const { return !machine_id().empty(); }

std::string PosixHost::first_line(const Path& path) const {
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  std::array<char, 4096> start;
  const ssize_t size = file ? ::read(file.number(), start.data(), start.size()) : 0;
  const std::string content(start.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return content.substr(0, content.find('\n'));
}

std::set<std::string> PosixHost::addresses() const {
  std::set<std::string> all;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return all;
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    const int family = one->ifa_addr == nullptr ? AF_UNSPEC : one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      all.emplace(text.data());
  }
  ::freeifaddrs(first);
  return all;
}

std::string PosixHost::home() const {
  if (const char* home = std::getenv("HOME"); home && *home) return home;
  const passwd* entry = ::getpwuid(::geteuid());
  return entry && entry->pw_dir ? entry->pw_dir : "/";
}

bool PosixHost::superuser() const { return ::geteuid() == 0; }

}  // namespace certferry
