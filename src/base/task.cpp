#include "base/task.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace certferry {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

[[noreturn]] void throw_cancelled() { throw boost::system::system_error{asio::error::operation_aborted}; }

// Keeps the functor, and with it a coroutine lambda's captures, for as long as the coroutine it made.
Task<> kept(Work work) { co_await work(); }

// Always posted: whoever completes somebody is never called back before it is done itself, and no coroutine goes on
// inside the emission of the signal that cancels it.
template <class Handler, class... Arguments>
void post_completion(Handler handler, Arguments... arguments) {
  auto executor = asio::get_associated_executor(handler);
  asio::post(executor, [handler = std::move(handler), ... arguments = std::move(arguments)]() mutable {
    std::move(handler)(std::move(arguments)...);
  });
}

class WaitingRoom;

// A coroutine that waits for a Signal. To destroy it is to destroy the coroutine.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void complete(ErrorCode) = 0;
  WaitingRoom* room = nullptr;  // its owner, so it exists as long as this does
};

template <class Handler>
class WaiterOf final : public Waiter {
 public:
  explicit WaiterOf(Handler handler) : handler_(std::move(handler)) {}
  void complete(ErrorCode error) override { post_completion(std::move(handler_), error); }

 private:
  Handler handler_;
};

// Owns all that wait in one execution context, as Asio owns its timers' waits: a coroutine that waits for a signal in
// its own frame would otherwise own itself. What still waits when the context goes, goes with it, unheard.
class WaitingRoom final : public asio::execution_context::service {
 public:
  using key_type = WaitingRoom;
  inline static asio::execution_context::id id;

  explicit WaitingRoom(asio::execution_context& context) : asio::execution_context::service(context) {}

  void enter(const std::shared_ptr<Waiter>& waiter) {
    waiter->room = this;
    waiting_.insert(waiter);
  }
  // False where it has left already.
  bool leave(const std::shared_ptr<Waiter>& waiter) { return waiting_.erase(waiter) > 0; }

 private:
  void shutdown() override {
    auto gone = std::exchange(waiting_, {});  // what is destroyed may ask who waits
    gone.clear();
  }

  std::set<std::shared_ptr<Waiter>> waiting_;
};

// Whoever still waits goes on, with this outcome.
bool woken(const std::weak_ptr<Waiter>& waiting, ErrorCode outcome) {
  auto waiter = waiting.lock();
  if (!waiter || !waiter->room->leave(waiter)) return false;
  waiter->complete(outcome);
  return true;
}

// Works side by side on one executor, and a caller that waits until every one has ended. Owned by the works under way,
// and itself the owner of the caller's coroutine: a world that is abandoned destroys all of them.
template <class Handler>
class Gathering : public std::enable_shared_from_this<Gathering<Handler>> {
 public:
  enum class Until { all_ended, first_ended };  // first_ended: the others are cancelled then, and still waited for

  Gathering(Handler caller, Executor executor, std::vector<Work> works, std::size_t at_once, Until until)
      : caller_(std::move(caller)),
        executor_(std::move(executor)),
        works_(std::move(works)),
        outcomes_(works_.size()),
        under_way_(works_.size()),
        signals_(works_.size()),
        at_once_(at_once == 0 ? 1 : at_once),
        first_(works_.size()),
        until_(until) {}

  // Called again, from inside start(), by works that end at once: the outermost call goes on for them.
  void advance() {
    if (advancing_) return;
    advancing_ = true;
    while (next_ < works_.size() && running_ < at_once_ && !stopped_) start(next_++);
    advancing_ = false;
    if (running_ > 0 || std::exchange(finished_, true)) return;
    post_completion(std::move(caller_), std::move(outcomes_), first_, cancelled_);
  }

  void cancel() {
    cancelled_ = true;
    stop();
  }

 private:
  void start(std::size_t index) {
    ++running_;
    under_way_[index] = true;
    asio::co_spawn(executor_, kept(std::move(works_[index])),
                   asio::bind_cancellation_slot(signals_[index].slot(),
                                                [self = this->shared_from_this(), index](std::exception_ptr outcome) {
                                                  self->ended(index, std::move(outcome));
                                                }));
  }

  void ended(std::size_t index, std::exception_ptr outcome) {
    outcomes_[index] = std::move(outcome);
    --running_;
    under_way_[index] = false;
    if (first_ == works_.size()) {
      first_ = index;
      if (until_ == Until::first_ended) stop();
    }
    advance();
  }

  void stop() {
    auto self = this->shared_from_this();
    stopped_ = true;
    for (std::size_t i = 0; i < next_; ++i)
      if (under_way_[i]) signals_[i].emit(asio::cancellation_type::all);
  }

  Handler caller_;
  Executor executor_;
  std::vector<Work> works_;
  std::vector<std::exception_ptr> outcomes_;
  std::vector<bool> under_way_;
  std::vector<asio::cancellation_signal> signals_;
  std::size_t at_once_, next_ = 0, running_ = 0, first_;
  Until until_;
  bool stopped_ = false, cancelled_ = false, advancing_ = false, finished_ = false;
};

enum class Caller { cancels_works, waits_unmoved };

struct Gathered {
  std::vector<std::exception_ptr> outcomes;
  std::size_t first = 0;
  bool cancelled = false;
};

Task<Gathered> gather(std::vector<Work> works, std::size_t at_once, bool until_first, Caller caller) {
  Executor executor = co_await asio::this_coro::executor;
  auto initiation = [&](auto handler) {
    using Group = Gathering<decltype(handler)>;
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto until = until_first ? Group::Until::first_ended : Group::Until::all_ended;
    auto group = std::make_shared<Group>(std::move(handler), executor, std::move(works), at_once, until);
    if (slot.is_connected() && caller == Caller::cancels_works)
      slot.assign([held = std::weak_ptr<Group>{group}](asio::cancellation_type) {
        if (auto living = held.lock()) living->cancel();
      });
    group->advance();
  };
  using Signature = void(std::vector<std::exception_ptr>, std::size_t, bool);
  auto [outcomes, first, cancelled] =
      co_await asio::async_initiate<const asio::use_awaitable_t<>, Signature>(initiation, asio::use_awaitable);
  co_return Gathered{std::move(outcomes), first, cancelled};
}

}  // namespace

void spawn(const Executor& executor, Work work, std::function<void(std::exception_ptr)> done) {
  asio::co_spawn(executor, kept(std::move(work)), std::move(done));
}

Task<std::vector<std::exception_ptr>> all_settled(std::vector<Work> works, std::size_t at_once) {
  Gathered gathered = co_await gather(std::move(works), at_once, false, Caller::cancels_works);
  if (gathered.cancelled) throw_cancelled();
  co_return std::move(gathered.outcomes);
}

Task<std::size_t> race(Work first, Work second) {
  std::vector<Work> works;
  works.push_back(std::move(first));
  works.push_back(std::move(second));
  Gathered gathered = co_await gather(std::move(works), 2, true, Caller::cancels_works);
  if (gathered.outcomes[gathered.first]) std::rethrow_exception(gathered.outcomes[gathered.first]);
  co_return gathered.first;
}

Task<> to_its_end(Work work) {
  std::vector<Work> works;
  works.push_back(std::move(work));
  Gathered gathered = co_await gather(std::move(works), 1, false, Caller::waits_unmoved);
  if (gathered.outcomes[0]) std::rethrow_exception(gathered.outcomes[0]);
}

Task<> finally(Work work, Work afterwards) {
  std::exception_ptr failed;
  try {
    co_await work();
  } catch (...) {
    failed = std::current_exception();
  }
  // What has come already no further coroutine would begin with.
  const bool cancelled = (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
  if (!failed && !cancelled) co_return co_await to_its_end(std::move(afterwards));
  co_await shield_from_cancellation();
  co_await afterwards();
  if (failed) std::rethrow_exception(failed);
  throw boost::system::system_error{asio::error::operation_aborted};
}

bool is_cancellation(const std::exception_ptr& exception) {
  if (!exception) return false;
  try {
    std::rethrow_exception(exception);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

struct Signal::State {
  std::map<std::uint64_t, std::weak_ptr<Waiter>> waiting;  // in order of arrival
  std::uint64_t arrivals = 0;
};

Signal::Signal() : state_(std::make_shared<State>()) {}
Signal::~Signal() = default;

Task<> Signal::wait() {
  auto state = state_;
  auto executor = co_await asio::this_coro::executor;
  auto initiation = [&](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto waiter = std::make_shared<WaiterOf<decltype(handler)>>(std::move(handler));
    asio::use_service<WaitingRoom>(asio::query(executor, asio::execution::context)).enter(waiter);
    auto number = ++state->arrivals;
    state->waiting.emplace(number, waiter);
    if (!slot.is_connected()) return;
    std::weak_ptr<State> of{state};
    std::weak_ptr<Waiter> who{waiter};
    slot.assign([of, who, number](asio::cancellation_type) {
      if (auto living = of.lock()) living->waiting.erase(number);
      woken(who, asio::error::operation_aborted);
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(ErrorCode)>(initiation, asio::use_awaitable);
}

void Signal::notify() {
  for (auto now = std::exchange(state_->waiting, {}); const auto& [number, waiter] : now) woken(waiter, {});
}

bool Signal::notify_one() {
  while (!state_->waiting.empty()) {
    auto first = state_->waiting.extract(state_->waiting.begin());
    if (woken(first.mapped(), {})) return true;
  }
  return false;
}

struct Turn::State {
  bool held = false;
  Signal freed;
};

Turn::Turn() : state_(std::make_shared<State>()) {}
Turn::~Turn() = default;

Task<Turn::Held> Turn::take() {
  auto state = state_;
  if (state->held) co_await state->freed.wait();  // handed over by the one before, so it is still marked as held
  state->held = true;
  co_return Held{std::move(state)};
}

Turn::Held::~Held() {
  if (state_ && !state_->freed.notify_one()) state_->held = false;
}

}  // namespace certferry
