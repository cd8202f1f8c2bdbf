#include "sandbox/mounts/memory_log.h"

#include <fmt/format.h>

#include "base/secret.h"

namespace certferry::sandbox {
namespace {

std::string_view level_word(Log::Level level) {
  switch (level) {
    case Log::Level::debug:
      return "debug";
    case Log::Level::info:
      return "info";
    case Log::Level::warning:
      return "warning";
    case Log::Level::error:
      return "error";
  }
  return "";
}

}  // namespace

void MemoryLog::line(Level level, std::string text) {
  std::string said = fmt::format("{}: {}", level_word(level), redacted(text));
  if (level >= Level::warning) trace_.line(fmt::format("{} says {}", process_name_, said));
  lines.push_back(std::move(said));
}

void MemoryLog::step_begun(std::string_view subject, std::string_view step) {
  lines.push_back(fmt::format("begun: {} {}", subject, step));
}

void MemoryLog::step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) {
  lines.push_back(fmt::format("ended: {} {} {} in {}", subject, step, outcome, humane(took)));
}

}  // namespace certferry::sandbox
