#pragma once

#include <optional>
#include <string_view>

#include "base/failure.h"
#include "base/time.h"

namespace certferry {

// How long this instance may surely still act for the claims that it holds. Whatever changes something outside asks
// right before it is sent, each attempt anew: an instance that stood still may have been taken for dead, and another
// one be at work since. Reads do not ask, nor do writes of the store that fail once another took over.
class Lease {
 public:
  virtual ~Lease() = default;
  virtual bool lease_outlasts(Duration) const = 0;  // something that changes the outside and ends by then may be begun
  // Why it does not and what to do, where more is known than that this instance may have stood still.
  virtual std::optional<Failure> lease_lost() const { return {}; }
};

// what: "IAM DeleteServerCertificate on server certificate www", for people. Failure: fenced where the lease does not
// outlast the deadline.
void require_lease(const Lease& lease, Duration deadline, std::string_view what);

}  // namespace certferry
