#include "sandbox/mounts/virtual_process.h"

#include <boost/asio/io_context.hpp>
#include <utility>

namespace certferry::sandbox {
namespace {

// Life, until it ends or somebody cancels it; what life throws is thrown.
Task<> life_until_cancelled(Work life, Signal& cancelled) {
  std::exception_ptr ended;
  Work wait = [&cancelled] { return cancelled.wait(); };
  Work kept_life = [&life, &ended]() -> Task<> {
    try {
      co_await life();
    } catch (...) {
      ended = std::current_exception();
    }
  };
  co_await race(kept_life, wait);
  if (ended) std::rethrow_exception(ended);
}

}  // namespace

struct VirtualProcess::Context {
  boost::asio::io_context io{1};
};

VirtualProcess::VirtualProcess()
    : fate_(std::make_shared<Fate>()), cancelled_(std::make_unique<Signal>()), context_(std::make_unique<Context>()) {}

VirtualProcess::~VirtualProcess() { fate_->killed = true; }

void VirtualProcess::start(Work life) {
  Work work = [life = std::move(life), this] { return life_until_cancelled(life, *cancelled_); };
  spawn(executor(), std::move(work), [this](std::exception_ptr outcome) {
    outcome_ = std::move(outcome);
    ended_ = true;
  });
}

bool VirtualProcess::poll() {
  if (fate_->killed || *still_) return false;
  auto& io = context_->io;
  if (io.stopped()) io.restart();
  bool any = io.poll() > 0;
  if (dies_after_poll_) fate_->killed = true;
  return any && !fate_->killed;
}

void VirtualProcess::kill(bool in_flight_lands) {
  fate_->killed = true;
  fate_->in_flight_lands = in_flight_lands;
  context_->io.stop();
}

void VirtualProcess::kill_after_poll(bool in_flight_lands) {
  dies_after_poll_ = true;
  fate_->in_flight_lands = in_flight_lands;
}

void VirtualProcess::cancel() { cancelled_->notify(); }

Executor VirtualProcess::executor() { return context_->io.get_executor(); }

}  // namespace certferry::sandbox
