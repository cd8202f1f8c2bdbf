#pragma once

#include "cli/command_line.h"
#include "cli/stage.h"

namespace certferry {

// The configuration that the command line names. Throws Misconfigured (said.h) for what is not there or
// wrong in it.
Task<Config> load_config(Stage& stage, const ConfigSource& source);
// The same, but the defaults where no file is named and none stands in the default places.
Task<Config> load_config_or_defaults(Stage& stage, const ConfigSource& source);

// What stands in the file, or in the one of the default places; "" where there is none.
Task<std::string> config_text(Stage& stage, const std::string& file);

// Whether names given with --renew and --only are certificates. Throws Misconfigured, with the name that
// was meant.
void require_certificates(const Config& config, const Request& request);

}  // namespace certferry
