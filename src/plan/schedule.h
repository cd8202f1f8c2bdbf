#pragma once

#include <optional>
#include <vector>

#include "base/names.h"
#include "base/renewal_info.h"
#include "base/time.h"
#include "crypto/certificate.h"

namespace certferry {

// The instant in the suggested window at which this certificate is renewed (RFC 9773 section 4.2 asks for a uniformly
// random one). It follows from the certificate and the window: a digest of both is as even over certificates, every
// run and every instance comes to the same one, and another window draws another.
WallTime drawn_instant(const Fingerprint&, const RenewalInfo::Window&);
// When a certificate is due. Where the CA suggests a window: at the drawn instant, but no later than where half of what
// is left by its life is gone (some suggest windows that end with the certificate). Else by its life: see below.
WallTime due_at(const Certificate&, const std::optional<RenewalInfo>&);
// The same without word from the CA: 1/3 of its life left, 1/2 where it lives less than 10 days. No lifetime is
// hard-coded.
WallTime due_at(const Certificate&);
// Whether the whole window is before that: it was revoked perhaps. An ordinary window lies about there.
bool wanted_early(const Certificate&, const std::optional<RenewalInfo>&);
// Whether the CA is to be asked again when it wants a certificate renewed. Also where that seems to be later than
// anybody is told to wait: a clock that was wrong wrote it down.
bool time_to_ask(WallTime ask_again, WallTime now);
// The last 1/20 of its life: whatever serves it is left in an emergency.
WallTime emergency_at(const Certificate&);
// How long after the n-th failure in a row (n >= 1) the next generation may start: 1, 12, 100 minutes, then daily.
Duration pause_after_failures(int n);
// The same where a certificate that it is about expires then: shorter, the less is left.
Duration pause_after_failures(int n, WallTime expiry, WallTime now);
// Whether a pause until then is still under way. Not one that ends later than anybody is told to wait: a clock that was
// wrong wrote it down.
bool pauses(WallTime until, WallTime now);
// The same where somebody does not want to wait: as soon as what failed at these instants, the earliest first, has left
// so many failed validations of one name within Let's Encrypt's limit, for so many attempts at once; where they are
// more than it ever allows, as soon as nothing of it is used.
WallTime retry_from(const std::vector<WallTime>& failed, int validations_of_a_name, int attempts = 1);

}  // namespace certferry
