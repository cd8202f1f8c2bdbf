#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/failure.h"
#include "config/config.h"
#include "plan/plan.h"
#include "plan/trust_policy.h"
#include "probe/check.h"

namespace certferry {

// Which configuration: a file, the default places where it is empty, or flags alone.
struct ConfigSource {
  std::string file;
  std::optional<Flags> flags;
  bool takes_flags = true;  // the command does: what advice may name them
};

struct ApplyCommand {
  ConfigSource config;
  Request request;
  Duration wait;
};
struct PlanCommand {
  ConfigSource config;
  Request request;
  bool detailed_exitcode = false;
};
struct CheckCommand {
  std::vector<std::string> hosts;
  std::string from_file;  // one host a line; "" for none
  std::string trust;      // a PEM file of roots beside the system's
  CheckSettings settings;
};
struct StatusCommand {
  ConfigSource config;
};
struct DoctorCommand {
  ConfigSource config;
};
struct ForgetCommand {
  ConfigSource config;
  std::string name, account;  // one of them
  Duration wait;
};
struct AccountCommand {
  ConfigSource config;
  bool replace = false;
};
enum class PolicyFormat { json, terraform, cloudformation };
struct PolicyCommand {
  ConfigSource config;
  PolicyFormat format = PolicyFormat::json;
  std::optional<Trustee> trust;
  bool bucket = false, key = false;  // their policies
  std::string role;                  // that the configuration names: its policy instead of ours
  std::string account, principal;    // instead of what is looked up
  EksPlace eks;
  bool offline = false;  // nothing is looked up
};
struct SandboxCommand {
  std::vector<std::string> zones, elb, alb, listeners, buckets, kms_keys, roles;
  std::vector<std::string> hosts;                                    // "HOST=BALANCER", or a listener's ARN
  std::vector<std::string> policies, bucket_policies, key_policies;  // "FILE", "WHOSE=FILE"
  std::string region, account;                                       // "" the usual ones
  std::string directory;                                             // where the files for clients go; "" a fresh one
  int speed = 1;                                                     // how many times less everything in it takes
  int companion_of = 0;  // the process that it ends with, removing a directory that was empty; 0 for none
};
struct DemoCommand {};
struct RehearseCommand {
  std::string config;  // a file, the default places where it is empty
};
struct VersionCommand {};
using Verb = std::variant<ApplyCommand, PlanCommand, CheckCommand, DoctorCommand, StatusCommand, ForgetCommand,
                          AccountCommand, PolicyCommand, SandboxCommand, DemoCommand, RehearseCommand, VersionCommand>;

struct CommandLine {
  Verb command;
  bool json = false, quiet = false, verbose = false;
};
constexpr int exit_usage = 2;
constexpr int exit_check_unknown = 3;  // monitoring plugins: usage too

// Help, which was asked for, or is given where nothing was.
struct Told {
  std::string text;
  int exit = 0;
};
// What is wrong with the words.
struct UsageError {
  Failure failure;
  int exit = exit_usage;
  bool json = false;  // --json stands among them
};
using Parsed = std::variant<CommandLine, Told, UsageError>;

// written: the arguments, without the program's name.
Parsed parse_command_line(const std::vector<std::string>& written);

// What to do after a signal has stopped this command.
std::string_view next_after_signal(const Verb& command);

// With which a command ends that could not do its work, whatever kept it from that: 1. For check, 3: to a monitoring
// system 1 is a warning about the hosts.
int exit_of_failure(const Verb& command);
// The same over its configuration: 2; the former where that would be an answer.
int exit_of_misuse(const Verb& command);

}  // namespace certferry
