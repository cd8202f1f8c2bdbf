#pragma once

#include "base/log.h"
#include "outside/clock.h"
#include "outside/entropy.h"
#include "outside/host.h"
#include "outside/pool.h"
#include "outside/resolver.h"
#include "outside/store.h"
#include "outside/transport.h"

namespace certferry {

// The seven doors but for the store, which depends on the configuration, and the ear that hears what happens. Made in
// cli/main.cpp or by the sandbox; nothing outside is reached in any other way.
struct Outside {
  Transport& transport;
  Resolver& resolver;
  Clock& clock;
  Entropy& entropy;
  Host& host;
  Pool& pool;
  Log& log;
};

}  // namespace certferry
