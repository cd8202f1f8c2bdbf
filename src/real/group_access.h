#pragma once

#include <optional>
#include <sys/stat.h>

namespace certferry {

// A group that was let into what is for this user alone: Kubernetes lets one in, at each mount of a volume with
// fsGroup, by rw-rw---- on every file and setgid on every directory.

// Whether the group of that file or directory may simply be shut out: both are this process's own (its user's, and a
// group that it is in), and the world was let in neither to read the file nor to write to the directory. A mode is set
// by the owner or root alone, so that nobody got in there whom neither of them gave that group.
bool group_may_be_shut_out(const struct stat& found);

// Does so, and gives back the former mode, where it may and can be done, and there is anything to do: the group keeps
// what everybody has. By the descriptor, so that nothing else is changed than what is used. May be repeated.
std::optional<unsigned> shut_group_out(int descriptor);

}  // namespace certferry
