#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <map>
#include <random>

#include "machine.h"
#include "real/sqlite_store.h"

namespace certferry {
namespace {

using ::testing::HasSubstr;

// What a store holds: of each key the value and its version.
using Held = std::map<Store::Key, std::pair<Bytes, Store::Version>>;

// The files of a state, by what follows "state.db" in their names.
using Files = std::map<std::string, Bytes>;

Bytes octets_of(const std::string& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

Files with_bit_flipped(Files files, const std::string& which, std::size_t bit) {
  char& octet = files.at(which).at(bit / 8);
  octet = static_cast<char>(octet ^ (1 << bit % 8));
  return files;
}

// A state after some use, and what comes of it when bits of its files are lost.
class SqliteBitFlip : public ::testing::Test {
 protected:
  SqliteBitFlip() {
    SqliteStore store{path_};
    live(store);
    killed_ = {{"", octets_of(path_)}, {"-wal", octets_of(path_ + "-wal")}};
  }

  // Records, journals, secrets and a ledger: small ones, some over several pages, some replaced, some gone.
  void live(Store& store) {
    for (int i = 0; i < 12; ++i) {
      put(store, fmt::format("certificate/c{}/record", i), 700);
      put(store, fmt::format("certificate/c{}/generation/1", i), i % 4 == 0 ? 9000 : 1500);
      put(store, fmt::format("secret/c{}/1", i), 500);
    }
    put(store, "zone/Z1/ledger", 3000);
    for (int i = 0; i < 12; i += 2) put(store, fmt::format("certificate/c{}/record", i), 800);
    for (int i = 0; i < 12; i += 3) {
      const Store::Key key = fmt::format("certificate/c{}/generation/1", i);
      machine_.run(store.remove(key, states_.back().at(key).second));
      states_.push_back(states_.back());
      states_.back().erase(key);
    }
  }

  void put(Store& store, const Store::Key& key, std::size_t size) {
    Bytes value;
    while (value.size() < size) value += static_cast<char>('a' + random_() % 26);
    const auto now = machine_.run(store.get(key));
    const auto version = machine_.run(store.put(key, value, now ? std::optional{now->version} : std::nullopt));
    states_.push_back(states_.back());
    states_.back()[key] = {value, std::get<Store::Version>(version)};
    keys_.insert(key);
  }

  // What the list names, and whatever was ever put.
  Held read(Store& store) {
    Held found;
    std::set<Store::Key> keys = keys_;
    for (const Store::Key& key : machine_.run(store.list(""))) keys.insert(key);
    for (const Store::Key& key : keys)
      if (const auto entry = machine_.run(store.get(key))) found[key] = {entry->value, entry->version};
    return found;
  }

  // Opened, read, written to, and read again by the next one, as far as it goes; fails where something is read that was
  // not written.
  void use(const Files& files, std::string_view what, std::size_t oldest) {
    const TemporaryDirectory directory{fast_place()};
    const std::string place = directory / "state.db";
    for (const auto& [end, octets] : files) {
      std::ofstream{place + end, std::ios::binary} << octets;
      std::filesystem::permissions(place + end,
                                   std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    try {
      for (const bool first : {true, false}) {
        SqliteStore store{place};
        Held found = read(store);
        found.erase("later");
        const auto known = std::find(states_.begin() + static_cast<long>(oldest), states_.end(), found);
        EXPECT_NE(known, states_.end()) << what << (first ? "" : ", after a write");
        if (first) machine_.run(store.put("later", "on", std::nullopt));
      }
      ++read_;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), Failure::Kind::refused) << what << ": " << failure.what();
      ++refused_;
    }
  }

  std::mt19937_64 random_{20261124};
  Machine machine_;
  TemporaryDirectory directory_{fast_place()};
  const std::string path_ = directory_ / "state.db";
  std::set<Store::Key> keys_;
  std::vector<Held> states_{{}};
  Files killed_;  // as a kill leaves them
  int read_ = 0, refused_ = 0;
};

constexpr int flips = 800;
constexpr std::size_t header_bits = 100 * 8;

TEST_F(SqliteBitFlip, OfTheFileIsRefusedWhereItIsRead) {
  const Files whole{{"", octets_of(path_)}};
  const std::size_t bits = whole.at("").size() * 8;
  for (std::size_t bit = 0; bit < header_bits; ++bit)
    use(with_bit_flipped(whole, "", bit), fmt::format("bit {} of {}", bit, bits), states_.size() - 1);
  for (int i = 0; i < flips; ++i) {
    const std::size_t bit = random_() % bits;
    use(with_bit_flipped(whole, "", bit), fmt::format("bit {} of {}", bit, bits), states_.size() - 1);
  }
  EXPECT_GT(refused_, flips / 2) << read_ << " of them could be read";
  EXPECT_GT(read_, 0);
}

TEST_F(SqliteBitFlip, OfTheLogLeavesAFormerStateOrIsRefused) {
  use(killed_, "undamaged", states_.size() - 1);
  const std::size_t bits = killed_.at("-wal").size() * 8;
  ASSERT_GT(bits, 0U);
  for (int i = 0; i < flips; ++i) {
    const std::size_t bit = random_() % bits;
    use(with_bit_flipped(killed_, "-wal", bit), fmt::format("bit {} of {} of the log", bit, bits), 0);
  }
  EXPECT_GT(read_, flips / 2);
}

TEST_F(SqliteBitFlip, SaysWhichFileIsDamagedAndWhatToDo) {
  const std::string value = states_.back().at("secret/c3/1").first;
  Files whole{{"", octets_of(path_)}};
  const std::size_t at = whole.at("").find(value);
  ASSERT_NE(at, Bytes::npos);
  std::ofstream{path_, std::ios::binary} << with_bit_flipped(whole, "", at * 8).at("");
  SqliteStore store{path_};
  const auto failure = failure_of(machine_, store.get("secret/c3/1"));
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->what(), HasSubstr(path_));
  EXPECT_THAT(failure->what(), HasSubstr("\"secret/c3/1\" is not what was written (it is damaged)"));
  EXPECT_THAT(failure->next(), HasSubstr("Put back a copy"));
  EXPECT_TRUE(machine_.run(store.get("secret/c4/1")));
}

}  // namespace
}  // namespace certferry
