#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace certferry {

// What happened, as it happens: for the log, the terminal's progress, and --json. Implementations redact every line.
class Log {
 public:
  enum class Level { debug, info, warning, error };
  virtual ~Log() = default;
  virtual void line(Level level, std::string text) = 0;
  // A step of a certificate's life begins or has ended; `subject` is the certificate's or target's id.
  virtual void step_begun(std::string_view subject, std::string_view step) = 0;
  virtual void step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) = 0;

  void debug(std::string text) { line(Level::debug, std::move(text)); }
  void info(std::string text) { line(Level::info, std::move(text)); }
  void warn(std::string text) { line(Level::warning, std::move(text)); }
  void error(std::string text) { line(Level::error, std::move(text)); }
};

// Says nothing: for tests and for callers that do not listen.
class QuietLog final : public Log {
 public:
  void line(Level, std::string) override {}
  void step_begun(std::string_view, std::string_view) override {}
  void step_ended(std::string_view, std::string_view, std::string_view, Duration) override {}
};

}  // namespace certferry
