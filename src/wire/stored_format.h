#pragma once

#include <string_view>

#include "wire/json.h"

namespace certferry {

// Every value that we store is an object with a "format" number. Throws Failure (refused): no object, no number, or a
// number above `newest`, with the words to run the certferry that wrote it. what: "record of www".
void require_format(const Json& stored, int newest, std::string_view what);

// A member that counts: from 0 to 2^31 - 1. Throws Failure (refused) that names the key.
int stored_count(const Json& object, std::string_view key);

}  // namespace certferry
