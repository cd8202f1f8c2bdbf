#pragma once

#include <algorithm>
#include <string>

#include "base/limits/files.h"
#include "base/limits/iam.h"
#include "sandbox/certificate_authority.h"

namespace certferry::simulation {

// What the name of a certificate's object or directory ends with (deploy/object_name.h).
inline std::string name_ends_with(const std::string& fingerprint) {
  return "-" + fingerprint.substr(0, limits::iam::name_digest);
}

// A machine that did not renew for so long after what it was given had expired is gone: what is left there is its own,
// whole or not. name: of the generation.
inline bool has_expired_where_gone(sandbox::World& world, const std::string& name, WallTime now) {
  return std::ranges::any_of(world.ca().certificates, [&](const auto& issued) {
    const Certificate& leaf = issued.second.chain.leaf;
    return name.ends_with(name_ends_with(leaf.fingerprint().text())) &&
           leaf.not_after() <= now - limits::files::gone_after;
  });
}

}  // namespace certferry::simulation
