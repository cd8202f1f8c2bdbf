#include "plan/principal.h"

#include <algorithm>
#include <optional>

#include "base/failure.h"
#include "base/names.h"

namespace certferry {
namespace {

constexpr std::size_t account_digits = 12;

bool is_digit_of_account(char c) { return c >= '0' && c <= '9'; }

// source: IAM API reference, RoleName, UserName and RoleSessionName; a path adds "/"
bool spells_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit_of_account(c) ||
           std::string_view{"+=,.@-_/"}.contains(c);
  });
}

// "ROLE/SESSION": neither has a path.
bool names_session(std::string_view role_and_session) {
  const auto slash = role_and_session.find('/');
  return slash != std::string_view::npos && slash == role_and_session.rfind('/') && slash > 0 &&
         slash + 1 < role_and_session.size() && spells_name(role_and_session);
}

// Whether it is one of these kinds, with a name after it.
bool names_one_of(std::string_view resource, std::initializer_list<std::string_view> kinds) {
  return std::ranges::any_of(kinds, [&](std::string_view kind) {
    return resource.starts_with(kind) && spells_name(resource.substr(kind.size())) && !resource.ends_with('/');
  });
}

std::optional<Arn> arn_in(std::string_view text) {
  try {
    return Arn::parse(text);
  } catch (const Failure&) {
    return std::nullopt;
  }
}

}  // namespace

bool is_account(std::string_view text) {
  return text.size() == account_digits && std::ranges::all_of(text, is_digit_of_account);
}

bool is_principal(std::string_view text) {
  if (is_account(text)) return true;
  const auto arn = arn_in(text);
  if (!arn || !arn->region().empty() || !is_account(arn->account())) return false;
  const std::string_view resource = arn->resource();
  if (arn->service() == "iam") return resource == "root" || names_one_of(resource, {"user/", "role/"});
  if (arn->service() != "sts") return false;
  constexpr std::string_view session = "assumed-role/";
  if (resource.starts_with(session)) return names_session(resource.substr(session.size()));
  return names_one_of(resource, {"federated-user/"});
}

}  // namespace certferry
