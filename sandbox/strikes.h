#pragma once

#include <optional>
#include <string>

#include "sandbox/certificate_authority.h"
#include "sandbox/faults.h"
#include "sandbox/query_reply.h"
#include "wire/http.h"

namespace certferry::sandbox {

class World;

// Whether what has this chance happens now: rolled only where that is above 0, so that a fault switched off changes
// nothing.
bool happens(World& world, int percent);

// Whether a fault strikes now, by its chance; counted.
bool strikes(World& world, int Faults::* fault);

// When a listener that is given another certificate now shows it.
WallTime shown_from(World& world, WallTime now);

// What AWS refuses a request with because a fault strikes (faults.h), before anything is done; usually nothing.
// service: as in an Event.
std::optional<Refusal> struck_at_aws(World& world, const std::string& service, const http::Request& request);

// The same for the CA: a 429 or 503 with a Retry-After that is good, absent or absurd.
std::optional<http::Response> struck_at_ca(World& world, const std::string& operation);

// A chain as it is downloaded where a fault strikes: of another leaf, without its intermediates, or out of order.
std::string spoiled_download(World& world, CaCertificate& good);

// What a CA issues instead of this chain for the wanted key where a fault strikes: a certificate for another name or
// for another key, or one below another CA's intermediate.
Chain unfit_chain(World& world, const PublicKey& wanted, Chain good);

}  // namespace certferry::sandbox
