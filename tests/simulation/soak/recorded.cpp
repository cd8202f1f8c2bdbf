#include "recorded.h"

#include <fmt/format.h>
#include <fstream>
#include <iterator>

#include "exhaustive.h"
#include "report.h"
#include "wire/json.h"

namespace certferry::soak {
namespace {

constexpr std::size_t longest = 16 << 20;

std::string content_of(const std::string& file) {
  std::ifstream in;
  in.exceptions(std::ios::failbit | std::ios::badbit);
  in.open(file, std::ios::binary);
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string guards_table(const Json& guards) {
  std::string text;
  std::size_t missed = 0, at_random = 0;
  for (const auto& [guard, said] : guards.as_object()) {
    const auto world = said.integer("random_worlds");
    text += fmt::format(
        "{:<26}{:<66} {}\n", guard,
        fmt::format("{}, world {}", said.text("test").value_or("no test"), said.integer("test_worlds").value_or(0)),
        world ? fmt::format("random world {}", *world) : "");
    missed += said.text("test") ? 1 : 0;
    at_random += world ? 1 : 0;
  }
  return text + fmt::format("{} of {} guards are missed by a test where they are gone, {} by random worlds too\n",
                            missed, guards.as_object().size(), at_random);
}

}  // namespace

std::string told_of_records(const std::vector<std::string>& files) {
  std::string worlds, killed, guards;
  Figures all_worlds;
  KilledByLife all_killed;
  for (const std::string& file : files) {
    const Json record = Json::parse(content_of(file), file, longest);
    const std::string kind = record.at("kind").as_text();
    const std::string head = fmt::format("{} (on {}, commit {})\n", record.at("command").as_text(),
                                         record.at("date").as_text(), record.at("commit").as_text());
    const Json& figures = record.at("figures");
    if (kind == "guards") {
      guards += head + guards_table(figures) + "\n";
    } else if (kind == "exhaustive") {
      killed += head;
      for (const auto& [life, one] : killed_of(figures)) all_killed[life].add(one);
    } else {
      worlds += head;
      all_worlds.add(figures_of(figures));
    }
  }
  if (!killed.empty()) killed += as_table(all_killed) + "\n";
  if (!worlds.empty()) worlds += as_table(all_worlds, seconds_for(all_worlds.signatures)) + "\n";
  return killed + worlds + guards;
}

}  // namespace certferry::soak
