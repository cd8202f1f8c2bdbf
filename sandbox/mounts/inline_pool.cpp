#include "sandbox/mounts/inline_pool.h"

namespace certferry::sandbox {

Task<> InlinePool::run(std::function<void()> work) {
  work();
  co_return;
}

}  // namespace certferry::sandbox
