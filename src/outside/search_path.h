#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "outside/host.h"

namespace certferry {

// The directories in which a command without a slash is looked for, and which a child gets as PATH: those that PATH
// says, and after them what it lacks of the usual ones. That of cron and of units is shorter than that of whoever tried
// the command by hand. An empty one is the current directory (POSIX, PATH).
inline std::vector<Path> search_path(const Host& host) {
  static constexpr std::string_view usual[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                               "/usr/bin",        "/sbin",          "/bin"};
  std::vector<Path> directories;
  const std::string said = host.environment("PATH").value_or("");
  for (std::size_t at = 0; !said.empty() && at <= said.size();) {
    const std::size_t end = std::min(said.find(':', at), said.size());
    directories.push_back(end == at ? "." : said.substr(at, end - at));
    at = end + 1;
  }
  for (const std::string_view directory : usual)
    if (std::ranges::find(directories, directory) == directories.end()) directories.emplace_back(directory);
  return directories;
}

}  // namespace certferry
