#pragma once

#include "base/failure.h"
#include "cli/stage.h"
#include "config/misconfigured.h"
#include "wire/json.h"

namespace certferry {

// "certferry: what" and "  -> next" on standard error; with --json one object on standard output.
void say_failure(Stage& stage, const Failure& failure);
void say_failure(Console& console, bool json, const Failure& failure);
std::string failure_text(const Failure& failure);
std::string failure_json(const Failure& failure);  // one object and a line end

// The result: `json` with --json, else `text`, redacted, on standard output.
void say_result(Stage& stage, const std::string& text, const Json& json);

}  // namespace certferry
