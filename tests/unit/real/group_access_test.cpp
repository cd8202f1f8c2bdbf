#include "real/group_access.h"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "real/posix_host.h"
#include "real/sqlite_store.h"
#include "real/state_directory.h"

namespace certferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr unsigned somebody_else = 54321;  // neither a user nor a group of ours

unsigned whole_mode_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

// A state, then what Kubernetes does to it at each mount of a volume with fsGroup.
struct GroupAccessTest : ::testing::Test {
  GroupAccessTest() {
    SqliteStore store{path};
    machine.run(store.put("k", "v", std::nullopt));
    store.try_lock();
  }
  void mount_with_fs_group() {
    ::chmod(state.c_str(), 02770);
    for (const std::string& file : files) ::chmod(file.c_str(), 0660);
  }
  std::string key_file(unsigned mode) {
    std::ofstream{state + "/store.key"} << "key";
    ::chmod((state + "/store.key").c_str(), mode);
    return state + "/store.key";
  }
  std::optional<Failure> refusal() {
    try {
      prepare_state_file(path);
    } catch (const Failure& failure) {
      return failure;
    }
    return std::nullopt;
  }
  Machine machine;
  PosixHost host;
  TemporaryDirectory directory;
  const std::string state = directory / "state", path = state + "/state.db";
  std::vector<std::string> files{path, path + ".lock"};
};

TEST_F(GroupAccessTest, OfAStateIsTakenAwayAndSaid) {
  files.insert(files.end(), {path + "-wal", path + "-shm"});
  for (const std::string& file : files) std::ofstream{file, std::ios::app};
  mount_with_fs_group();
  std::vector<std::string> all = files;
  all.push_back(state);
  EXPECT_THAT(prepare_state_file(path), ::testing::UnorderedElementsAreArray(all));
  EXPECT_EQ(whole_mode_of(state), 0700U);
  for (const std::string& file : files) EXPECT_EQ(whole_mode_of(file), 0600U) << file;
  EXPECT_THAT(prepare_state_file(path), IsEmpty()) << "said once";
}

TEST_F(GroupAccessTest, OfAStateDoesNotKeepItShut) {
  mount_with_fs_group();
  SqliteStore store{path};
  EXPECT_EQ(machine.run(store.get("k"))->value, "v");
  EXPECT_EQ(whole_mode_of(state), 0700U);
  EXPECT_EQ(whole_mode_of(path), 0600U);
}

TEST_F(GroupAccessTest, LeavesADirectoryToEverybodyElseWhoReadsThere) {
  ::chmod(state.c_str(), 02775);
  EXPECT_THAT(prepare_state_file(path), UnorderedElementsAre(state));
  EXPECT_EQ(whole_mode_of(state), 0755U);
}

TEST_F(GroupAccessTest, OfADirectoryThatEverybodyMayWriteToIsNotTheTrouble) {
  for (const unsigned mode : {0777U, 02772U}) {
    ::chmod(state.c_str(), mode);
    ASSERT_TRUE(refusal());
    EXPECT_THAT(refusal()->next(), AllOf(HasSubstr("chmod go-w"), Not(HasSubstr("fsGroup"))));
    EXPECT_EQ(whole_mode_of(state), mode);
  }
}

TEST_F(GroupAccessTest, OfAFileThatEverybodyMayReadIsNotTheTrouble) {
  ::chmod(path.c_str(), 0664);
  ASSERT_TRUE(refusal());
  EXPECT_THAT(refusal()->next(), AllOf(HasSubstr("chmod 600"), Not(HasSubstr("fsGroup"))));
  EXPECT_EQ(whole_mode_of(path), 0664U);
}

TEST_F(GroupAccessTest, OfWhatIsNotOursIsRefusedWithItsCause) {
  if (::geteuid() != 0) GTEST_SKIP() << "root alone gives files away";
  for (const bool group : {false, true}) {
    for (const std::string& what : {state, path}) {
      mount_with_fs_group();
      ASSERT_EQ(::chown(what.c_str(), group ? -1U : somebody_else, group ? somebody_else : -1U), 0);
      const unsigned mode = whole_mode_of(what);
      ASSERT_TRUE(refusal()) << what;
      EXPECT_THAT(refusal()->next(), AllOf(HasSubstr("fsGroup"), HasSubstr("S3"))) << what;
      EXPECT_EQ(whole_mode_of(what), mode) << what;
      ASSERT_EQ(::chown(what.c_str(), ::geteuid(), ::getegid()), 0);
    }
  }
}

// What leads to the state may be for others as well.
TEST_F(GroupAccessTest, OfWhatLeadsToAStateThatIsToBeMadeStays) {
  ::chmod((directory / "").c_str(), 02770);
  const std::string below = directory / "another/state.db";
  EXPECT_THROW(prepare_state_file(below), Failure);
  EXPECT_THROW(require_place_for_state_file(below), Failure);
  EXPECT_EQ(whole_mode_of(directory / ""), 02770U);
}

TEST_F(GroupAccessTest, IsLeftAsItIsByALook) {
  mount_with_fs_group();
  require_place_for_state_file(path);
  EXPECT_EQ(whole_mode_of(state), 02770U);
}

TEST_F(GroupAccessTest, OfAKeyFileIsTakenAway) {
  const std::string file = key_file(0660), link = state + "/link";
  ASSERT_EQ(::symlink("store.key", link.c_str()), 0);
  const auto opened = machine.run(host.open_private(link));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->content, "key");
  EXPECT_EQ(opened->mode, 0600U);
  EXPECT_EQ(opened->former_mode, 0660U);
  EXPECT_EQ(whole_mode_of(file), 0600U);
  EXPECT_FALSE(machine.run(host.open_private(file))->former_mode);
}

TEST_F(GroupAccessTest, OfAKeyFileStaysWhereItIsNotForUsAloneToSay) {
  const auto stays = [&](const std::string& file, unsigned mode) {
    const auto opened = machine.run(host.open_private(file));
    EXPECT_EQ(opened->mode, mode);
    EXPECT_FALSE(opened->former_mode);
    EXPECT_EQ(whole_mode_of(file), mode);
  };
  stays(key_file(0644), 0644);
  const std::string file = key_file(0640);
  EXPECT_EQ(machine.run(host.open(file))->mode, 0640U) << "who reads what need not be private changes nothing";
  if (::geteuid() != 0) GTEST_SKIP() << "root alone gives files away";
  ASSERT_EQ(::chown(file.c_str(), -1U, somebody_else), 0);
  stays(file, 0640);
  ASSERT_EQ(::chown(file.c_str(), somebody_else, ::getegid()), 0);
  stays(file, 0640);
}

}  // namespace
}  // namespace certferry
