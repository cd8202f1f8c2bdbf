#include "real/system_entropy.h"

#include <cerrno>
#include <sys/random.h>

#include "base/failure.h"

namespace certferry {

void SystemEntropy::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t filled = ::getrandom(bytes.data(), bytes.size(), 0);
    if (filled < 0 && errno == EINTR) continue;
    if (filled < 0)
      throw Failure(Failure::Kind::refused, "The kernel gives no random bytes (getrandom)",
                    "Allow the getrandom system call for this process.");
    bytes = bytes.subspan(static_cast<std::size_t>(filled));
  }
}

}  // namespace certferry
