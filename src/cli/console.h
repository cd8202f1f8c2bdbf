#pragma once

#include <functional>
#include <string_view>

namespace certferry {

// Where words go. `out` is for what was asked for, `err` for what is told on the way.
struct Console {
  std::function<void(std::string_view)> out, err;
  bool err_is_terminal = false;                                           // progress may be drawn in place
  std::function<std::size_t()> columns = [] { return std::size_t{80}; };  // of that terminal, as it is now
  bool colour = false;                                                    // of err: a terminal, and NO_COLOR is not set
  bool colour_out = false;                                                // the same of out
};

}  // namespace certferry
