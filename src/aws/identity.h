#pragma once

#include <optional>
#include <string>

#include "aws/client.h"

namespace certferry::aws {

// Who a client is to AWS, and why.
struct Identity {
  std::string account;
  std::string arn;     // as STS says it: "arn:aws:sts::123456789012:assumed-role/web/i-0123"
  std::string source;  // where the credentials came from, for people: "environment"
  std::optional<WallTime> expires;
  bool root = false;                 // the account's root user, whom no policy limits
  std::string session_role() const;  // the name of the role whose session it is, "" where it is none
  // Whose policies count: the user's ARN, or the role's. A role's path is not told by its sessions: it is taken for
  // "/" (Iam::role_arn tells it).
  std::string principal() const;
};

// Asks for credentials and STS for their owner; needs no permission, may be repeated. Failure: as those two fail.
Task<Identity> identify(Client& client);

}  // namespace certferry::aws
