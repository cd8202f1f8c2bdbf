#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/console.h"
#include "outside/clock.h"

namespace certferry {

enum class Loudness { quiet, usual, verbose };

// Every line of these passes through redacted().

// One line for each thing that happened: where no terminal is, and for logs.
class PlainProgress final : public Log {
 public:
  PlainProgress(Console& console, Loudness loudness) : console_(console), loudness_(loudness) {}
  void line(Level level, std::string text) override;
  void step_begun(std::string_view subject, std::string_view step) override;
  void step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) override;

 private:
  Console& console_;
  Loudness loudness_;
};

// One JSON object a line: {"at", "level", "text"} or {"at", "step", "subject", "event", "outcome", "took_ms"}.
class JsonProgress final : public Log {
 public:
  JsonProgress(Console& console, Clock& clock, Loudness loudness)
      : console_(console), clock_(clock), loudness_(loudness) {}
  void line(Level level, std::string text) override;
  void step_begun(std::string_view subject, std::string_view step) override;
  void step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) override;

 private:
  Console& console_;
  Clock& clock_;
  Loudness loudness_;
};

// On a terminal: what has ended stays, what runs is drawn below it in place, a line each.
class TerminalProgress final : public Log {
 public:
  TerminalProgress(Console& console, Clock& clock, Loudness loudness)
      : console_(console), clock_(clock), loudness_(loudness) {}
  ~TerminalProgress() override;
  void line(Level level, std::string text) override;
  void step_begun(std::string_view subject, std::string_view step) override;
  void step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) override;
  void redraw();  // with how long each has been running by now
  void clear();   // before something else is written

 private:
  struct Running {
    std::string subject, step;
    SteadyTime since;
  };
  void say(const std::string& text);

  Console& console_;
  Clock& clock_;
  Loudness loudness_;
  std::vector<Running> running_;
  std::size_t drawn_ = 0;  // lines on the screen that are to be replaced
};

}  // namespace certferry
