#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>

#include "sandbox/mounts/memory_host.h"

namespace certferry::simulation {

// By which id a directory's target and ledger are known: the machine's, or, where that does not last, the directory's.
inline std::string host_of(const sandbox::Machine& machine, const Path& directory) {
  if (machine.id_lasts) return machine.id;
  const auto* mark = machine.find(directory + "/.certferry-id");
  return mark ? mark->content.substr(0, mark->content.find('\n')) : "";
}

// The directory on this machine that a target or shelf is; "" where it is elsewhere:
// "files/host/simulated/etc/ssl/www".
inline std::string directory_of(const std::string& id, const sandbox::Machine& machine) {
  constexpr std::string_view of = "files/host/";
  const auto path = id.find('/', of.size());
  if (!id.starts_with(of) || path == std::string::npos) return "";
  const std::string directory = id.substr(path);
  return id == fmt::format("files/{}{}", host_of(machine, directory), directory) ? directory : "";
}

}  // namespace certferry::simulation
