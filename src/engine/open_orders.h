#pragma once

#include "acme/certificate_authority.h"
#include "base/log.h"
#include "base/names.h"
#include "outside/store.h"

namespace certferry {

// The order that a generation's journal names; empty where there is none, or no journal.
Task<std::optional<OrderUrl>> order_of(Store& store, const CertificateId& id, int generation);

// Gives up the order of a generation that came to nothing, best effort: where it is pending still, its pending
// authorizations are deactivated, so that the CA does not give it again, but for those that the order of another open
// generation names (a CA may give several orders of an account the same ones), and none while another generation asks
// for an order. What failed, or was waited for in vain, is spared for nobody. One that is asked for between that look
// and the deactivation, a round trip later, may lose an authorization: its generation ends, and the next gets another.
// True where the CA says that the order had ended by then, without a certificate. A failure is a warning: the order
// then ends by itself, as do those of another CA than `ca`, and all where it has no account.
Task<bool> give_up_order(Store& store, acme::CertificateAuthority& ca, Log& log, CertificateId id, int generation);

// Whether another certificate for the same names has this order too, or had it for the newest that it has: asked for by
// two instances at once, a CA gives both the same.
Task<bool> ordered_by_another(Store& store, const CertificateId& id, const CertificateSpec& wanted, OrderUrl url);

}  // namespace certferry
