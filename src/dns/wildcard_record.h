#pragma once

#include <optional>

#include "dns/zones.h"

namespace certferry {

// The wildcard by which alone a name resolves, "*.example.com"; empty where it has a record set of its own or one below
// it, the challenge's own not counted, or where no wildcard answers for it. While a TXT record stands at
// "_acme-challenge" below such a name, the name exists and has no address: the wildcard answers for it no longer.
// (RFC 4592 sections 2.2.2 and 3.3.1.) Reads the hosted zone; may be repeated.
Task<std::optional<DomainName>> resolves_by_wildcard(Zone zone, DomainName name);

}  // namespace certferry
