#pragma once

#include <string>

#include "outside/entropy.h"

namespace certferry {

std::string random_token(Entropy& entropy);  // 16 hex digits

}  // namespace certferry
