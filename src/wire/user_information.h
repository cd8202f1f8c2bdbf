#pragma once

#include <string>
#include <string_view>

namespace certferry {

// A URL to be shown, well formed or not: what may be a user's name and password, up to the last "@", as "***".
std::string without_user_information(std::string_view url);

}  // namespace certferry
