#pragma once

#include <memory>
#include <string>

#include "outside/outside.h"
#include "sandbox/mounts/rooted_host.h"
#include "sandbox/mounts/socket_places.h"

namespace certferry::sandbox {

// All seven doors of a process that lives in a mounted world, and no way out of it: a transport that speaks to the
// mount's own ports alone and believes its root alone, a resolver that knows its names alone, files below one
// directory, commands that are said and not run, an environment that holds the mount's endpoint and nobody's
// credentials. What is not mapped fails. Made from the mount's description alone: the mount may be in another process.
class MountedOutside {
 public:
  // root: an absolute path of a directory that is there. All that is referred to outlives it.
  MountedOutside(Executor executor, SocketPlaces places, Clock& clock, Entropy& entropy, Log& log, std::string root);
  ~MountedOutside();
  Outside& outside();
  RootedHost& host();

 private:
  struct Doors;
  std::unique_ptr<Doors> doors_;
};

}  // namespace certferry::sandbox
