#pragma once

#include <boost/asio/io_context.hpp>
#include <exception>
#include <string>
#include <utility>

#include "base/task.h"

namespace certferry {

// Coroutines that run until nothing is ready. What still waits then is abandoned with the machine.
class Machine {
 public:
  void start(Work work) {
    spawn(io.get_executor(), std::move(work), [this](std::exception_ptr outcome) {
      ++ended;
      last = outcome;
    });
  }
  void run() {
    io.restart();
    io.poll();
  }
  boost::asio::io_context io{1};
  int ended = 0;
  std::exception_ptr last;
};

inline std::string text_of(const std::exception_ptr& exception) {
  try {
    if (exception) std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace certferry
