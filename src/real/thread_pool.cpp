#include "real/thread_pool.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "real/suspension.h"

namespace certferry {

struct ThreadPool::Threads {
  explicit Threads(std::size_t count) : pool(count) {}
  boost::asio::thread_pool pool;
};

ThreadPool::ThreadPool(std::size_t threads) : threads_(std::make_unique<Threads>(threads)) {}

ThreadPool::~ThreadPool() { threads_->pool.join(); }

namespace {

struct PoolJob {
  std::function<void()> work;
  Resume resume;
  std::atomic<bool> taken = false;  // by the thread that runs it, or by the cancellation

  void perform() {
    if (taken.exchange(true)) return;
    std::exception_ptr outcome;
    try {
      work();
    } catch (...) {
      outcome = std::current_exception();
    }
    resume(std::move(outcome));
  }
};

}  // namespace

Task<> ThreadPool::run(std::function<void()> work) {
  auto job = std::make_shared<PoolJob>();
  job->work = std::move(work);
  auto start = [&](Resume resume) {
    job->resume = std::move(resume);
    boost::asio::post(threads_->pool, [job] { job->perform(); });
  };
  auto on_cancel = [&] {
    if (!job->taken.exchange(true)) job->resume(cancelled());
  };
  co_await suspended(start, on_cancel);
}

}  // namespace certferry
