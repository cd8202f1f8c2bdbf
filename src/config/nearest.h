#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace certferry {

// Which of the words somebody most likely meant: the one with the fewest letters put in, left out, changed or swapped,
// where those are at most a third of it; empty where none is near.
std::optional<std::string_view> nearest(std::string_view written, std::span<const std::string_view> words);

}  // namespace certferry
