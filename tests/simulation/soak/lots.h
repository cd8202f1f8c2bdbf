#pragma once

#include <cstdint>
#include <initializer_list>

#include "base/time.h"
#include "sandbox/seeded_entropy.h"

namespace certferry::soak {

// What a world is drawn by: the same numbers from the same seed, apart from those of the world itself.
class Lots {
 public:
  enum class Stream : std::uint64_t { drawing = std::uint64_t{0x5} << 56, thickening = std::uint64_t{0x6} << 56 };
  Lots(std::uint64_t seed, Stream stream) : numbers_(seed ^ static_cast<std::uint64_t>(stream)) {}
  std::uint64_t below(std::uint64_t end) { return numbers_.next() % end; }
  bool one_in(std::uint64_t many) { return below(many) == 0; }
  int from_to(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return *(all.begin() + below(all.size()));
  }
  Duration up_to(Duration most) {
    return Duration{static_cast<Duration::rep>(below(static_cast<std::uint64_t>(most.count()) + 1))};
  }

 private:
  sandbox::SeededEntropy numbers_;
};

}  // namespace certferry::soak
