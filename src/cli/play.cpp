#include "cli/play.h"

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/said.h"

namespace certferry {

Play::Play(Stage& stage, const sandbox::SocketPlaces& places, const std::string& root)
    : stage_(stage),
      places_(places),
      mounted_(stage.executor, places, stage.clock, stage.entropy, stage.log, root),
      silent_{[](std::string_view) {}, stage.console.err},
      inner_{.executor = stage.executor,
             .console = stage.json ? silent_ : stage.console,
             .log = stage.log,
             .host = mounted_.host(),
             .clock = stage.clock,
             .entropy = stage.entropy,
             .open = [this](const Config&) -> Task<Outside*> { co_return &mounted_.outside(); },
             .disk_root = root,
             .roots = Roots::from_pem(places.roots_pem)},
      began_(stage.clock.steady()) {}

void Play::say_indented(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    say(fmt::format("    {}\n", text.substr(at, end - at)));
    at = end + 1;
  }
}

Task<int> Play::act(std::string typed, std::string why, CommandLine line) {
  say(fmt::format("\n$ {}    # {}\n", typed, why));
  const SteadyTime since = stage_.clock.steady();
  const int exit = co_await run_command(inner_, line);
  say(fmt::format("  ({}, exit code {})\n", humane(stage_.clock.steady() - since), exit));
  promise(exit == 0, fmt::format("{} ends with 0", typed));
  co_return exit;
}

Task<Play::Seen> Play::seen() {
  const http::Response page =
      co_await mounted_.outside().transport.send({.url = Url::parse(places_.seen), .trust = http::Trust::ca});
  const Json json = Json::parse(page.body, "what the sandbox saw");
  co_return Seen{.orders = json.at("requests").integer("acme newOrder").value_or(0),
                 .changes = json.at("changes").as_integer(),
                 .txt_sets = json.at("txt_sets").as_integer()};
}

void Play::promise(bool kept, const std::string& what) {
  if (!kept) broken_.push_back(what);
}

int Play::finish(const std::string& farewell, Json::Object more) {
  const Duration took = stage_.clock.steady() - began_;
  if (stage_.json) {
    Json list = Json::array();
    for (const std::string& what : broken_) list.push_back(what);
    Json result = Json::object({{"as_promised", broken_.empty()},
                                {"broken_promises", std::move(list)},
                                {"took_ms", static_cast<long>(took.count())}});
    for (auto& [name, value] : more) result[name] = std::move(value);
    say_result(stage_, "", result);
  }
  for (const std::string& what : broken_) say(fmt::format("\nNot as promised: {}", what));
  say(fmt::format("\n{} in {}. {}\n", broken_.empty() ? "All as promised," : "Something went wrong,", humane(took),
                  farewell));
  return broken_.empty() ? 0 : 1;
}

}  // namespace certferry
