#pragma once

#include <memory>

#include "aws/access.h"
#include "config/config.h"
#include "engine/report.h"
#include "outside/outside.h"
#include "state/claims.h"
#include "state/vault.h"

namespace certferry {

// What a run stands on, made by the front door. `access` acts under the lease of `instances` from then on.
struct Ground {
  Outside& outside;
  aws::Access& access;
  Store& store;
  Sealing& sealing;
  Instances& instances;
  const Config& config;
  const Roots& roots;  // those that count as trusted: the system's and [ca] trust
};

// All certificates of a configuration. One run: look, decide, claim, act, clean up, report.
class Fleet {
 public:
  explicit Fleet(Ground ground);
  ~Fleet();
  // Claims and changes nothing. Failure: only where nothing could be looked at.
  Task<Plan> plan(Request request);
  // Carries out what plan() says, certificates side by side; one failure keeps no other from its certificate. Failures
  // of single certificates and targets are outcomes of the report. wait: for certificates that somebody else works on.
  Task<Report> apply(Request request, Duration wait);
  // Ends what the state knows of a certificate that is no longer configured. What it serves stays. An order under way
  // is left to end by itself. May be repeated, and takes then what was stored late. Failure: refused where the state
  // knows none, and holds nothing of one, or somebody is at work on it; fenced where another instance took it over
  // meanwhile: then it is not forgotten.
  Task<> forget(CertificateId id, Duration wait);
  // Ends what the state knows of targets and shelves in an account that nobody reaches any longer: gives the names of
  // the certificates that stay there. May be repeated. Failure: refused where our credentials or a role of the
  // configuration are of it, the state knows of nothing there, or somebody is at work on a certificate of a target.
  Task<std::vector<std::string>> forget_account(std::string account, Duration wait);

 private:
  struct Run;
  std::unique_ptr<Run> run_;
};

}  // namespace certferry
