#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/rehearsal.h"
#include "cli/said.h"
#include "sandbox/mounts/mounted_outside.h"

namespace certferry {
namespace {

Estate estate_of(const SandboxCommand& command) {
  Estate estate;
  if (!command.zones.empty()) estate.zones = command.zones;
  if (!command.elb.empty() || !command.alb.empty()) {
    estate.elb = command.elb;
    estate.alb = command.alb;
  }
  return estate;
}

void say_places(Stage& stage, const sandbox::SocketPlaces& places, const std::string& directory) {
  std::string text = fmt::format(
      "The sandbox runs on this machine's loopback until Ctrl-C. Nothing in it is real.\n\n"
      "CA:            {}   (its root: {}/ca.pem)\nAWS:           {}\nName server:   127.0.0.1:{}\n",
      places.ca_directory, directory, places.aws_endpoint, places.dns_port);
  Json listeners = Json::object();
  for (const auto& [listener, port] : places.listeners) {
    text += fmt::format("Listener:      {}:{} is 127.0.0.1:{}\n", listener.first, listener.second, port);
    listeners[fmt::format("{}:{}", listener.first, listener.second)] = port;
  }
  Json environment = Json::object();
  text += "\nIn another terminal:\n";
  for (const auto& [name, value] : sandbox::aws_environment(places)) {
    text += fmt::format("  export {}={}\n", name, value);
    environment[name] = value;
  }
  text += fmt::format("  certferry apply --config {}/certferry.toml\n", directory);
  say_result(stage, text,
             Json::object({{"ca_directory", places.ca_directory},
                           {"ca_root", directory + "/ca.pem"},
                           {"aws_endpoint", places.aws_endpoint},
                           {"dns_port", places.dns_port},
                           {"listeners", std::move(listeners)},
                           {"environment", std::move(environment)},
                           {"configuration", directory + "/certferry.toml"}}));
}

}  // namespace

Task<int> do_sandbox(Stage& stage, const SandboxCommand& command) {
  Rehearsal rehearsal{stage, estate_of(command)};
  const bool ours = command.directory.empty();
  const std::string directory = ours ? co_await make_scratch_directory(stage, "sandbox") : command.directory;
  std::exception_ptr ended;
  try {
    co_await stage.host.replace(directory + "/ca.pem", rehearsal.mount().places().ca_pem, FileMode{0644});
    co_await stage.host.replace(directory + "/certferry.toml",
                                rehearsal.configuration(directory + "/ca.pem", directory + "/state"), FileMode{0644});
    say_places(stage, rehearsal.mount().places(), directory);
    for (;;) co_await stage.clock.sleep(hours(1));
  } catch (...) {
    ended = std::current_exception();
  }
  co_await shield_from_cancellation();
  if (ours) co_await stage.host.remove(directory);
  std::rethrow_exception(ended);
}

}  // namespace certferry
