#pragma once

#include <string>
#include <string_view>

namespace certferry {

// What a step is about, as people call it: the id of a listener, a shelf or a directory without account, region and
// the rest of its ARN ("ALB web/f2f7dc8efc522ab2"); anything else as it is. JSON lines keep the ids.
std::string step_subject(std::string_view id);

}  // namespace certferry
