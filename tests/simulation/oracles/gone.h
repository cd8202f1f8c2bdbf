#pragma once

#include <algorithm>
#include <string>

#include "base/limits/files.h"
#include "sandbox/certificate_authority.h"

namespace certferry::simulation {

constexpr std::size_t fingerprint_in_names = 16;  // deploy/object_name.h

// A machine that did not renew for so long after what it was given had expired is gone: what is left there is its own,
// whole or not. name: of the generation, which ends with the beginning of its certificate's fingerprint.
inline bool has_expired_where_gone(sandbox::World& world, const std::string& name, WallTime now) {
  return std::ranges::any_of(world.ca().certificates, [&](const auto& issued) {
    const Certificate& leaf = issued.second.chain.leaf;
    return name.ends_with("-" + leaf.fingerprint().text().substr(0, fingerprint_in_names)) &&
           leaf.not_after() <= now - limits::files::gone_after;
  });
}

}  // namespace certferry::simulation
