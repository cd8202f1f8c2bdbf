#pragma once

#include <string>
#include <vector>

namespace certferry {

// Makes `path`'s directory (0700) and the file itself (0600, empty) where they are absent, and throws Failure (refused)
// where what is there is no place for secrets: a network file system (locks and write-ahead logs break there), a file
// that others may read or write, a directory that others may write to. A group alone that was let into them, and may be
// shut out (group_access.h), is shut out instead: gives back the paths of what it was let into, which is to be said.
std::vector<std::string> prepare_state_file(const std::string& path);

// The same of a file that is not there yet, for one who only looks: nothing is made. Failure as above, as far as what
// is there tells.
void require_place_for_state_file(const std::string& path);

}  // namespace certferry
