#pragma once

#include <cstddef>

#include "base/task.h"
#include "wire/http.h"

namespace certferry::sandbox {

// Holds one request back, so that its sender can be killed or stopped from outside at a moment that is exact: before
// the world hears of the request, or after that and before its sender hears the answer. Asked for over HTTP, at the
// CA's port:
//   POST /sandbox/hold?before=N   the N-th request from now on, of CA and AWS together; `after=N` likewise
//   GET  /sandbox/held            waits for that request: 200 when it is here, 404 when /release or /drop came first
//   POST /sandbox/release         it goes on; nothing more is held
//   POST /sandbox/drop            the world never hears of it, where it does not know it yet; nothing more is held
// Single-threaded, as the mount is.
class HeldRequest {
 public:
  static bool is_about(const http::ParsedRequest& request);
  // The answer to one of the four; 404 for other paths.
  Task<http::Response> answer(const http::ParsedRequest& request);

  // Every request of the world passes both, and at once but for the one to be held. False: it was dropped.
  Task<bool> before_the_world();
  Task<> after_the_world();

 private:
  enum class State { idle, awaited, here, dropped };
  void let_go(State state);
  Task<> hold();

  std::size_t before_ = 0, after_ = 0;  // how many requests to go; 0: none is awaited
  State state_ = State::idle;
  Signal changed_;
};

}  // namespace certferry::sandbox
