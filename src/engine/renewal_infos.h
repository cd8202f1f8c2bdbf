#pragma once

#include <string>
#include <vector>

#include "acme/certificate_authority.h"
#include "outside/outside.h"
#include "plan/plan.h"
#include "state/claims.h"

namespace certferry {

// When the CA wants certificates renewed (RFC 9773): asked where what was known is old, remembered in the records.
class RenewalInfos {
 public:
  // directory: of the CA; certificates of another one are passed over.
  RenewalInfos(Outside& outside, Store& store, Instances& instances, acme::CertificateAuthority& ca,
               std::string directory)
      : outside_(outside), store_(store), instances_(instances), ca_(ca), directory_(std::move(directory)) {}

  enum class Keep { no, yes };
  // Asks about every certificate that is not due anyway by `now`, side by side, and puts the answers into `seen`. A CA
  // that does not answer within seconds is no failure, and is not asked again in this run: what was known stays.
  // Keep::yes: and the records keep it, where they can: this run goes by `seen` all the same. A record that somebody
  // works on is left to them.
  Task<> ask(std::vector<ObservedCertificate>& seen, Keep keep, WallTime now);

 private:
  bool wants_asking(const ObservedCertificate& seen, WallTime now) const;
  Task<> ask_about(ObservedCertificate& seen, Keep keep);
  Task<> keep(const CertificateId& id, const Record::Newest& told);

  Outside& outside_;
  Store& store_;
  Instances& instances_;
  acme::CertificateAuthority& ca_;
  std::string directory_;
  bool silent_ = false;  // the CA, in this run
};

}  // namespace certferry
