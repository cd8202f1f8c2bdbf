#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "sandbox/mounts/effects.h"

namespace certferry::sandbox {

// Keeps what a process said; its warnings and errors stand in the trace too.
class MemoryLog final : public Log {
 public:
  MemoryLog(Trace& trace, std::string process_name) : trace_(trace), process_name_(std::move(process_name)) {}
  void line(Level level, std::string text) override;
  void step_begun(std::string_view subject, std::string_view step) override;
  void step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) override;
  std::vector<std::string> lines;  // "warning: …"

 private:
  Trace& trace_;
  std::string process_name_;
};

}  // namespace certferry::sandbox
