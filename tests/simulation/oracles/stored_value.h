#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "sandbox/mounts/simulated_world.h"
#include "wire/json.h"

namespace certferry::simulation {

// One value of the store right after it was written or removed, as docs/journal.md words it and read by code of the
// simulation's own: an error of the product's readers is not repeated here.
struct StoredChange {
  const std::string& key;  // "certificate/www/record"
  const Bytes* value;      // null: it was removed
  const Json& before;      // null where there was none, or no JSON object
  const Json& after;
  bool late = false;  // its sender was gone by then, or had given it up
  bool is_record() const;
  bool is_journal() const;
  bool is_secret() const;  // of a certificate
};

// null where it is no JSON object.
Json object_of(const Bytes& value);
// What an S3 object's body wraps; empty where that is none of ours.
std::optional<Bytes> unwrapped(const Bytes& body);
// What an envelope under this key of the store is sealed with: a data key of the world's KMS, or the key file of
// machine "main". Empty where there is none.
std::optional<Bytes> sealing_key(sandbox::SimulatedWorld& simulated, const std::string& key, const Json& envelope);
// What a sealed secret hides, opened with the key file of machine "main" or the world's KMS; empty where it does not
// open.
std::optional<Bytes> unsealed(sandbox::SimulatedWorld& simulated, const std::string& key, const Bytes& value);

}  // namespace certferry::simulation
