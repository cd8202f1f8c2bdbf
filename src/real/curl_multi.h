#pragma once

#include <cstdint>
#include <curl/curl.h>
#include <map>
#include <memory>

#include "base/task.h"

namespace certferry {

// One of libcurl's multi handles (multi_socket) on an io_context: performs transfers side by side, keeps the
// connections that they leave. Everything happens on the executor's one thread. Must go before the io_context does;
// transfers under way are then abandoned.
class CurlMulti {
 public:
  CurlMulti(Executor executor, long connections_per_host);
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;
  ~CurlMulti();

  // Abandons the transfers under way and closes every connection. Nothing is performed any more.
  void shut();

  // Performs what `easy` is set up for; it is out of the multi handle again when this ends, in whatever way. A
  // cancellation takes it out at once.
  Task<CURLcode> perform(CURL* easy);

 private:
  struct Watch;     // one socket of curl's, watched for it
  struct Transfer;  // one coroutine in perform()
  struct Timer;

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long milliseconds, void* self);
  void arm(const std::shared_ptr<Watch>& watch);
  void act(curl_socket_t socket, int events);
  bool take_out(CURL* easy);

  Executor executor_;
  CURLM* multi_;  // null once shut
  std::map<CURL*, Transfer*> transfers_;
  std::map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::shared_ptr<Timer> timer_;
};

}  // namespace certferry
