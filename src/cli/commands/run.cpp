#include <fmt/format.h>

#include "base/failure.h"
#include "base/secret.h"
#include "cli/commands/commands.h"
#include "cli/said.h"

namespace certferry {
namespace {

Task<int> run_one(Stage& stage, const Verb& command) {
  struct Doing {
    Stage& stage;
    Task<int> operator()(const ApplyCommand& one) const { return do_apply(stage, one); }
    Task<int> operator()(const PlanCommand& one) const { return do_plan(stage, one); }
    Task<int> operator()(const CheckCommand& one) const { return do_check(stage, one); }
    Task<int> operator()(const DoctorCommand& one) const { return do_doctor(stage, one); }
    Task<int> operator()(const StatusCommand& one) const { return do_status(stage, one); }
    Task<int> operator()(const ForgetCommand& one) const { return do_forget(stage, one); }
    Task<int> operator()(const AccountCommand& one) const { return do_account(stage, one); }
    Task<int> operator()(const PolicyCommand& one) const { return do_policy(stage, one); }
    Task<int> operator()(const SandboxCommand& one) const { return do_sandbox(stage, one); }
    Task<int> operator()(const DemoCommand& one) const { return do_demo(stage, one); }
    Task<int> operator()(const RehearseCommand& one) const { return do_rehearse(stage, one); }
    Task<int> operator()(const VersionCommand& one) const { return do_version(stage, one); }
  };
  return std::visit(Doing{stage}, command);
}

}  // namespace

Task<int> run_command(Stage& stage, const CommandLine& line) {
  try {
    co_return co_await run_one(stage, line.command);
  } catch (const Misconfigured& misconfigured) {
    say_failure(stage, misconfigured);
    co_return exit_of_misuse(line.command);
  } catch (const Failure& failure) {
    say_failure(stage, failure);
    co_return exit_of_failure(line.command);
  }
}

}  // namespace certferry
