#pragma once

#include <string>
#include <string_view>

namespace certferry::aws {

struct Call;

// What to do where AWS refused a call for want of a permission, as far as its message tells: which action a policy has
// to allow and whose policy that is; or whose has to deny it no longer, for no Allow counts beside an explicit Deny.
// Names no resource but what stays: what was refused may never come again.
// source: IAM UserGuide, Troubleshoot access denied error messages, 2026-11-29
std::string access_denied_advice(const Call& call, std::string_view message);

// Whether a policy denies it, rather than none allowing it.
bool denies_explicitly(std::string_view message);

}  // namespace certferry::aws
