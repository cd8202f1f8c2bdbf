#pragma once

#include <string>

#include "base/task.h"
#include "outside/outside.h"

namespace certferry {

// Does it, and tells the log that it began and how it ended. subject: the id of a shelf or target.
Task<> logged_step(Outside& outside, std::string subject, std::string step, Work work);

}  // namespace certferry
