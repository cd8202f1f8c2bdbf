#include "aws/credentials.h"

namespace certferry::aws {

FixedCredentials::FixedCredentials(std::string access_key_id, std::string secret_access_key)
    : credentials_(
          std::make_shared<const Credentials>(Credentials{.access_key_id = std::move(access_key_id),
                                                          .secret_access_key = Secret{std::move(secret_access_key)},
                                                          .session_token = Secret{""},
                                                          .source = "given"})) {}

}  // namespace certferry::aws
