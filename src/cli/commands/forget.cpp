#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/s3_place.h"
#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "engine/fleet.h"

namespace certferry {
namespace {

std::string subject_of(const ForgetCommand& command) {
  return command.account.empty() ? quoted(command.name, 200) : "account " + command.account;
}

CertificateId certificate_id(const std::string& name) {
  try {
    return CertificateId::parse(name);
  } catch (const Failure& failure) {
    throw Misconfigured{failure};
  }
}

// left: names of server certificates.
void say_account_forgotten(Stage& stage, const std::string& account, const std::vector<std::string>& left) {
  Json names = Json::array();
  for (const std::string& name : left) names.push_back(name);
  const std::string stays = left.empty() ? "" : fmt::format(", and {} in its IAM", fmt::join(left, ", "));
  say_result(stage, fmt::format("What is in account {} is forgotten; what it serves stays{}.\n", account, stays),
             Json::object({{"forgotten_account", account}, {"left", std::move(names)}}));
}

}  // namespace

Task<int> do_forget(Stage& stage, const ForgetCommand& command) {
  const Config config = co_await load_config_or_defaults(stage, command.config);
  for (const CertificateConfig& certificate : config.certificates) {
    if (certificate.id.text() != command.name) continue;
    throw Misconfigured{
        Failure{Failure::Kind::refused,
                fmt::format("certificate \"{}\" is configured, at {}", command.name, certificate.place.text()),
                "Take it out of the configuration first: the next apply would begin it anew"}};
  }
  std::optional<CertificateId> id;
  if (command.account.empty()) id = certificate_id(command.name);
  const std::string file = state_directory(config, stage.host) + "/state.db";
  if (!in_s3(config.state.store) && !co_await stage.host.status(file))
    throw Failure{Failure::Kind::refused,
                  fmt::format("nothing is known of {}: there is no {}", subject_of(command), file),
                  "See the names that `certferry status` prints"};
  const auto foundation = co_await Foundation::lay(stage, config, command.wait);
  Fleet fleet{foundation->ground()};
  if (!id) {
    const auto left = co_await fleet.forget_account(command.account, command.wait);
    say_account_forgotten(stage, command.account, left);
    co_return 0;
  }
  co_await fleet.forget(*id, command.wait);
  say_result(stage, fmt::format("{} is forgotten; what it serves stays.\n", command.name),
             Json::object({{"forgotten", command.name}}));
  co_return 0;
}

}  // namespace certferry
