#include <algorithm>

#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "engine/account.h"
#include "engine/fleet.h"

namespace certferry {
namespace {

constexpr int exit_changes = 2;  // as terraform plan -detailed-exitcode

// Whether apply would stop where it has to register an account. A key of the user's may have one already.
Task<bool> needs_agreement(const Config& config, const Plan& plan, Store& store) {
  const bool issues =
      std::ranges::any_of(plan.all(), [](const Action& action) { return action.kind == Action::Kind::issue; });
  if (!issues || config.ca.agree_to_terms || !config.account.key.empty()) co_return false;
  co_return !co_await store.get(account_key(config.ca.url));
}

constexpr const char* kAgreement =
    "No account is made before the CA's terms are agreed to: read them (`certferry account` prints where), then set\n"
    "[ca] agree_to_terms = true (--agree-to-terms).\n";

}  // namespace

Task<int> do_plan(Stage& stage, const PlanCommand& command) {
  const Config config = co_await load_config(stage, command.config);
  require_certificates(config, command.request);
  const auto foundation = co_await Foundation::lay_to_look(stage, config);
  Fleet fleet{foundation->ground()};
  const Plan plan = co_await fleet.plan(command.request);
  const bool agreement = co_await needs_agreement(config, plan, foundation->store());
  Json json = to_json(plan);
  json["needs_agreement"] = agreement;
  say_result(stage, to_text(plan, stage.clock.now()) + (agreement ? kAgreement : ""), json);
  bool trouble = false;
  for (const Action& action : plan.all()) trouble = trouble || action.kind == Action::Kind::trouble;
  if (trouble) co_return 1;
  co_return command.detailed_exitcode&& plan.anything() ? exit_changes : 0;
}

}  // namespace certferry
