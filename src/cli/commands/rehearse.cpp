#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits/renewal.h"
#include "cli/commands/commands.h"
#include "cli/companion.h"
#include "cli/configuration.h"
#include "cli/furnish.h"
#include "cli/play.h"

namespace certferry {
namespace {

constexpr const char *kConfiguration = "/etc/certferry/certferry.toml", *kRoots = "/etc/certferry/sandbox-ca.pem";

CommandLine apply() { return {.command = ApplyCommand{{kConfiguration, {}}, {}, limits::renewal::claim_wait}}; }

// The hosts that lead to a load balancer.
std::vector<std::string> hosts_of(const SandboxCommand& furnished) {
  std::vector<std::string> hosts;
  for (const std::string& host : furnished.hosts) hosts.push_back(host.substr(0, host.find('=')));
  return hosts;
}

// They are not run, and looked for.
Task<> put_programs_of(const Config& config, Host& host) {
  for (const CertificateConfig& certificate : config.certificates)
    for (const InstallConfig& install : certificate.install) {
      const auto* files = std::get_if<FilesInstall>(&install.where);
      if (!files || files->reload.empty()) continue;
      const std::string& program = files->reload.front();
      co_await host.replace(program.contains('/') ? program : "/usr/bin/" + program, "", FileMode{0755});
    }
}

Task<int> play_rehearsal(Play& play, const std::vector<std::string>& hosts) {
  play.say(
      "certferry rehearse: your configuration beside a CA, hosted zones and load balancers like those it names, in a\n"
      "process of their own on this machine's loopback. Nothing real is asked or changed, nothing is left behind;\n"
      "files stay in a directory that goes, commands are not run.\n");
  const CommandLine plan{.command = PlanCommand{{kConfiguration, {}}, {}}};
  co_await play.act("certferry plan", "what would be done", plan);
  co_await play.act("certferry apply", "do it", apply());
  if (!hosts.empty()) {
    CheckCommand check;
    check.hosts = hosts;
    co_await play.act(fmt::format("certferry check {}", fmt::join(hosts, " ")), "look at what load balancers show now",
                      {.command = check});
  }
  const Play::Seen before = co_await play.seen();
  co_await play.act("certferry apply", "again: there should be nothing to do", apply());
  const Play::Seen after = co_await play.seen();
  play.promise(before.orders == after.orders, "the second apply made no order");
  play.promise(before.changes == after.changes, "the second apply changed nothing");
  play.promise(after.txt_sets == 0, "no TXT record is left behind");
  co_return play.finish(
      "Not tried: your permissions, how your zones are delegated, and what your listeners serve today; certferry "
      "doctor looks at them.",
      {{"orders", after.orders}});
}

}  // namespace

Task<int> do_rehearse(Stage& stage, const RehearseCommand& command) {
  const Config config = co_await load_config(stage, {.file = command.config, .takes_flags = false});
  const SandboxCommand furnished = furnished_for(config);
  const std::string text = co_await config_text(stage, command.config);
  int exit = 1;
  const WorkInSandbox work = [&](const sandbox::SocketPlaces& places, const std::string& root) -> Task<> {
    Play play{stage, places, root};
    play.stage().adapt = [&](Config& read) { take_into_sandbox(read, places, kRoots); };
    co_await play.stage().host.replace(kRoots, places.ca_pem, FileMode{0644});
    co_await play.stage().host.replace(kConfiguration, text, FileMode{0600});
    co_await put_programs_of(config, play.stage().host);
    exit = co_await play_rehearsal(play, hosts_of(furnished));
  };
  co_await beside_a_sandbox(stage, furnished, work);
  co_return exit;
}

}  // namespace certferry
