#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"
#include "base/time.h"

namespace certferry {

// Somebody else wrote first. A value, not a Failure: the caller expects it.
struct Conflict {
  auto operator<=>(const Conflict&) const = default;
};
struct Done {
  auto operator<=>(const Done&) const = default;
};

// Where state is kept: small values under slashed keys, each replaced by compare-and-swap.
class Store {
 public:
  using Key = std::string;      // "certificate/www/record": printable ASCII, no "..", at most 512 octets
  using Version = std::string;  // opaque; one never recurs
  struct Entry {
    Bytes value;
    Version version;
  };

  virtual ~Store() = default;
  virtual Task<std::optional<Entry>> get(Key key) = 0;
  // replaces: the version that must be there; empty: the key must not exist. Durable when it returns. Failure:
  // transient, throttled, refused (full, forbidden, a value of more than 4 MiB). A lost reply is resolved inside; where
  // that cannot be done the failure is transient, and the write may have been done all the same: it is safe to write
  // again, for then that meets a conflict.
  virtual Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) = 0;
  virtual Task<std::variant<Done, Conflict>> remove(Key key, Version version) = 0;  // absent: Done
  virtual Task<std::vector<Key>> list(Key prefix) = 0;                              // sorted

  // Where it is, for people: "/var/lib/certferry/state.db", "s3://bucket/prefix/".
  virtual std::string place() const = 0;
};

}  // namespace certferry
