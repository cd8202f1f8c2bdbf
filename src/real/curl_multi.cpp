#include "real/curl_multi.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/failure.h"
#include "real/suspension.h"

namespace certferry {

namespace asio = boost::asio;

struct CurlMulti::Watch {
  Watch(const Executor& executor, curl_socket_t number) : descriptor(executor, number) {}
  asio::posix::stream_descriptor descriptor;
  int what = 0;
  bool reading = false, writing = false;
  bool gone = false;  // handlers that come late touch nothing
};

struct CurlMulti::Transfer {
  Resume resume;
  CURLcode code = CURLE_OK;
};

struct CurlMulti::Timer {
  explicit Timer(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  unsigned long round = 0;  // a setting that was replaced is not heard
};

CurlMulti::CurlMulti(Executor executor, long connections_per_host)
    : executor_(std::move(executor)), timer_(std::make_shared<Timer>(executor_)) {
  // Once a process and only when first needed; it costs some milliseconds.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_ = initialised == CURLE_OK ? curl_multi_init() : nullptr;
  if (!multi_) throw Failure(Failure::Kind::refused, "libcurl cannot start", "Check the memory of this machine.");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, connections_per_host);
  curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, 250L);
}

CurlMulti::~CurlMulti() { shut(); }

void CurlMulti::shut() {
  if (!multi_) return;
  while (!transfers_.empty()) {
    CURL* easy = transfers_.begin()->first;
    const Resume abandoned = std::move(transfers_.begin()->second->resume);
    take_out(easy);
  }
  curl_multi_cleanup(multi_);  // closes the kept connections, which may still call on_socket
  multi_ = nullptr;
  for (auto& [socket, watch] : watches_) {
    watch->gone = true;
    watch->descriptor.release();
  }
  watches_.clear();
  ++timer_->round;
  timer_->timer.cancel();
}

Task<CURLcode> CurlMulti::perform(CURL* easy) {
  Transfer transfer;
  struct Leave {
    CurlMulti& multi;
    CURL* easy;
    ~Leave() { multi.take_out(easy); }
  } leave{*this, easy};
  auto start = [&](Resume resume) {
    transfer.resume = std::move(resume);
    if (!multi_ || curl_multi_add_handle(multi_, easy) != CURLM_OK) {
      transfer.code = CURLE_FAILED_INIT;
      return transfer.resume(nullptr);
    }
    transfers_[easy] = &transfer;
    act(CURL_SOCKET_TIMEOUT, 0);  // now, rather than in the timer's next round
  };
  auto on_cancel = [&] {
    if (take_out(easy)) transfer.resume(cancelled());
  };
  co_await suspended(start, on_cancel);
  co_return transfer.code;
}

bool CurlMulti::take_out(CURL* easy) {
  if (transfers_.erase(easy) == 0) return false;
  curl_multi_remove_handle(multi_, easy);
  return true;
}

void CurlMulti::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    const auto found = transfers_.find(easy);
    if (found == transfers_.end()) continue;
    Transfer& transfer = *found->second;
    take_out(easy);
    transfer.code = code;
    transfer.resume(nullptr);
  }
}

int CurlMulti::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& multi = *static_cast<CurlMulti*>(self);
  const auto found = multi.watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (found == multi.watches_.end()) return 0;
    found->second->gone = true;
    found->second->descriptor.release();  // curl closes it, or keeps it for the next request
    multi.watches_.erase(found);
    return 0;
  }
  auto watch = found != multi.watches_.end() ? found->second : std::make_shared<Watch>(multi.executor_, socket);
  if (found == multi.watches_.end()) multi.watches_.emplace(socket, watch);
  watch->what = what;
  multi.arm(watch);
  return 0;
}

void CurlMulti::arm(const std::shared_ptr<Watch>& watch) {
  auto heard = [this, watch](bool& waiting, int event, boost::system::error_code error) {
    waiting = false;
    if (watch->gone) return;
    act(watch->descriptor.native_handle(), error ? CURL_CSELECT_ERR : event);
    if (!watch->gone && !error) arm(watch);
  };
  if ((watch->what & CURL_POLL_IN) && !watch->reading) {
    watch->reading = true;
    watch->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [heard, watch](auto error) { heard(watch->reading, CURL_CSELECT_IN, error); });
  }
  if ((watch->what & CURL_POLL_OUT) && !watch->writing) {
    watch->writing = true;
    watch->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                 [heard, watch](auto error) { heard(watch->writing, CURL_CSELECT_OUT, error); });
  }
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* self) {
  auto& multi = *static_cast<CurlMulti*>(self);
  const auto round = ++multi.timer_->round;
  if (milliseconds < 0) {
    multi.timer_->timer.cancel();
    return 0;
  }
  multi.timer_->timer.expires_after(std::chrono::milliseconds{milliseconds});
  multi.timer_->timer.async_wait([&multi, timer = multi.timer_, round](boost::system::error_code error) {
    if (!error && round == timer->round) multi.act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

}  // namespace certferry
