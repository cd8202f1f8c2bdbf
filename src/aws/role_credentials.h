#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/client.h"

namespace certferry::aws {

// A role that another identity assumes, or that a web identity token stands for.
struct AssumedRole {
  std::string role;  // ARN
  std::string session_name = "certferry";
  std::optional<std::string> external_id;
  auto operator<=>(const AssumedRole&) const = default;
};

// sts: a client with the identity that assumes the role.
class RoleCredentials final : public CachedCredentials {
 public:
  RoleCredentials(Outside& outside, std::shared_ptr<Client> sts, AssumedRole role)
      : CachedCredentials(outside, sts->time()), sts_(std::move(sts)), role_(std::move(role)) {}

 protected:
  Task<SharedCredentials> fetch() override;

 private:
  std::shared_ptr<Client> sts_;
  AssumedRole role_;
};

// The token file is read anew each time: Kubernetes replaces it. sts needs no identity.
class WebIdentityCredentials final : public CachedCredentials {
 public:
  WebIdentityCredentials(Outside& outside, std::shared_ptr<Client> sts, AssumedRole role, Path token_file)
      : CachedCredentials(outside, sts->time()),
        sts_(std::move(sts)),
        role_(std::move(role)),
        token_file_(std::move(token_file)) {}

 protected:
  Task<SharedCredentials> fetch() override;

 private:
  std::shared_ptr<Client> sts_;
  AssumedRole role_;
  Path token_file_;
};

// What a profile's credential_process prints (AWS CLI User Guide, "Sourcing credentials with an external process").
class ProcessCredentials final : public CachedCredentials {
 public:
  // profile: whose it is, for messages.
  ProcessCredentials(Outside& outside, std::string command, std::shared_ptr<SigningClock> time = {},
                     std::string profile = {})
      : CachedCredentials(outside, std::move(time)), command_(std::move(command)), profile_(std::move(profile)) {}

 protected:
  Task<SharedCredentials> fetch() override;

 private:
  Task<Exit> run(std::vector<std::string> argv, const std::string& subject);
  std::string command_, profile_;
};

// A command line taken apart as a POSIX shell does: blanks, quotes and backslashes; nothing is expanded. Empty where a
// quote is not closed.
std::optional<std::vector<std::string>> shell_words(std::string_view text);

}  // namespace certferry::aws
