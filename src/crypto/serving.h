#pragma once

#include <optional>
#include <string>

#include "crypto/issued.h"
#include "crypto/shelved.h"

namespace certferry {

// What a target serves, as looked at: what its slot refers to, and what a handshake shows where one is possible.
struct Serving {
  std::string reference;       // ARN or path in the slot; "" where the slot is empty
  std::optional<Chain> body;   // of the certificate that the slot refers to, where it can be read
  std::optional<Chain> shown;  // by a handshake
  bool ours = false;           // by IAM path, tag or directory
  bool unreadable = false;     // something is there that could not be read; unless it is shown, it counts as trusted
  std::string note;            // why it could not be read or shown, or how it is damaged, for people
  bool damaged = false;        // of ours, and not whole any longer: whoever reads it next could not serve it

  bool empty() const { return reference.empty() && !shown && !unreadable; }
  // The certificate to compare with: what the slot refers to, else what was shown.
  const Chain* certificate() const { return body ? &*body : shown ? &*shown : nullptr; }
  // The slot refers to this certificate, undamaged, and no handshake shows another.
  bool shows(const Issued& issued) const;
  bool shows(const Fingerprint& certificate) const;
  bool operator==(const Serving&) const = default;
};
Json to_json(const Serving&);
template <>
Serving from_json<Serving>(const Json&);  // throws Failure (refused)

}  // namespace certferry
