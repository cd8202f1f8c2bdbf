#include "real/group_access.h"

#include <algorithm>
#include <unistd.h>
#include <vector>

namespace certferry {

namespace {

constexpr unsigned all_bits = 07777, of_others = 07;

bool in_our_groups(gid_t group) {
  if (group == ::getegid()) return true;
  std::vector<gid_t> others(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  if (::getgroups(static_cast<int>(others.size()), others.data()) < 0) return false;
  return std::ranges::find(others, group) != others.end();
}

unsigned without_its_group(unsigned mode) {
  const unsigned kept = ((mode & of_others) << 3) | ~(unsigned{S_ISGID} | unsigned{S_IRWXG});
  return mode & kept & all_bits;
}

}  // namespace

bool group_may_be_shut_out(const struct stat& found) {
  const unsigned let_in = S_ISDIR(found.st_mode) ? unsigned{S_IWOTH} : of_others;
  return found.st_uid == ::geteuid() && in_our_groups(found.st_gid) && (found.st_mode & let_in) == 0;
}

std::optional<unsigned> shut_group_out(int descriptor) {
  struct stat found{};
  if (::fstat(descriptor, &found) != 0 || !group_may_be_shut_out(found)) return std::nullopt;
  const unsigned mode = found.st_mode & all_bits, narrowed = without_its_group(mode);
  if (narrowed == mode || ::fchmod(descriptor, narrowed) != 0) return std::nullopt;
  return mode;
}

}  // namespace certferry
