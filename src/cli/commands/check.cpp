#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/ground.h"
#include "cli/said.h"

namespace certferry {
namespace {

// One host a line; blanks and what follows "#" do not count.
std::vector<std::string> hosts_in(std::string_view text) {
  std::vector<std::string> hosts;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line = line.substr(0, line.find('#'));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) continue;
    hosts.emplace_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
  }
  return hosts;
}

}  // namespace

Task<int> do_check(Stage& stage, const CheckCommand& command) {
  std::vector<std::string> hosts = command.hosts;
  if (!command.from_file.empty()) {
    const auto text = co_await stage.host.read(command.from_file);
    if (!text) {
      throw Misconfigured{Failure{Failure::Kind::refused, fmt::format("{} is not there", command.from_file),
                                  "Name a file with one host a line"}};
    }
    for (std::string& host : hosts_in(*text)) hosts.push_back(std::move(host));
    if (hosts.empty())
      throw Misconfigured{Failure{Failure::Kind::refused, fmt::format("{} names no host", quoted(command.from_file)),
                                  "Write one host a line into it, such as www.example.com or smtp.example.com:25"}};
  }
  const Roots roots = co_await trusted_roots(stage, command.trust.empty() ? std::nullopt : std::optional{command.trust},
                                             Place{"--trust"});
  const Config config;
  Outside* outside = co_await stage.open(config);
  const auto checked = co_await check_hosts(*outside, hosts, roots, command.settings);
  const WallTime now = stage.clock.now();
  say_result(stage, to_text(checked, now), to_json(checked, now));
  co_return static_cast<int>(worst(checked));
}

}  // namespace certferry
