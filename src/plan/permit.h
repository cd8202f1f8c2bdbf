#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/record.h"

namespace certferry {

// Of one run.
struct PermitOptions {
  bool install_untrusted = false;  // --install-untrusted
  bool drop_names = false;         // --drop-names
  bool named_alone = false;        // flags name one certificate of perhaps several: no other of ours gives way to it
};

// What keeps a certificate off a target. A value: being held back is no failure.
struct Held {
  std::string reason;      // "it serves a trusted certificate of Some CA until 2027-01-01; this one is of a test CA"
  std::string remedy;      // "set [ca] directory = \"letsencrypt\""
  bool for_names = false;  // that would be covered no longer
  std::string waived_by = {};  // the flag by which it would be bound all the same; "" for none
};
// What to do, the flag among it: for this certificate alone, lest it replaces what holds others back.
std::string remedy_of(const Held&, const CertificateId&);

// How a certificate that is served counts. placeholder: self-signed, expired, or for none of the names: anything may
// replace it. Unreadable counts as trusted.
enum class Standing { nothing, placeholder, test, trusted };
Standing standing(const Serving&, const CertificateSpec& wanted, const Roots& roots, WallTime now);

// Whether this is a certificate that was issued for this record, or that it gave to the target (by Target::id()).
bool given(const Record& record, const std::string& target, const Fingerprint& served);

// Invariant I7: a target never gets a worse certificate. `former` is what it serves now; `roots` are those that count
// as trusted (the system's and [ca] trust). Empty: it may be bound.
std::optional<Held> permit(const Serving& former, const Issued& next, const CertificateSpec& wanted,
                           const Record& record, const std::string& target, const Roots& roots, WallTime now,
                           const PermitOptions& options);

// Held where the target does not take keys of the certificate's type: it is of a configuration that is no more.
std::optional<Held> permit_key(const Issued& next, const std::vector<KeyType>& refused);

// The part of it that needs no certificate yet, asked before an order is spent: names that a trusted certificate covers
// and the wanted one would not. Those of the record's own go by a changed specification; of anybody else's, another
// certificate's of this configuration too, none goes unasked. record: null where there is none.
std::optional<Held> permit_before_order(const Serving& former, const CertificateSpec& wanted, const Record* record,
                                        const std::string& target, const Roots& roots, WallTime now,
                                        const PermitOptions& options);

}  // namespace certferry
