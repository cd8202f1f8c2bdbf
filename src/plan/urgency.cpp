#include <algorithm>
#include <numeric>
#include <utility>

#include "plan/plan.h"
#include "plan/schedule.h"

namespace certferry {
namespace {

// The less, the sooner.
std::pair<int, WallTime> urgency(const ObservedCertificate& seen, WallTime now) {
  if (!seen.record || !seen.record->newest) return {1, now};
  const Record::Newest& newest = *seen.record->newest;
  const Certificate& leaf = newest.issued.chain.leaf;
  return {due_at(leaf, newest.renewal_info) <= now ? 0 : 2, leaf.not_after()};
}

}  // namespace

std::vector<std::size_t> by_urgency(const std::vector<ObservedCertificate>& all, WallTime now) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Of those alike, as they are configured.
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair{urgency(all[i], now), i}; });
  return order;
}

}  // namespace certferry
