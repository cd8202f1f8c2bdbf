#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "deploy/deployment.h"
#include "plan/plan.h"
#include "state/index.h"
#include "state/records.h"
#include "state/shelf_ledger.h"

namespace certferry {

// Looks at what a plan is made from. Changes nothing.
class Observer {
 public:
  Observer(Store& store, Index& index, Deployment& deployment, const Config& config, Outside& outside)
      : store_(store), index_(index), deployment_(deployment), config_(config), outside_(outside) {}

  // Records and targets of every certificate, configured or remembered (with request.only: of those), side by side;
  // what cannot be seen is said in place. The index stands in for a record where `request` needs no more of it at
  // `now`. Throws Misconfigured where two installs turn out to be one target.
  Task<std::vector<ObservedCertificate>> certificates(const Request& request, WallTime now);
  // What is remembered of the others that are not at rest, where request.only names one that has failed, and their
  // failures may count with its own; none, which is logged, where they cannot be listed. None of their targets is
  // looked at.
  Task<std::vector<ObservedCertificate>> not_named(const Request& request,
                                                   const std::vector<ObservedCertificate>& named);
  // One with its record, whatever the index says; of its targets, those that are configured.
  Task<ObservedCertificate> certificate(const CertificateConfig& wanted);
  // Looks, afresh each time, at those targets of the record that are configured no longer; they stand behind the
  // others. Not at files of another machine.
  Task<> look_at_unconfigured(ObservedCertificate& seen);

 private:
  Task<> read_record(ObservedCertificate& seen);
  Task<> find_givers(ObservedCertificate& seen);
  Task<> look_at_targets(const CertificateConfig& wanted, ObservedCertificate& seen);
  static Task<> look_for_place(Target& target, ObservedTarget& seen);
  Task<ObservedTarget> look(const CertificateConfig& certificate, const InstallConfig& install);
  Task<ObservedTarget> look_at_unconfigured(const std::string& id, std::string given_to);
  bool may_be_unconfigured(const ObservedCertificate& seen, const std::string& target) const;
  Task<std::optional<std::map<std::string, std::string>>> configured_targets();
  Task<> look_at_all(const Request& request, std::vector<ObservedCertificate>& all);
  Task<> recall(const Request& request, WallTime now, ObservedCertificate& seen);

  Store& store_;
  Index& index_;
  Deployment& deployment_;
  const Config& config_;
  Outside& outside_;
};

}  // namespace certferry
