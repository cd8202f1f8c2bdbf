#pragma once

#include <optional>
#include <string>

#include "base/names.h"
#include "wire/json.h"

namespace certferry {

// A certificate on a shelf: what a target refers to.
struct Shelved {
  std::string shelf;        // Shelf::id()
  std::string reference;    // ARN; files: the directory's path
  std::string name;         // server certificate name; files: the directory's name
  Fingerprint fingerprint;  // of the leaf
  bool operator==(const Shelved&) const = default;
};
Json to_json(const Shelved&);
template <>
Shelved from_json<Shelved>(const Json&);  // throws Failure (refused)

}  // namespace certferry
