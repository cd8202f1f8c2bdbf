#pragma once

#include "cli/command_line.h"
#include "cli/stage.h"

namespace certferry {

// Each does one command and gives its exit code. What fails is thrown, as Failure.
Task<int> do_apply(Stage& stage, const ApplyCommand& command);
Task<int> do_plan(Stage& stage, const PlanCommand& command);
Task<int> do_check(Stage& stage, const CheckCommand& command);
Task<int> do_doctor(Stage& stage, const DoctorCommand& command);
Task<int> do_status(Stage& stage, const StatusCommand& command);
Task<int> do_forget(Stage& stage, const ForgetCommand& command);
Task<int> do_account(Stage& stage, const AccountCommand& command);
Task<int> do_policy(Stage& stage, const PolicyCommand& command);
Task<int> do_sandbox(Stage& stage, const SandboxCommand& command);
Task<int> do_demo(Stage& stage, const DemoCommand& command);
Task<int> do_rehearse(Stage& stage, const RehearseCommand& command);
Task<int> do_version(Stage& stage, const VersionCommand& command);

// Any of them; failures are said on the console and become exit codes: 1, or 2 where
// words or configuration are at fault; for check 3.
Task<int> run_command(Stage& stage, const CommandLine& line);

}  // namespace certferry
