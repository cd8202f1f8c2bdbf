#pragma once

#include <array>
#include <cstdint>
#include <curl/curl.h>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "real/curl_transport.h"
#include "wire/http.h"

namespace certferry {

// One request on its way: what curl is told, and what it tells us back. Lives as long as the transfer.
class CurlExchange {
 public:
  // `loopback`: the port of 127.0.0.1 to speak to instead. Failure (refused): the request asks for what its side
  // forbids.
  CurlExchange(const http::Request& request, const TransportOptions& options, std::optional<std::uint16_t> loopback);
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;
  ~CurlExchange();

  void set_up(CURL* easy);
  // What came, or the Failure that `code` stands for.
  http::Response outcome(CURL* easy, CURLcode code);

 private:
  void set_request(CURL* easy);
  void set_safety(CURL* easy);
  void set_roots(CURL* easy);
  Failure failure(CURL* easy, CURLcode code) const;
  std::string reach_it() const;
  std::optional<Failure> too_long() const;
  std::optional<Failure> forbidden() const;
  bool may_speak_to(const std::string& address, std::uint16_t port);
  void header_line(std::string_view line);

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_read(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);

  const http::Request& request_;
  const TransportOptions& options_;
  const TransportSide& side_;
  std::optional<std::uint16_t> loopback_;
  ProxySetting proxy_;  // of this request
  curl_slist* header_list_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::string_view unsent_;
  http::Response response_;
  std::size_t head_size_ = 0;
  bool head_done_ = false;
  bool head_too_long_ = false, body_too_long_ = false;
  std::string forbidden_;  // the last address that was not spoken to
  bool spoke_ = false;     // another one was
  std::array<char, CURL_ERROR_SIZE> words_{};
};

}  // namespace certferry
