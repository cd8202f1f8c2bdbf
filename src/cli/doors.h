#pragma once

#include <memory>

#include "config/config.h"
#include "outside/outside.h"

namespace certferry {

// This machine's seven doors, each made when it is first needed: a command that only reads a file opens no other.
class RealDoors {
 public:
  RealDoors(Executor executor, Log& log);
  ~RealDoors();
  Host& host();
  Clock& clock();
  Entropy& entropy();
  // All of them. The transport believes the system's roots and those of [ca] trust for the CA, and AWS_CA_BUNDLE for
  // AWS; it speaks to private addresses for AWS (VPC endpoints) and for a CA that the user named by URL.
  Task<Outside*> open(const Config& config);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace certferry
