#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "crypto/issued.h"

namespace certferry {

// How a certificate is called on a shelf: its first name as far as it fits ("star" for "*"), the day it ends, and the
// beginning of its SHA-256: "star.example.com-20270221-0f1e2d3c4b5a6978". Another certificate has another name, and
// every shelf takes these characters.
std::string object_name(const Issued& issued);

// By when the certificate of that name has ended: the end of the day that the name tells. Empty where it is no such
// name.
std::optional<WallTime> ended_by(std::string_view object_name);

// What a client of ours asks for in a handshake: the name, with the label "certferry" where it has a "*".
std::string sni_for(const DomainName& name);

}  // namespace certferry
