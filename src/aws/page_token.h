#pragma once

#include <set>
#include <string>

#include "aws/client.h"

namespace certferry::aws {

// Where the next page of a listing begins. A service whose pages lead back to one that was read, or never end, would be
// asked for ever, as more and more of its answers are kept: that is a Failure.
class PageToken {
 public:
  bool empty() const { return token_.empty(); }
  const std::string& text() const { return token_; }

  // From the answer to `call`, which says whether it is cut: empty afterwards where it was the last page. Failure
  // (transient) where it is cut and says not where the next page begins, where that token was there before, and past
  // limits::aws::pages_most.
  void follow(const Call& call, bool cut, std::string next);

 private:
  std::string token_;
  std::set<std::string> before_;
};

}  // namespace certferry::aws
