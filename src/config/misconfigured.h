#pragma once

#include "base/failure.h"

namespace certferry {

// A failure that is mended in the configuration or on the command line, found late or early: exit code 2.
class Misconfigured : public Failure {
 public:
  explicit Misconfigured(const Failure& failure) : Failure(failure) {}
};

}  // namespace certferry
