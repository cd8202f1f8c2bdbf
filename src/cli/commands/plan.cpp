#include <algorithm>

#include "acme/session.h"
#include "base/failure.h"
#include "base/s3_place.h"
#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "engine/account.h"
#include "engine/fleet.h"

namespace certferry {
namespace {

constexpr int exit_changes = 2;  // as terraform plan -detailed-exitcode

// One that is not there has none. Of one in S3 that is not asked; one that we may not look at may have one.
Task<bool> may_have_account(Host& host, const std::string& key) {
  if (key.empty() || in_s3(key)) co_return !key.empty();
  try {
    co_return (co_await host.status(key)).has_value();
  } catch (const Failure&) {
    co_return true;
  }
}

// Of a CA that does not tell, it is taken to have some.
Task<bool> has_terms(Outside& outside, const std::string& url) {
  acme::Session session{outside, url};
  try {
    co_return !(co_await session.directory()).terms_of_service.empty();
  } catch (const Failure&) {
    co_return true;
  }
}

// Whether apply would stop where it has to register an account. A key of the user's may have one already.
Task<bool> needs_agreement(const Ground& ground, const Plan& plan) {
  const Config& config = ground.config;
  const bool issues =
      std::ranges::any_of(plan.all(), [](const Action& action) { return action.kind == Action::Kind::issue; });
  if (!issues || config.ca.agree_to_terms || co_await may_have_account(ground.outside.host, config.account.key))
    co_return false;
  if (co_await ground.store.get(account_key(config.ca.url))) co_return false;
  co_return co_await has_terms(ground.outside, config.ca.url);
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
  const bool agreement = co_await needs_agreement(foundation->ground(), plan);
  Json json = to_json(plan);
  json["needs_agreement"] = agreement;
  say_result(stage, to_text(plan, stage.clock.now()) + (agreement ? kAgreement : ""), json);
  bool trouble = false;
  for (const Action& action : plan.all()) trouble = trouble || action.kind == Action::Kind::trouble;
  if (trouble) co_return 1;
  co_return command.detailed_exitcode&& plan.anything() ? exit_changes : 0;
}

}  // namespace certferry
