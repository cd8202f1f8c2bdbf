#include "cli/progress.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/secret.h"
#include "cli/step_subject.h"
#include "wire/json.h"

namespace certferry {
namespace {

constexpr std::size_t kMostRunningShown = 12;

std::string_view level_word(Log::Level level) {
  switch (level) {
    case Log::Level::debug:
      return "debug";
    case Log::Level::warning:
      return "warning";
    case Log::Level::error:
      return "error";
    default:
      return "info";
  }
}

bool heard(Log::Level level, Loudness loudness) {
  if (level == Log::Level::debug) return loudness == Loudness::verbose;
  if (level == Log::Level::info) return loudness != Loudness::quiet;
  return true;
}

std::string plain_line(Log::Level level, const std::string& text) {
  const bool marked = level == Log::Level::warning || level == Log::Level::error;
  return marked ? fmt::format("{}: {}\n", level_word(level), text) : text + "\n";
}

bool went_well(std::string_view outcome) { return !outcome.starts_with("failed") && outcome != "cancelled"; }

std::string ended_line(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) {
  const std::string_view word = outcome.empty() ? "ok" : outcome;
  return fmt::format("{}: {:<12} {}  ({})", step_subject(subject), step, word, humane(took));
}

}  // namespace

void PlainProgress::line(Level level, std::string text) {
  if (heard(level, loudness_)) console_.err(redacted(plain_line(level, text)));
}

void PlainProgress::step_begun(std::string_view subject, std::string_view step) {
  if (loudness_ == Loudness::verbose) console_.err(redacted(fmt::format("{}: {} ...\n", step_subject(subject), step)));
}

void PlainProgress::step_ended(std::string_view subject, std::string_view step, std::string_view outcome,
                               Duration took) {
  if (loudness_ != Loudness::quiet) console_.err(redacted(ended_line(subject, step, outcome, took) + "\n"));
}

void JsonProgress::line(Level level, std::string text) {
  if (!heard(level, loudness_)) return;
  const Json entry = Json::object(
      {{"at", iso8601(clock_.now())}, {"level", std::string{level_word(level)}}, {"text", redacted(text)}});
  console_.err(entry.dump() + "\n");
}

void JsonProgress::step_begun(std::string_view subject, std::string_view step) {
  if (loudness_ == Loudness::quiet) return;
  const Json entry = Json::object(
      {{"at", iso8601(clock_.now())}, {"event", "begun"}, {"step", redacted(step)}, {"subject", redacted(subject)}});
  console_.err(entry.dump() + "\n");
}

void JsonProgress::step_ended(std::string_view subject, std::string_view step, std::string_view outcome,
                              Duration took) {
  if (loudness_ == Loudness::quiet) return;
  const Json entry = Json::object({{"at", iso8601(clock_.now())},
                                   {"event", "ended"},
                                   {"step", redacted(step)},
                                   {"subject", redacted(subject)},
                                   {"outcome", redacted(outcome.empty() ? "ok" : outcome)},
                                   {"took_ms", static_cast<long>(took.count())}});
  console_.err(entry.dump() + "\n");
}

TerminalProgress::~TerminalProgress() { clear(); }

void TerminalProgress::line(Level level, std::string text) {
  if (!heard(level, loudness_)) return;
  std::string shown = plain_line(level, text);
  if (console_.colour && level == Level::error) shown = fmt::format("\x1b[31m{}\x1b[0m", shown);
  if (console_.colour && level == Level::warning) shown = fmt::format("\x1b[33m{}\x1b[0m", shown);
  say(shown);
}

void TerminalProgress::step_begun(std::string_view subject, std::string_view step) {
  running_.push_back({std::string{subject}, std::string{step}, clock_.steady()});
  redraw();
}

void TerminalProgress::step_ended(std::string_view subject, std::string_view step, std::string_view outcome,
                                  Duration took) {
  const auto ended =
      std::ranges::find_if(running_, [&](const Running& one) { return one.subject == subject && one.step == step; });
  if (ended != running_.end()) running_.erase(ended);
  if (loudness_ == Loudness::quiet) return redraw();
  std::string shown = ended_line(subject, step, outcome, took);
  if (console_.colour) shown = fmt::format("\x1b[{}m*\x1b[0m {}", went_well(outcome) ? 32 : 31, shown);
  say((console_.colour ? "" : "* ") + shown + "\n");
}

void TerminalProgress::say(const std::string& text) {
  clear();
  console_.err(redacted(text));
  redraw();
}

void TerminalProgress::clear() {
  if (drawn_ > 0) console_.err(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

void TerminalProgress::redraw() {
  if (loudness_ == Loudness::quiet) return;
  std::string text = drawn_ > 0 ? fmt::format("\x1b[{}A\x1b[J", drawn_) : "";
  drawn_ = 0;
  const std::size_t longest = std::max<std::size_t>(console_.columns(), 2) - 1;  // a line that wraps cannot be replaced
  for (const Running& one : running_) {
    if (drawn_ == kMostRunningShown) break;
    const auto whole = std::chrono::floor<std::chrono::seconds>(clock_.steady() - one.since);
    std::string shown = fmt::format("  {}: {} ... {} s", step_subject(one.subject), one.step, whole.count());
    text += redacted(shown).substr(0, longest) + "\n";
    ++drawn_;
  }
  if (running_.size() > kMostRunningShown) {
    text += fmt::format("  ... and {} more\n", running_.size() - kMostRunningShown);
    ++drawn_;
  }
  if (!text.empty()) console_.err(text);
}

}  // namespace certferry
