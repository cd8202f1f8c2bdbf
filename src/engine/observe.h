#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "deploy/deployment.h"
#include "plan/plan.h"
#include "state/records.h"
#include "state/shelf_ledger.h"

namespace certferry {

// Looks at what a plan is made from. Changes nothing.
class Observer {
 public:
  Observer(Store& store, Deployment& deployment, const Config& config)
      : store_(store), deployment_(deployment), config_(config) {}

  // Records and targets of every certificate, configured or remembered, side by side; what cannot be seen is said in
  // place.
  Task<std::vector<ObservedCertificate>> certificates(const std::vector<std::string>& only);
  Task<ObservedCertificate> certificate(const CertificateConfig& wanted);

 private:
  Task<> read_record(ObservedCertificate& seen);
  Task<ObservedCertificate> unconfigured(CertificateId id);
  Task<ObservedTarget> look(const CertificateConfig& certificate, const InstallConfig& install);

  Store& store_;
  Deployment& deployment_;
  const Config& config_;
};

}  // namespace certferry
