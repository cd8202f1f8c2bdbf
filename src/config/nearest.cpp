#include "config/nearest.h"

#include <algorithm>
#include <vector>

namespace certferry {
namespace {

constexpr std::size_t kLongestWord = 64;  // what is longer is no slip of the finger

// Optimal string alignment: insertions, deletions, changes, and swaps of neighbours count one each.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view written, std::span<const std::string_view> words) {
  if (written.size() > kLongestWord) return {};
  std::optional<std::string_view> best;
  std::size_t fewest = 0;
  for (std::string_view word : words) {
    const std::size_t edits = edits_between(written, word);
    const bool prefix = written.size() >= 3 && (word.starts_with(written) || written.starts_with(word));
    if (!prefix && edits > std::max<std::size_t>(1, word.size() / 3)) continue;
    if (!best || edits < fewest) {
      best = word;
      fewest = edits;
    }
  }
  return best;
}

}  // namespace certferry
