#include "real/suspension.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

namespace certferry {

namespace asio = boost::asio;

Task<> suspended(std::function<void(Resume)> start, std::function<void()> on_cancel) {
  auto begin = [&](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    // The guard keeps the io_context at work while nothing of ours is queued in it.
    auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
    if (slot.is_connected() && on_cancel) slot.assign([&on_cancel](asio::cancellation_type) { on_cancel(); });
    start([handler = std::move(handler), guard = std::move(guard), slot](std::exception_ptr outcome) mutable {
      auto executor = guard.get_executor();
      auto complete = [handler = std::move(handler), guard = std::move(guard), slot,
                       outcome = std::move(outcome)]() mutable {
        slot.clear();
        handler(std::move(outcome));
      };
      asio::post(executor, std::move(complete));
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(begin, asio::use_awaitable);
}

std::exception_ptr cancelled() {
  return std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
}

}  // namespace certferry
