#include "sandbox/mounts/held_request.h"

#include <charconv>
#include <string_view>

namespace certferry::sandbox {
namespace {

constexpr std::string_view kHold = "/sandbox/hold?", kHeld = "/sandbox/held", kRelease = "/sandbox/release",
                           kDrop = "/sandbox/drop";

http::Response empty(int status) { return {.status = status}; }

// N of "before=N"; 0 where the text is no such thing.
std::size_t number_of(std::string_view text, std::string_view moment) {
  std::size_t number = 0;
  if (text.starts_with(moment)) {
    text.remove_prefix(moment.size());
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

// True for the request with which the count ends.
bool counted_down(std::size_t& count) {
  if (count == 0) return false;
  --count;
  return count == 0;
}

}  // namespace

bool HeldRequest::is_about(const http::ParsedRequest& request) {
  return request.target.starts_with(kHold) || request.target == kHeld || request.target == kRelease ||
         request.target == kDrop;
}

Task<http::Response> HeldRequest::answer(const http::ParsedRequest& request) {
  std::string_view target = request.target;
  if (target == kHeld) {
    while (state_ == State::awaited) co_await changed_.wait();
    co_return empty(state_ == State::here ? 200 : 404);
  }
  if (request.method != "POST") co_return empty(405);
  if (target == kRelease || target == kDrop) {
    let_go(target == kDrop ? State::dropped : State::idle);
    co_return empty(204);
  }
  target.remove_prefix(kHold.size());
  before_ = number_of(target, "before=");
  after_ = number_of(target, "after=");
  if (before_ == 0 && after_ == 0) co_return empty(400);
  state_ = State::awaited;
  co_return empty(204);
}

void HeldRequest::let_go(State state) {
  before_ = after_ = 0;
  state_ = state;
  changed_.notify();
}

Task<> HeldRequest::hold() {
  state_ = State::here;
  changed_.notify();
  while (state_ == State::here) co_await changed_.wait();
}

Task<bool> HeldRequest::before_the_world() {
  if (!counted_down(before_)) co_return true;
  co_await hold();
  co_return state_ != State::dropped;
}

Task<> HeldRequest::after_the_world() {
  if (counted_down(after_)) co_await hold();
}

}  // namespace certferry::sandbox
