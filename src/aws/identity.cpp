#include "aws/identity.h"

#include <fmt/format.h>

#include "aws/query_protocol.h"
#include "aws/sts.h"
#include "base/failure.h"
#include "base/names.h"

namespace certferry::aws {

std::string Identity::session_role() const {
  const Arn whole = Arn::parse(arn);
  constexpr std::string_view session = "assumed-role/";
  if (!whole.resource().starts_with(session)) return "";
  const std::string_view rest = whole.resource().substr(session.size());
  return std::string{rest.substr(0, rest.find('/'))};
}

std::string Identity::principal() const {
  const std::string role = session_role();
  if (role.empty()) return arn;
  const Arn whole = Arn::parse(arn);
  return fmt::format("arn:{}:iam::{}:role/{}", whole.partition(), whole.account(), role);
}

Task<Identity> identify(Client& client) {
  const SharedCredentials credentials = co_await client.credentials();
  const CallerIdentity caller = co_await Sts{client}.caller_identity();
  if (caller.account.empty() || caller.arn.empty())
    throw Failure(Failure::Kind::transient, "STS GetCallerIdentity: no identity in the answer", "Run again");
  const Arn arn = answered_arn({.service = "sts", .operation = "GetCallerIdentity"}, caller.arn);
  co_return Identity{caller.account, caller.arn, credentials->source, credentials->expires, arn.resource() == "root"};
}

}  // namespace certferry::aws
