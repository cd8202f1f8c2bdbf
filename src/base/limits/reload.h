#pragma once

#include "base/limits/renewal.h"

// The command that has a program read its certificate again.
namespace certferry::limits::reload {

// source: our choice, 2026-11-23
inline constexpr Duration deadline = seconds(60);

// Of the one after a link was put back: it ends before the clean-up's deadline does, so that how it ended is heard.
// source: our choice, 2026-11-28
inline constexpr Duration restoring_deadline = seconds(50);

static_assert(restoring_deadline < renewal::clean_up_deadline);

}  // namespace certferry::limits::reload
