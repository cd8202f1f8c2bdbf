#pragma once

#include <string_view>

namespace certferry {

// How an account's number is written: twelve digits.
bool is_account(std::string_view text);

// Whom a policy may name as principal "AWS": an account by its number, or the ARN of its root user, of a user, a role,
// or of a session of either. Not "*", which is everybody.
// source: IAM UserGuide, "AWS JSON policy elements: Principal", 2026-11-28
bool is_principal(std::string_view text);

}  // namespace certferry
