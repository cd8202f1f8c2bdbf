// The simulation's tests; or, with --guards, the same tests without one guard after the other.
#include <algorithm>
#include <cstdio>
#include <gmock/gmock.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "guards.h"

namespace certferry::simulation {
namespace {

constexpr const char* usage = R"(simulation [gtest's options]
simulation --guards [options]   run them without each guard of base/guards.h: exit code 1 where nobody notices
  --only NAME     without this one alone
  --worlds N      also random worlds by seed, up to so many
  --every-test    all tests, and not those alone that are meant for it
  --workers N     so many processes at once; default: as many as there are cores
  --json FILE     the figures as JSON
)";

Removals removals_of(int count, char** words) {
  Removals removals{.workers = std::thread::hardware_concurrency()};
  const auto next = [&](int& i) -> std::string {
    if (i + 1 >= count) throw std::invalid_argument(std::string{words[i]} + " wants a value");
    return words[++i];
  };
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--guards")
      continue;
    else if (word == "--only")
      removals.only = next(i);
    else if (word == "--worlds")
      removals.worlds = std::stoull(next(i));
    else if (word == "--every-test")
      removals.every_test = true;
    else if (word == "--workers")
      removals.workers = static_cast<unsigned>(std::stoul(next(i)));
    else if (word == "--json")
      removals.json = next(i);
    else
      throw std::invalid_argument("\"" + word + "\" is not known");
  }
  return removals;
}

}  // namespace
}  // namespace certferry::simulation

int main(int count, char** words) {
  testing::InitGoogleMock(&count, words);
  if (std::none_of(words, words + count, [](const char* word) { return std::string_view{word} == "--guards"; }))
    return RUN_ALL_TESTS();
  try {
    return certferry::simulation::remove_guards(certferry::simulation::removals_of(count, words));
  } catch (const std::invalid_argument& thrown) {
    std::fprintf(stderr, "%s\n%s", thrown.what(), certferry::simulation::usage);
    return 2;
  }
}
