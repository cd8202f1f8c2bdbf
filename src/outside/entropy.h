#pragma once

#include <cstddef>
#include <span>

namespace certferry {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> bytes) = 0;  // fit for keys
};

}  // namespace certferry
