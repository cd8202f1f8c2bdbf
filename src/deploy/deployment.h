#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/access.h"
#include "config/config.h"
#include "deploy/target.h"
#include "outside/outside.h"

namespace certferry {

// Makes the shelves and targets that a configuration names: one shelf each, however many targets stand on it. The
// account number is asked for once (STS), and only if some target is in AWS.
class Deployment {
 public:
  Deployment(Outside& outside, aws::Access& access);
  // Knows every region of the configuration from the start; the other one knows those of the targets it was asked for.
  Deployment(Outside& outside, aws::Access& access, const Config& config);
  ~Deployment();
  Task<Target*> target(const CertificateConfig& certificate, const InstallConfig& install);  // kept by this object
  // The shelf by the id that a ledger names; null where this configuration cannot reach it.
  Task<Shelf*> shelf(const std::string& id);
  // Whether anything that this configuration can see still refers to it: every listener of every load balancer that the
  // shelf's certificates can serve (I4, before a delete). Asks afresh each time.
  Task<bool> referenced(const std::string& reference, const std::string& shelf_id);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry
