#pragma once

#include <optional>

#include "aws/credentials.h"
#include "outside/outside.h"

namespace certferry::aws {

// Where a container's credentials are: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI at 169.254.170.2, or _FULL_URI: https
// anywhere, http for loopback and the addresses of ECS and EKS alone. Empty where neither is set; Failure (refused) for
// another address.
std::optional<Url> container_credentials_url(const Host& host);

// The credentials of an ECS task or an EKS pod. AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (read anew each time) comes
// before AWS_CONTAINER_AUTHORIZATION_TOKEN.
class ContainerCredentials final : public CachedCredentials {
 public:
  ContainerCredentials(Outside& outside, Url url, std::shared_ptr<SigningClock> time = {})
      : CachedCredentials(outside, std::move(time)), url_(std::move(url)) {}

 protected:
  Task<SharedCredentials> fetch() override;

 private:
  Task<Secret> authorization() const;
  Url url_;
};

}  // namespace certferry::aws
