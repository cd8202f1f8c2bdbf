#include "sandbox/mounts/virtual_time.h"

#include <algorithm>
#include <memory>

namespace certferry::sandbox {

void VirtualTime::at(WallTime when, std::function<void()> event) {
  events_.emplace(std::max(when, now_), std::move(event));
}

std::optional<WallTime> VirtualTime::next() const {
  if (events_.empty()) return {};
  return events_.begin()->first;
}

bool VirtualTime::jump() {
  if (events_.empty()) return false;
  auto first = events_.extract(events_.begin());
  now_ = first.key();
  first.mapped()();
  return true;
}

void VirtualTime::stand_at(WallTime when) { now_ = std::max(now_, when); }

Task<> VirtualTime::sleep(Duration duration) {
  auto over = std::make_shared<Signal>();
  after(duration, [over] { over->notify(); });
  co_await over->wait();
}

}  // namespace certferry::sandbox
