#pragma once

#include <string>

#include "cli/command_line.h"

namespace certferry {

// The words of all commands, bound to the options while CLI11 reads them: as they were written.
struct Words {
  bool json = false, quiet = false, verbose = false;
  std::string config, wait, warn, critical, starttls, name;
  Flags flags;
  Request request;
  CheckCommand check;
  SandboxCommand sandbox;
  PolicyCommand policy;
  std::string policy_format, trust, service_account;
  bool detailed_exitcode = false, replace_account = false;
};

// Words that are options, and still say nothing that can be done.
struct Misused {
  std::string what;
};

// What is to be done, by the command of this name. Throws Misused.
Verb verb_of(const std::string& command, const Words& words);

}  // namespace certferry
