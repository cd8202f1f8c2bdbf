#include "crypto/recently_read.h"

#include <algorithm>
#include <vector>

namespace certferry {
namespace {

struct EveryRecentlyRead {
  std::mutex mutex;
  std::vector<Forgetful*> all;
};

// Never destroyed: some that are in it go at the very end of the process.
EveryRecentlyRead& every_recently_read() {
  static auto& one = *new EveryRecentlyRead;
  return one;
}

}  // namespace

Forgetful::Forgetful() {
  const std::lock_guard lock{every_recently_read().mutex};
  every_recently_read().all.push_back(this);
}

Forgetful::~Forgetful() {
  const std::lock_guard lock{every_recently_read().mutex};
  std::erase(every_recently_read().all, this);
}

void forget_what_was_read() {
  const std::lock_guard lock{every_recently_read().mutex};
  for (Forgetful* one : every_recently_read().all) one->forget();
}

}  // namespace certferry
