#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/task.h"
#include "base/time.h"
#include "real/server_identity.h"
#include "wire/http.h"

namespace certferry {

// Answers one request. The request outlives the Task. What it throws becomes a 500, a cancellation ends the connection.
using HttpHandler = std::function<Task<http::Response>(const http::ParsedRequest&)>;

// The same answer to everything: a load balancer's listener that only shows its certificate.
HttpHandler always(http::Response response);

struct HttpListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;      // 0: any free one
  IdentityChooser identity{};  // set: TLS 1.2 and 1.3; else plain HTTP
  std::size_t body_limit = 1 << 20;
  std::size_t connections = 1024;            // more wait in the kernel's queue
  Duration idle = std::chrono::seconds{60};  // for a request to arrive whole, and for a handshake
};

// A small HTTP/1.1 server: keep-alive, pipelining, bounded. All of it on the executor's one thread. Accepts from its
// construction on; failure (refused): the port cannot be had. What the handler refers to outlives stop() and the rounds
// of the io_context in which the handlers under way end.
class HttpListener {
 public:
  HttpListener(const Executor& executor, HttpListenerOptions options, HttpHandler handler);
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;
  ~HttpListener();  // stops

  std::uint16_t port() const;
  // Accepts no more, cancels handlers under way, closes every connection. May be repeated.
  void stop();
  std::size_t connections() const;  // open now

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace certferry
