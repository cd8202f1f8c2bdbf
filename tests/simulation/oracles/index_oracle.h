#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace certferry::simulation {

// What the index says that is believed, and that a record contradicts. An entry is believed where its generation's
// journal is the last one, and it stands for a record that is there.
std::vector<std::string> lies_of_the_index(const std::map<std::string, Bytes>& stored);

// Where it is believed and says anything else than what follows from its record as it is now. After runs that ended by
// themselves there is no such entry; one that was killed, or could not write, may leave an older one.
std::vector<std::string> index_behind_its_records(const std::map<std::string, Bytes>& stored);

}  // namespace certferry::simulation
