#pragma once

#include <memory>
#include <string>

#include "state/vault.h"

namespace certferry {

// As a configuration has secrets sealed: by KMS where it names a key, else by the key file. What the other one sealed
// is opened too, so that secrets outlive a kms_key that is added or taken away. aws: null where AWS cannot be asked;
// key_file: "" where there can be none, as with a state in S3.
std::unique_ptr<Sealing> configured_sealing(Outside& outside, aws::Client* aws, const std::string& kms_key,
                                            const Path& key_file);

}  // namespace certferry
