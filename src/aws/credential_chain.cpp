#include <fmt/format.h>

#include "aws/container_credentials.h"
#include "aws/profile_chain.h"
#include "aws/surroundings.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

using Provider = std::shared_ptr<CredentialProvider>;

// A variable's value without blanks around it: a blank one is as good as none.
std::string trimmed_variable(const Host& host, const std::string& name) {
  std::string value = host.environment(name).value_or("");
  std::size_t from = value.find_first_not_of(" \t\r\n");
  if (from == std::string::npos) return "";
  return value.substr(from, value.find_last_not_of(" \t\r\n") - from + 1);
}

Provider fixed(Credentials credentials) {
  require_sendable(credentials);
  return std::make_shared<FixedCredentials>(std::move(credentials));
}

Provider environment_keys(const Host& host) {
  std::string id = trimmed_variable(host, "AWS_ACCESS_KEY_ID"),
              secret = trimmed_variable(host, "AWS_SECRET_ACCESS_KEY");
  if (id.empty() && secret.empty()) return nullptr;
  if (id.empty() || secret.empty())
    throw Failure(Failure::Kind::refused,
                  fmt::format("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only {} is set",
                              id.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"),
                  "Set both, or neither");
  return fixed({.access_key_id = std::move(id),
                .secret_access_key = Secret{std::move(secret)},
                .session_token = Secret{trimmed_variable(host, "AWS_SESSION_TOKEN")},
                .source = "environment",
                .account = trimmed_variable(host, "AWS_ACCOUNT_ID")});
}

// The last resort. What it says when nothing answers is what everybody without credentials sees; what ails an
// instance's metadata service passes, and says nothing of that.
class LastResort final : public CredentialProvider {
 public:
  // metadata: of `instance`; both null where it is disabled.
  LastResort(Provider instance, std::shared_ptr<InstanceMetadata> metadata, std::string looked_at, std::string next)
      : instance_(std::move(instance)),
        metadata_(std::move(metadata)),
        looked_at_(std::move(looked_at)),
        next_(std::move(next)) {}

  bool drop(const Credentials& expired) override { return instance_ && instance_->drop(expired); }

  Task<SharedCredentials> credentials() override { co_return co_await asked(&CredentialProvider::credentials); }
  Task<SharedCredentials> at_hand() override { co_return co_await asked(&CredentialProvider::at_hand); }

 private:
  Task<SharedCredentials> asked(Task<SharedCredentials> (CredentialProvider::*which)()) {
    std::string why = "instance metadata is disabled (AWS_EC2_METADATA_DISABLED)";
    if (instance_) {
      try {
        co_return co_await (*instance_.*which)();
      } catch (const Failure& failure) {
        if (failure.kind() == Failure::Kind::transient && metadata_->reached()) throw;
        why = failure.what();
      }
    }
    throw Failure(Failure::Kind::refused, fmt::format("no AWS credentials: {}; {}", looked_at_, why), next_);
  }

  Provider instance_;
  std::shared_ptr<InstanceMetadata> metadata_;
  std::string looked_at_, next_;
};

class ChainBuilder {
 public:
  ChainBuilder(Outside& outside, const Surroundings& surroundings, std::shared_ptr<InstanceMetadata> metadata,
               std::shared_ptr<SigningClock> time)
      : outside_(outside), around_(surroundings), metadata_(std::move(metadata)), time_(std::move(time)) {}

  Provider build() {
    if (!around_.profile_in_settings)
      if (Provider found = environment_keys(outside_.host)) return found;
    std::optional<ProfileChain> chain = profile_chain(around_.files, around_.profile);
    bool role = chain && (!chain->roles.empty() || std::holds_alternative<ProfileWebIdentity>(chain->source));
    if (!role && !around_.profile_in_settings)
      if (Provider found = environment_web_identity()) return found;
    if (chain) return of_profile(*chain);
    if (auto url = container_credentials_url(outside_.host)) return container(*url);
    return last_resort();
  }

 private:
  std::shared_ptr<Client> client_in(const std::string& region, Provider identity) {
    return std::make_shared<Client>(outside_, std::move(identity), region, around_.endpoints, Budget{}, time_);
  }
  Provider container(const Url& url) { return std::make_shared<ContainerCredentials>(outside_, url, time_); }
  Provider instance() { return std::make_shared<InstanceCredentials>(outside_, metadata_, time_); }

  std::shared_ptr<Client> sts_as(Provider identity) { return client_in(around_.region, std::move(identity)); }

  Provider environment_web_identity() {
    std::string file = trimmed_variable(outside_.host, "AWS_WEB_IDENTITY_TOKEN_FILE");
    AssumedRole role{.role = trimmed_variable(outside_.host, "AWS_ROLE_ARN")};
    if (file.empty()) return nullptr;
    if (role.role.empty())
      throw Failure(Failure::Kind::refused, "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN",
                    "Set AWS_ROLE_ARN");
    if (std::string session = trimmed_variable(outside_.host, "AWS_ROLE_SESSION_NAME"); !session.empty())
      role.session_name = session;
    return std::make_shared<WebIdentityCredentials>(outside_, sts_as(nullptr), role, file);
  }

  Provider of_profile(const ProfileChain& chain) {
    Provider out = std::visit([this](const auto& source) { return this->of(source); }, chain.source);
    for (const AssumedRole& role : chain.roles) out = std::make_shared<RoleCredentials>(outside_, sts_as(out), role);
    return out;
  }

  Provider of(const ProfileKeys& keys) {
    return fixed({.access_key_id = keys.access_key_id,
                  .secret_access_key = Secret{keys.secret_access_key},
                  .session_token = Secret{keys.session_token},
                  .source = "profile " + keys.profile});
  }
  Provider of(const ProfileProcess& process) {
    return std::make_shared<ProcessCredentials>(outside_, process.command, time_, process.profile);
  }
  Provider of(const ProfileWebIdentity& identity) {
    return std::make_shared<WebIdentityCredentials>(outside_, sts_as(nullptr), identity.role, identity.token_file);
  }
  Provider of(const SsoProfile& sso) {
    return std::make_shared<SsoCredentials>(outside_, client_in(sso.region, nullptr), sso);
  }
  Provider of(const ProfileSource& named) {
    const auto missing = [&](std::string_view what, std::string next) {
      return Failure(Failure::Kind::refused,
                     fmt::format("{}: profile {}: credential_source {}", named.place, quoted(named.profile, 100), what),
                     std::move(next));
    };
    switch (named.source) {
      case NamedSource::environment:
        if (Provider found = environment_keys(outside_.host)) return found;
        throw missing("Environment: AWS_ACCESS_KEY_ID is not set", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
      case NamedSource::container:
        if (auto url = container_credentials_url(outside_.host)) return container(*url);
        throw missing("EcsContainer: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
                      "Run it in an ECS task or an EKS pod");
      case NamedSource::instance:
        break;
    }
    if (!instance_metadata_disabled(outside_.host)) return instance();
    throw missing("Ec2InstanceMetadata: it is disabled by AWS_EC2_METADATA_DISABLED",
                  "Unset AWS_EC2_METADATA_DISABLED, or name another source");
  }

  Provider last_resort() {
    const bool disabled = instance_metadata_disabled(outside_.host), configured = around_.profile_in_settings;
    const std::string profile = quoted(around_.profile, 100);
    std::string looked_at = fmt::format(
        "AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not {}, profile {} in {} and {} has none, this is no "
        "container with a role",
        configured ? fmt::format("read, because [aws] profile names {}", profile) : "set", profile, around_.config_file,
        around_.credentials_file);
    std::string next =
        configured ? fmt::format("Write credentials into profile {}, or leave profile in [aws] away", profile)
                   : "Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role to this machine";
    return std::make_shared<LastResort>(disabled ? nullptr : instance(), disabled ? nullptr : metadata_,
                                        std::move(looked_at), std::move(next));
  }

  Outside& outside_;
  const Surroundings& around_;
  std::shared_ptr<InstanceMetadata> metadata_;
  std::shared_ptr<SigningClock> time_;
};

}  // namespace

std::shared_ptr<CredentialProvider> default_credentials(Outside& outside, const Surroundings& surroundings,
                                                        std::shared_ptr<InstanceMetadata> metadata,
                                                        std::shared_ptr<SigningClock> time) {
  return ChainBuilder{outside, surroundings, std::move(metadata), std::move(time)}.build();
}

}  // namespace certferry::aws
