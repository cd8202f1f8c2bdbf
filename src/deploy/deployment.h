#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/access.h"
#include "base/lease.h"
#include "config/config.h"
#include "deploy/target.h"
#include "outside/outside.h"

namespace certferry {

// What people call what is configured, as long as nobody could ask AWS for more: "classic ELB my-lb:443".
std::string name_of(const InstallConfig& install);

// The same of a shelf, by its id: "IAM of account 123456789012", "files /etc/ssl/www".
std::string shelf_name(const Host& host, const std::string& id);

// What put() answers for this name there, ARN or path, without asking anybody; "" on a shelf of another machine.
std::string reference_on(const Host& host, const std::string& shelf, const std::string& name);

// Makes the shelves and targets that a configuration names: one shelf each, however many targets stand on it. The
// account number is asked for once (STS), and only if some target is in AWS.
class Deployment {
 public:
  Deployment(Outside& outside, aws::Access& access);
  // Knows every region of the configuration from the start; the other one knows those of the targets it was asked for.
  // lease: asked before files are changed or reloaded; what is changed in AWS asks that of `access`.
  Deployment(Outside& outside, aws::Access& access, const Config& config, const Lease& lease);
  ~Deployment();
  Task<Target*> target(const CertificateConfig& certificate, const InstallConfig& install);  // kept by this object
  // From now on a directory of a target that is made is given an id, where the machine's does not last
  // (FilesShelf::identify). Without it nothing is written.
  void identify_directories();
  // The same by its id, as a record knows it: to look at, by the word of the API alone, once it is configured no
  // longer. Null: nothing that this version makes. Failure: refused, where it is in another account than our
  // credentials'.
  Task<Target*> target(const std::string& id);
  // Whether our own credentials, or a role of the configuration, are of this account.
  Task<bool> reaches(std::string account);
  // Files of another machine, whose own runs see to them.
  bool elsewhere(const std::string& id) const;
  // The shelf by the id that a ledger names, configured or not. Null: one of another machine, whose own runs see to it.
  // Failure: refused, where it is in another account than our credentials'.
  Task<Shelf*> shelf(const std::string& id);
  // Whether anything still refers to it: every listener of every load balancer that the shelf's certificates can serve,
  // in the regions that are configured and in `regions`, where it was put to use (I4, before a delete). Of a directory
  // it asks afresh each time; of AWS each region once for all that is asked about, until forget_references(), and where
  // that failed it goes on failing until then. One question after the other.
  Task<bool> referenced(const std::string& reference, const std::string& shelf_id,
                        const std::vector<std::string>& regions = {});
  // Regions are read anew whose reading began at `until` or before it, or failed.
  void forget_references(SteadyTime until);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry
