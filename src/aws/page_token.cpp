#include "aws/page_token.h"

#include <fmt/format.h>
#include <utility>

#include "aws/errors.h"
#include "base/failure.h"
#include "base/limits/aws.h"

namespace certferry::aws {

void PageToken::follow(const Call& call, bool cut, std::string next) {
  token_.clear();
  if (!cut) return;
  if (next.empty()) throw unfit_answer(call, "the answer is cut, and says not where it goes on");
  token_ = std::move(next);
  if (before_.insert(token_).second && before_.size() < limits::aws::pages_most) return;
  throw Failure(Failure::Kind::transient, fmt::format("{}: its pages do not come to an end", description(call)),
                "Run again; look for a proxy that answers in the service's place");
}

}  // namespace certferry::aws
