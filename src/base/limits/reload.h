#pragma once

#include "base/limits/renewal.h"

// The command that has a program read its certificate again.
namespace certferry::limits::reload {

// How long it may take, unless the configuration says otherwise.
// source: our choice: a slow service is stopped and started well within, 2026-11-29
inline constexpr Duration timeout = minutes(5);

// One that is told to end, because it takes longer, may be stopping a service, which has to write what it knows first.
// source: our choice: what docker stop, Kubernetes and init systems leave is between 10 and 90 s, 2026-11-29
inline constexpr Duration patience = seconds(30);

// How the one after a link was put back ended is heard before that clean-up is given up.
static_assert(patience < renewal::clean_up_deadline);

}  // namespace certferry::limits::reload
