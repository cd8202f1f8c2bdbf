#include "cli/said.h"

#include <fmt/format.h>

#include "base/secret.h"

namespace certferry {

std::string failure_text(const Failure& failure) {
  return fmt::format("certferry: {}\n{}", failure.what(),
                     failure.next().empty() ? "" : fmt::format("  -> {}\n", failure.next()));
}

std::string failure_json(const Failure& failure) {
  const Json json = Json::object({{"error", redacted(failure.what())},
                                  {"kind", std::string{name(failure.kind())}},
                                  {"next", redacted(failure.next())}});
  return json.dump() + "\n";
}

void say_failure(Console& console, bool json, const Failure& failure) {
  if (json) console.out(failure_json(failure));
  console.err(redacted(failure_text(failure)));
}

void say_failure(Stage& stage, const Failure& failure) { say_failure(stage.console, stage.json, failure); }

void say_result(Stage& stage, const std::string& text, const Json& json) {
  stage.console.out(redacted(stage.json ? json.dump() + "\n" : text));
}

}  // namespace certferry
