#pragma once

#include "outside/entropy.h"

namespace certferry {

// The kernel's generator.
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> bytes) override;
};

}  // namespace certferry
