#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <map>
#include <random>
#include <set>
#include <sqlite3.h>
#include <unistd.h>

#include "machine.h"
#include "real/sqlite_store.h"
#include "recorded_disk.h"

namespace certferry {
namespace {

using ::testing::IsEmpty;

// One change of a store, and when it was: begun after so many events of the disk, known to be done after so many.
struct StoreChange {
  Store::Key key;
  std::optional<Bytes> value;  // nothing: removed
  std::int64_t version = 0;
  std::size_t begun = 0, acknowledged = 0;
};

// What a store wrote to its disk while it worked, and what it said of it.
struct StoreRecording {
  std::vector<DiskEvent> events;
  std::vector<StoreChange> changes;  // those of one key in their order
  std::size_t start = 0;             // how many events there were before the store was opened
};

// Stands at every 64 octets of a secret's value.
std::string mark_of_secret(const Store::Key& key, std::size_t number) { return fmt::format("<<{}#{}>>", key, number); }

void checkpoint(const std::string& path) {
  sqlite3* connection = nullptr;
  sqlite3_open(path.c_str(), &connection);
  EXPECT_EQ(sqlite3_wal_checkpoint_v2(connection, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(connection);
}

std::string integrity_of(const std::string& path) {
  sqlite3* connection = nullptr;
  std::string words = "cannot be checked";
  sqlite3_open(path.c_str(), &connection);
  const auto keep = [](void* into, int, char** values, char**) {
    *static_cast<std::string*>(into) = values[0];
    return 1;  // the first row says it
  };
  sqlite3_exec(connection, "PRAGMA integrity_check", keep, &words, nullptr);
  sqlite3_close(connection);
  return words;
}

void lay_down(const DiskImage& image, const std::filesystem::path& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  for (const auto& [name, octets] : image) {
    const std::filesystem::path file = directory / name;
    std::ofstream{file, std::ios::binary} << octets;
    std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

Task<> all_of(std::vector<Work> works) {
  for (const auto& outcome : co_await all_settled(std::move(works)))
    if (outcome) std::rethrow_exception(outcome);
}

// A store at work on a recorded disk.
class StoreLife {
 public:
  explicit StoreLife(std::optional<std::string> synchronous) : disk_(std::move(synchronous)) {}

  StoreRecording record() {
    first_run();
    second_run();
    third_run();
    return {disk_.events(), std::move(changes_)};
  }

  // A life after a power cut at `position` of an earlier one, which left `image`.
  StoreRecording record_after(const std::vector<StoreChange>& earlier, std::size_t position, const DiskImage& image) {
    lay_down(image, directory_ / "state");
    for (const auto& file : image) disk_.take_up(directory_ / ("state/" + file.first));
    const std::size_t start = disk_.position();
    run_after(earlier, position);
    return {disk_.events(), std::move(changes_), start};
  }

 private:
  Bytes value_for(const Store::Key& key, std::size_t size) {
    const std::string mark = mark_of_secret(key, changes_.size());
    Bytes value;
    while (value.size() < size) {
      value += mark;
      while (value.size() % 64 != 0) value += static_cast<char>('a' + random_() % 26);
    }
    value.resize(size);
    return value;
  }

  // The version that is there, as far as this life knows.
  std::optional<Store::Version> version_of(const Store::Key& key) const {
    const auto last = std::find_if(changes_.rbegin(), changes_.rend(), [&](const auto& one) { return one.key == key; });
    if (last == changes_.rend() || !last->value) return std::nullopt;
    return std::to_string(last->version);
  }

  Task<> put(Store& store, Store::Key key, std::size_t size) {
    StoreChange change{.key = key, .value = value_for(key, size), .begun = disk_.position()};
    const auto result = co_await store.put(key, *change.value, version_of(key));
    if (const auto* version = std::get_if<Store::Version>(&result)) {
      change.version = std::stoll(*version);
      change.acknowledged = disk_.position();
      changes_.push_back(std::move(change));
    }
  }

  Task<> remove(Store& store, Store::Key key) {
    StoreChange change{.key = key, .value = {}, .begun = disk_.position()};
    const auto result = co_await store.remove(key, version_of(key).value());
    EXPECT_TRUE(std::holds_alternative<Done>(result));
    change.acknowledged = disk_.position();
    changes_.push_back(std::move(change));
  }

  // The first alone, all others in one transaction: they come while it is held at its first write.
  void put_together(Store& store, std::vector<std::pair<Store::Key, std::size_t>> puts) {
    std::vector<Work> works;
    disk_.hold_next_write();
    for (std::size_t i = 0; i < puts.size(); ++i)
      works.push_back([&, i]() -> Task<> {
        if (i == 1) disk_.wait_until_held();
        return put(store, puts[i].first, puts[i].second);
      });
    works.push_back([&]() -> Task<> {
      disk_.release();
      co_return;
    });
    machine_.run(all_of(std::move(works)));
  }

  void first_run() {
    SqliteStore store{path_};
    for (const char* name : {"www", "mail", "shop"}) {
      machine_.run(put(store, fmt::format("certificate/{}/record", name), 300));
      machine_.run(put(store, fmt::format("secret/{}/1", name), 200));
      machine_.run(put(store, fmt::format("certificate/{}/generation/1", name), 900));
    }
    machine_.run(put(store, "certificate/www/record", 9000));
    machine_.run(remove(store, "secret/mail/1"));
    put_together(store, {{"index/00", 40},
                         {"index/01", 600},
                         {"certificate/shop/record", 700},
                         {"zone/example/ledger", 2500},
                         {"zone/example/ledger", 100},
                         {"zone/example/ledger", 200},
                         {"index/02", 0},
                         {"certificate/mail/record", 5000},
                         {"shelf/iam/ledger", 80}});
    machine_.run(put(store, "secret/big/1", 6000));
    checkpoint(path_);
    machine_.run(put(store, "certificate/www/record", 150));  // the log begins anew
    machine_.run(put(store, "certificate/mail/record", 310));
    machine_.run(remove(store, "certificate/mail/generation/1"));
    checkpoint(path_);
    machine_.run(put(store, "index/00", 50));
    machine_.run(remove(store, "secret/big/1"));
    machine_.run(put(store, "certificate/mail/generation/2", 1200));
  }

  void second_run() {
    auto store = std::make_unique<SqliteStore>(path_);
    SqliteStore same_file{path_};
    machine_.run(put(*store, "certificate/shop/record", 330));
    machine_.run(put(same_file, "certificate/shop/record", 340));
    machine_.run(remove(same_file, "certificate/mail/generation/2"));
    machine_.run(remove(*store, "secret/www/1"));
    machine_.run(put(same_file, "secret/www/2", 210));
    store.reset();
    machine_.run(put(same_file, "certificate/www/record", 4000));
    put_together(same_file, {{"index/03", 10}, {"index/00", 3000}, {"index/04", 10}, {"secret/shop/1", 220}});
  }

  void third_run() {
    SqliteStore store{path_};
    machine_.run(remove(store, "certificate/shop/record"));
    machine_.run(put(store, "certificate/shop/record", 360));
    machine_.run(remove(store, "secret/shop/1"));
    machine_.run(put(store, "account/ca", 120));
    machine_.run(remove(store, "account/ca"));  // the newest version of all: it is not to come again
  }

  void run_after(const std::vector<StoreChange>& earlier, std::size_t position) {
    SqliteStore store{path_};
    for (StoreChange change : earlier) {
      if (change.begun > position) continue;
      if (change.acknowledged >
          position) {  // it was under way: a write is as it is found, a removal is asked for again
        if (!change.value) machine_.run(remove(store, change.key));
        const auto entry = machine_.run(store.get(change.key));
        if (!entry || entry->version != std::to_string(change.version)) continue;
      }
      change.begun = change.acknowledged = 0;
      changes_.push_back(std::move(change));
    }
    machine_.run(put(store, "certificate/www/record", 400));
    machine_.run(put(store, "secret/late/1", 200));
    machine_.run(put(store, "certificate/late/record", 5000));
    machine_.run(remove(store, "secret/late/1"));
    machine_.run(put(store, "certificate/late/record", 100));
  }

  Machine machine_;
  TemporaryDirectory directory_{fast_place()};
  const std::string path_ = directory_ / "state/state.db";
  RecordedDisk disk_;
  std::mt19937 random_{1};
  std::vector<StoreChange> changes_;
};

StoreRecording recording_of_a_store(std::optional<std::string> synchronous = {}) {
  return StoreLife{std::move(synchronous)}.record();
}

// Opens what a power cut left with the product's own code and says what is wrong with it.
class Aftermath {
 public:
  explicit Aftermath(const std::vector<StoreChange>& changes) : changes_(changes) {}

  std::vector<std::string> violations(const DiskImage& image, std::size_t position) {
    std::vector<std::string> wrong;
    look_for_removed_secrets(image, position, wrong);
    lay_down(image, directory_ / "state");
    try {
      SqliteStore store{path_};
      compare(store, position, wrong);
      const auto fresh = machine_.run(store.put("fresh", "x", std::nullopt));
      const auto* version = std::get_if<Store::Version>(&fresh);
      if (!version || std::stoll(*version) <= last_version(position)) wrong.push_back("lost: a version comes again");
    } catch (const std::exception& failure) {
      wrong.push_back(fmt::format("damaged: {}", failure.what()));
      return wrong;
    }
    if (const std::string words = integrity_of(path_); words != "ok") wrong.push_back("damaged: " + words);
    return wrong;
  }

 private:
  // What may be there under a key: what was acknowledged last, or what was under way then.
  std::vector<const StoreChange*> possible(const Store::Key& key, std::size_t position) const {
    std::vector<const StoreChange*> found{nullptr};  // never written
    for (const StoreChange& change : changes_) {
      if (change.key != key || change.begun > position) continue;
      if (change.acknowledged <= position) found.clear();
      found.push_back(&change);
    }
    return found;
  }

  void compare(SqliteStore& store, std::size_t position, std::vector<std::string>& wrong) {
    std::vector<Store::Key> listed;
    std::map<Store::Key, std::optional<Store::Entry>> entries;
    std::vector<Work> works;
    works.push_back([&]() -> Task<> { listed = co_await store.list(""); });
    for (const StoreChange& change : changes_)
      if (entries.try_emplace(change.key).second)
        works.push_back([&]() -> Task<> { entries[change.key] = co_await store.get(change.key); });
    machine_.run(all_of(std::move(works)));
    for (const Store::Key& key : listed)
      if (!entries.contains(key)) wrong.push_back(fmt::format("damaged: {} was never written", key));
    for (const auto& [key, entry] : entries) {
      const auto fits = [&](const StoreChange* change) {
        if (!change || !change->value) return !entry;
        return entry && entry->value == *change->value && entry->version == std::to_string(change->version);
      };
      if (std::ranges::none_of(possible(key, position), fits))
        wrong.push_back(fmt::format(
            "lost: {} {}", key,
            entry ? fmt::format("is version {} of {} octets", entry->version, entry->value.size()) : "is absent"));
      if (entry.has_value() != std::ranges::binary_search(listed, key))
        wrong.push_back(fmt::format("damaged: {} is in one of table and index", key));
    }
  }

  std::int64_t last_version(std::size_t position) const {
    std::int64_t last = 0;
    for (const StoreChange& change : changes_)
      if (change.acknowledged <= position) last = std::max(last, change.version);
    return last;
  }

  void look_for_removed_secrets(const DiskImage& image, std::size_t position, std::vector<std::string>& wrong) const {
    for (const StoreChange& change : changes_) {
      if (!change.key.starts_with("secret/") || !change.value) continue;
      const auto gone = std::ranges::find_if(changes_, [&](const StoreChange& later) {
        return &later > &change && later.key == change.key && later.acknowledged <= position;
      });
      if (gone == changes_.end()) continue;
      const std::string mark = change.value->substr(0, change.value->find(">>") + 2);
      for (const auto& [name, octets] : image)
        if (octets.find(mark) != octets.npos) wrong.push_back(fmt::format("revealed: {} in {}", mark, name));
    }
  }

  const std::vector<StoreChange>& changes_;
  Machine machine_;
  TemporaryDirectory directory_{fast_place()};
  const std::string path_ = directory_ / "state/state.db";
};

struct PowerCuts {
  std::size_t tried = 0;
  std::size_t different = 0;
  std::vector<std::string> violations;
};

std::size_t digest_of(const DiskImage& image) {
  std::size_t digest = 0;
  for (const auto& [name, octets] : image)
    for (const std::string& part : {name, octets}) digest = digest * 1'000'003 + std::hash<std::string>{}(part);
  return digest;
}

std::ptrdiff_t acknowledged_by(const StoreRecording& recording, std::size_t position) {
  return std::ranges::count_if(recording.changes, [&](const auto& change) { return change.acknowledged <= position; });
}

// Cuts the power after every event, in every write, and with every and random parts of what was not synced lost.
PowerCuts cut_everywhere(const StoreRecording& recording, std::size_t violations_enough = 8) {
  constexpr unsigned random_losses = 3;
  PowerCuts cuts;
  Aftermath aftermath{recording.changes};
  CutDisk disk;
  std::set<std::pair<std::ptrdiff_t, std::size_t>> seen;  // the same files after the same promises: looked at once
  for (std::size_t i = 0; i < recording.events.size() && cuts.violations.size() < violations_enough; ++i) {
    const DiskEvent& event = recording.events[i];
    const auto look = [&](const DiskImage& image, std::size_t position, const std::string& how) {
      ++cuts.tried;
      if (!seen.emplace(acknowledged_by(recording, position), digest_of(image)).second) return;
      for (const std::string& wrong : aftermath.violations(image, position))
        cuts.violations.push_back(fmt::format("{}; cut at event {} ({}), {}", wrong, i, words_of(event), how));
    };
    if (event.kind == DiskEvent::Kind::write && i >= recording.start)
      for (const DiskEvent& part : torn(event)) {
        CutDisk half = disk;
        half.apply(part);
        look(half.everything(), i, fmt::format("{} octets of it written", part.octets.size()));
      }
    disk.apply(event);
    if (i + 1 < recording.start) continue;
    look(disk.everything(), i + 1, "all written");
    look(disk.survivors([] { return false; }), i + 1, "only what was synced");
    for (unsigned seed = 0; seed < random_losses; ++seed) {
      std::mt19937 random{static_cast<unsigned>(i) * random_losses + seed};
      look(disk.survivors([&] { return random() % 2 == 0; }), i + 1, fmt::format("random losses {}", seed));
    }
  }
  cuts.different = seen.size();
  return cuts;
}

bool any_begins_with(const std::vector<std::string>& all, std::string_view word) {
  return std::ranges::any_of(all, [&](const std::string& one) { return one.starts_with(word); });
}

TEST(SqlitePowerCut, LosesNothingAcknowledgedAndLeavesNothingHalfDone) {
  const PowerCuts cuts = cut_everywhere(recording_of_a_store());
  EXPECT_THAT(cuts.violations, IsEmpty());
  EXPECT_GT(cuts.different, 2000U);
  fmt::print("{} power cuts, {} different disks\n", cuts.tried, cuts.different);
}

// While a log or a journal is read back, and in what is done next.
TEST(SqlitePowerCut, LosesNothingWhenThePowerFailsAgain) {
  constexpr std::size_t lives = 4;
  const StoreRecording first = recording_of_a_store();
  std::size_t tried = 0;
  CutDisk disk;
  std::mt19937 random{7};
  for (std::size_t i = 0, life = 0; i < first.events.size(); ++i) {
    disk.apply(first.events[i]);
    if (i < 6 + first.events.size() * life / lives) continue;
    ++life;
    const DiskImage left = disk.survivors([&] { return random() % 2 == 0; });
    const PowerCuts cuts = cut_everywhere(StoreLife{{}}.record_after(first.changes, i + 1, left));
    EXPECT_THAT(cuts.violations, IsEmpty()) << "after a first cut at event " << i;
    tried += cuts.different;
  }
  EXPECT_GT(tried, 1000U);
  fmt::print("{} different disks after a second power cut\n", tried);
}

// What the tests above are worth: they see what a store that syncs less would lose.
TEST(SqlitePowerCut, IsSeenToLoseCommitsThatWereNotSynced) {
  const PowerCuts cuts = cut_everywhere(recording_of_a_store("NORMAL"));
  EXPECT_TRUE(any_begins_with(cuts.violations, "lost: "));
  EXPECT_FALSE(any_begins_with(cuts.violations, "damaged: "));
}

TEST(SqlitePowerCut, IsSeenToDamageADatabaseThatIsNeverSynced) {
  const PowerCuts cuts = cut_everywhere(recording_of_a_store("OFF"), 200);
  EXPECT_TRUE(any_begins_with(cuts.violations, "lost: "));
  EXPECT_TRUE(any_begins_with(cuts.violations, "damaged: "));
}

TEST(CutDisk, KeepsWhatWasSyncedAndOfTheRestWhatTheCoinSays) {
  using Kind = DiskEvent::Kind;
  CutDisk disk;
  disk.apply({.kind = Kind::link, .node = 0, .name = "a"});
  disk.apply({.kind = Kind::write, .node = 0, .octets = std::string(600, 'x')});
  EXPECT_THAT(disk.survivors([] { return false; }), IsEmpty());
  disk.apply({.kind = Kind::sync, .node = 0});
  EXPECT_THAT(disk.survivors([] { return false; }), IsEmpty());  // the name is not on the disk yet
  disk.apply({.kind = Kind::sync_directory});
  disk.apply({.kind = Kind::write, .node = 0, .offset = 500, .octets = std::string(700, 'y')});
  bool keeps = false;
  const auto every_second = [&] { return keeps = !keeps; };  // [500, 512) and [1024, 1200)
  const std::string kept = std::string(500, 'x') + std::string(12, 'y') + std::string(88, 'x') +
                           std::string(424, '\0') + std::string(176, 'y');
  EXPECT_EQ(disk.survivors(every_second), (DiskImage{{"a", kept}}));
  EXPECT_EQ(disk.everything(), (DiskImage{{"a", std::string(500, 'x') + std::string(700, 'y')}}));
  EXPECT_EQ(disk.survivors([] { return false; }), (DiskImage{{"a", std::string(600, 'x')}}));
  disk.apply({.kind = Kind::unlink, .name = "a"});
  EXPECT_THAT(disk.everything(), IsEmpty());
  EXPECT_EQ(disk.survivors([] { return false; }).size(), 1U);  // the removal is not on the disk yet
}

}  // namespace
}  // namespace certferry
