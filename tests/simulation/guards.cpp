#include "guards.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <set>

#include "base/guards.h"
#include "estate.h"
#include "sandbox/openssl_signatures.h"
#include "soak/life.h"
#include "soak/workers.h"

namespace certferry::simulation {
namespace {

constexpr int tests_take_most = 600;  // seconds of processor time
constexpr std::size_t first_words = 100;

// The tests that fail where a guard is gone: what has to be run to see it (a filter of gtest's).
struct Noticing {
  Guard guard;
  const char* tests;
};
constexpr std::array noticing{
    Noticing{Guard::key_read_back, "Guarded.NoOrder*"},
    Noticing{Guard::create_only_keys, "*Lives*TheFirst*"},
    Noticing{Guard::account_key_read_back, "Guarded.TwoThatRegister*"},
    Noticing{Guard::claims, "Leases.WhatACert*:Company.Two*"},
    Noticing{Guard::fencing, "Leases.*:Company.One*"},
    Noticing{Guard::lease, "Leases.WhoStoodStill*"},
    Noticing{Guard::intent_before_effect, "*Lives*ListsOrders"},
    Noticing{Guard::probe, "*Lives*ListsOrders"},
    Noticing{Guard::shared_authorizations, "Undecided.*"},
    Noticing{Guard::zone_ledger_first, "Renewal.TheFirst*"},
    Noticing{Guard::owners, "Guarded.AValueStaysAsLong*"},
    Noticing{Guard::exact_delete, "Guarded.WhatOthersKeep*"},
    Noticing{Guard::foreign_values, "Guarded.WhatOthersKeep*"},
    Noticing{Guard::fifteen_minutes, "*Lives*TheFirst*"},
    Noticing{Guard::every_answer, "Zones.KeepInTheLedgerWhatMay*"},
    Noticing{Guard::insync, "Renewal.TheFirst*"},
    Noticing{Guard::parking, "Guarded.AValueStaysWhile*"},
    Noticing{Guard::sweep_closed_only, "Guarded.Values*"},
    Noticing{Guard::shelf_ledger_first, "Renewal.TheFirst*"},
    Noticing{Guard::compare_before_bind, "Guarded.WhatOthersBound*"},
    Noticing{Guard::former_noted, "*Lives*AVerification*"},
    Noticing{Guard::permit, "Renewal.ACertificateOfATestCa*"},
    Noticing{Guard::verify_issued, "Generation.WhoseCertificateIsUnfit*"},
    Noticing{Guard::verify_served, "*Lives*AVerification*"},
    Noticing{Guard::worth_restoring, "UnprovenAtFirst.*"},
    Noticing{Guard::grace, "Guarded.WhatWasServed*:Guarded.WhatADirectory*"},
    Noticing{Guard::second_look, "AMovedInstall.KeepsWhatItServed*"},
    Noticing{Guard::in_use_check, "Retirement.WhatIsDueBut*"},
    Noticing{Guard::keys_outlive_orders, "Generation.WhoseCertificateIsUnfit*"},
    Noticing{Guard::failure_table, "Refused.*"},
    Noticing{Guard::agreed_time, "Guarded.AClock*"},
};
static_assert(noticing.size() == guard_rows.size(), "each guard has a test");

const char* tests_for(Guard guard) {
  const auto* found = std::ranges::find(noticing, guard, &Noticing::guard);
  return found == noticing.end() ? "*" : found->tests;
}

std::string tests_for_any_of(const std::vector<GuardRow>& rows) {
  std::set<std::string> filters;
  for (const GuardRow& row : rows) filters.insert(tests_for(row.guard));
  return fmt::format("{}", fmt::join(filters, ":"));
}

std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == ' ';
    if (!blank || (!line.empty() && !line.ends_with(' '))) line += blank ? ' ' : c;
    if (line.size() == first_words) break;
  }
  return line;
}

// The first failure of all tests that are run.
class FirstFailure : public testing::EmptyTestEventListener {
 public:
  std::string test, words;

 private:
  void OnTestStart(const testing::TestInfo& begun) override {
    running_ = fmt::format("{}.{}", begun.test_suite_name(), begun.name());
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed() || !test.empty()) return;
    test = running_;
    words = in_one_line(result.message());
  }
  std::string running_;
};

void run_tests(const std::string& filter, Json& said) {
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto* first = new FirstFailure;  // the listeners' own, as gtest has it
  listeners.Append(first);
  GTEST_FLAG_SET(filter, filter);
  GTEST_FLAG_SET(fail_fast, true);
  soak::end_after(tests_take_most);
  const bool noticed = RUN_ALL_TESTS() != 0;
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0)
    throw std::invalid_argument("no test is called " + filter);
  if (!noticed) return;
  said["test"] = first->test;
  said["test_words"] = first->words;
  said["test_worlds"] = static_cast<std::int64_t>(Estate::built());
}

void live_in_random_worlds(std::uint64_t worlds, Json& said) {
  for (std::uint64_t seed = 1; seed <= worlds; ++seed) {
    soak::end_after(soak::world_takes_most);
    const soak::Lived lived = soak::live(soak::draw(seed), soak::Tracing::off);
    if (lived.complaints.empty()) continue;
    said["random_worlds"] = static_cast<std::int64_t>(seed);
    said["random_words"] = in_one_line(lived.complaints.front());
    return;
  }
}

Json what_fails_of(const std::string& tests) {
  Json said = Json::object({});
  if (std::freopen("/dev/null", "w", stdout) == nullptr) return said;
  run_tests(tests, said);
  return said;
}

Json without(const GuardRow& row, const Removals& removals) {
#ifdef CERTFERRY_TESTING
  removed_guard = &row;
#endif
  setenv("CERTFERRY_EXHAUSTIVE", "1", 1);  // every crash point of a life, not a sample
  const sandbox::SignatureMemory memory;
  Json said = what_fails_of(removals.every_test ? "*" : tests_for(row.guard));
  live_in_random_worlds(removals.worlds, said);
  soak::end_after(0);
  return said;
}

// With all of them, or the tests tell nothing: they fail of themselves.
Json with_every_guard(const std::vector<GuardRow>& rows) {
  const sandbox::SignatureMemory memory;
  Json said = what_fails_of(tests_for_any_of(rows));
  soak::end_after(0);
  return said;
}

std::string caught_by(const std::optional<Json>& said) {
  if (!said) return "the process died, or took too long";
  if (const auto test = said->text("test"))
    return fmt::format("{}, world {}", *test, said->integer("test_worlds").value_or(0));
  return "no test";
}

// By a test that failed: one that took too long, or broke the process, has told nothing.
bool noticed(const std::optional<Json>& said) { return said && said->text("test").has_value(); }

void print(const GuardRow& row, const std::optional<Json>& said, std::uint64_t worlds) {
  const auto random = said ? said->integer("random_worlds") : std::nullopt;
  fmt::print("{:<24}{}{}\n", row.name, noticed(said) ? "" : "NOBODY NOTICED: ", caught_by(said));
  if (said) fmt::print("{:<24}  {}\n", "", said->text("test_words").value_or(std::string{row.sentence}));
  if (worlds > 0 && random)
    fmt::print("{:<24}  random world {}: {}\n", "", *random, said->text("random_words").value_or(""));
  if (worlds > 0 && said && !random) fmt::print("{:<24}  in none of {} random worlds\n", "", worlds);
}

}  // namespace

int remove_guards(const Removals& removals) {
  std::vector<GuardRow> rows;
  std::ranges::copy_if(guard_rows, std::back_inserter(rows),
                       [&](const GuardRow& row) { return removals.only.empty() || row.name == removals.only; });
  const auto all = soak::in_processes(rows.size() + 1, removals.workers, [&](std::size_t i) {
    return i == 0 ? with_every_guard(rows) : without(rows[i - 1], removals);
  });
  if (!all[0] || all[0]->text("test")) {
    fmt::print("With every guard in place: {}: {}\n", caught_by(all[0]),
               all[0] ? all[0]->text("test_words").value_or("") : "");
    return 1;
  }
  std::size_t caught = 0, at_random = 0;
  Json figures = Json::object({});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::optional<Json>& said = all[i + 1];
    print(rows[i], said, removals.worlds);
    caught += noticed(said) ? 1 : 0;
    at_random += said && said->integer("random_worlds") ? 1 : 0;
    figures[std::string{rows[i].name}] = said.value_or(Json{});
  }
  fmt::print("{} of {} guards are missed by a test where they are gone", caught, rows.size());
  if (removals.worlds > 0) fmt::print(", {} by {} random worlds", at_random, removals.worlds);
  fmt::print("\n");
  if (!removals.json.empty()) std::ofstream{removals.json} << figures.dump_pretty() << "\n";
  return caught == rows.size() && !rows.empty() ? 0 : 1;
}

}  // namespace certferry::simulation
