#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "aws/client.h"
#include "base/failure.h"
#include "outside/clock.h"

namespace certferry {

// What the listeners of every load balancer refer to, by their default or in an SNI list. A region is read when it is
// first asked about, once for all certificates; where that fails it has failed for all of them.
class References {
 public:
  explicit References(Clock& clock) : clock_(clock) {}
  // In the client's region; one question after the other about each.
  Task<bool> to(const std::string& certificate, aws::Client& region);
  // From now on regions are read anew whose reading began at `until` or before it, or failed.
  void forget(SteadyTime until);

 private:
  struct Look {
    SteadyTime began;
    std::set<std::string> certificates = {};
    std::optional<Failure> failed = std::nullopt;
  };
  Task<Look> look(aws::Client& region);

  Clock& clock_;
  std::map<const aws::Client*, Look> looks_;
};

}  // namespace certferry
