#pragma once

#include <string>
#include <vector>

namespace certferry::soak {

// What `./dev record` wrote of runs: command, date and commit of each, and its figures as a table; of runs of one kind,
// the parts of a whole, one table. Throws Failure (refused) where a file holds something else, std::ios_base::failure
// where it cannot be read.
std::string told_of_records(const std::vector<std::string>& files);

}  // namespace certferry::soak
