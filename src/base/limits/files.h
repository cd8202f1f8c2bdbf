#pragma once

#include "base/time.h"

// Directories of machines that share a state.
namespace certferry::limits::files {

// A machine that is back by then, after the last certificate that it was given expired, finds what it knows of its
// files. source: our choice: who stands by or is mended is back within a month, 2026-11-29
inline constexpr Duration gone_after = days(30);

}  // namespace certferry::limits::files
