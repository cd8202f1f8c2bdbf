#include <filesystem>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "real/posix_host.h"

namespace certferry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::StartsWith;

// The paths that were synced, and whether `watched` was there then.
struct Syncs {
  Path watched;
  std::vector<std::string> all;  // "PATH", or "PATH, there"
};
thread_local Syncs* listening = nullptr;

void heard_sync(int file) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), error).string();
  struct stat found{};
  const bool there = ::lstat(listening->watched.c_str(), &found) == 0;
  listening->all.push_back(path + (there ? ", there" : ""));
}

}  // namespace
}  // namespace certferry

// In place of the C library's, for all of this program.
extern "C" int fsync(int file) {
  if (certferry::listening != nullptr) certferry::heard_sync(file);
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace certferry {
namespace {

struct PosixSync : ::testing::Test {
  std::vector<std::string> syncs_of(const Path& watched, Task<> act) {
    Syncs syncs{watched, {}};
    listening = &syncs;
    machine.run(std::move(act));
    listening = nullptr;
    return syncs.all;
  }
  Task<> created(Path path) { co_await host.create(std::move(path), "other", {0600}); }
  Machine machine;
  PosixHost host;
  TemporaryDirectory directory;
  const Path inside = directory / "d", file = inside + "/file";
  const Path top = std::filesystem::path{inside}.parent_path(), above = std::filesystem::path{top}.parent_path();
};

// First what is in it, then its name: else a loss of power could leave the name of an empty file.
TEST_F(PosixSync, AFileIsOnTheDiskBeforeItsNameAndItsNameBeforeItIsReliedOn) {
  machine.run(host.make_directory(inside, {0755}));
  EXPECT_THAT(syncs_of(file, host.replace(file, "text", {0600})),
              ElementsAre(top, StartsWith(file + ".new-"), inside + ", there"));
  EXPECT_THAT(syncs_of(file + "2", created(file + "2")),
              ElementsAre(top, StartsWith(file + "2.new-"), inside + ", there"));
  EXPECT_THAT(syncs_of(file + "3", host.link(file + "3", "file")), ElementsAre(inside + ", there"));
}

TEST_F(PosixSync, ADirectoryIsOnTheDiskBeforeAnythingIsInIt) {
  const Path deep = inside + "/e";
  EXPECT_THAT(syncs_of(inside, host.make_directory(deep, {0755})),
              ElementsAre(above, top + ", there", inside + ", there"));
}

// Whoever made or removed it may have died between that and its sync.
TEST_F(PosixSync, WhatIsAsItShouldBeAlreadyIsSyncedAllTheSame) {
  machine.run(host.replace(file, "text", {0600}));
  EXPECT_THAT(syncs_of(inside, host.make_directory(inside, {0755})), ElementsAre(top + ", there"));
  EXPECT_EQ(syncs_of(file, created(file)).back(), inside + ", there");
  EXPECT_THAT(syncs_of(file, host.sync(file)),
              IsSupersetOf({file + ", there", inside + ", there", top + ", there", above + ", there"}));
  machine.run(host.remove(file));
  EXPECT_THAT(syncs_of(file, host.remove(file)), ElementsAre(inside));
  EXPECT_THAT(syncs_of(file, host.remove(inside + "/none/file")), IsEmpty());
  machine.run(host.sync(file));
}

}  // namespace
}  // namespace certferry
