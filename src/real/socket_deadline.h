#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "base/time.h"

namespace certferry {

// Closes a socket when its time is up, so that whatever waits on it ends with an error; expired() tells this end from a
// cancellation. The socket outlives it. For the sources of this room, which include Asio anyway.
class SocketDeadline {
 public:
  template <class Socket>
  SocketDeadline(Socket& socket, Duration duration)
      : timer_(socket.get_executor(), duration), state_(std::make_shared<State>()) {
    timer_.async_wait([&socket, state = state_](boost::system::error_code error) {
      if (error || state->gone) return;
      state->expired = true;
      boost::system::error_code ignored;
      socket.close(ignored);
    });
  }
  SocketDeadline(const SocketDeadline&) = delete;
  SocketDeadline& operator=(const SocketDeadline&) = delete;
  ~SocketDeadline() { state_->gone = true; }

  bool expired() const { return state_->expired; }

 private:
  struct State {
    bool gone = false, expired = false;
  };
  boost::asio::steady_timer timer_;
  std::shared_ptr<State> state_;
};

}  // namespace certferry
