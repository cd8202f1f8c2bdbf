#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "complain.h"
#include "sandbox/world.h"
#include "stored_value.h"

namespace certferry::sandbox {
struct CaAuthorization;
struct CaOrder;
}  // namespace certferry::sandbox

namespace certferry::simulation {

// No bucket of Let's Encrypt or Route 53 (base/limits) is overdrawn by all processes of a world together, however often
// they are started again: counted from what reached the services, by the world's clock. None of Elastic Load
// Balancing's either, which the world counts itself (sandbox/request_rates.h). Orders that name their predecessor (ARI)
// within its suggested window cost nothing at Let's Encrypt, and nothing here.
class BudgetOracle {
 public:
  BudgetOracle(sandbox::World& world, Complain complain) : world_(world), complain_(std::move(complain)) {}
  void happened(const sandbox::Event& event);
  // Of what is forgotten, or wanted otherwise from now on, nobody remembers what failed: somebody wants it tried.
  void changed(const StoredChange& change);
  // Somebody tells every run to renew what has these names: how often in a week is theirs to mind.
  void somebody_renews(const std::vector<DomainName>& names) { told_ = {names.begin(), names.end()}; }
  void nobody_renews() { told_.clear(); }

 private:
  struct Bucket {
    double used = 0;
    WallTime at{};
  };
  void spend(const std::string& what, double most, Duration refill, WallTime at);
  void acme(const sandbox::Event& event);
  bool exempt(const sandbox::CaOrder& order) const;
  void ordered(const sandbox::Event& event, const sandbox::CaOrder& order);
  void issued();
  void failed();
  void validation_failed(const sandbox::CaAuthorization& proof, WallTime at);
  sandbox::World& world_;
  Complain complain_;
  std::map<std::string, Bucket> buckets_;
  std::set<DomainName> told_;         // names of what somebody renews
  std::set<std::string> validating_;  // authorizations, by URL
  std::set<std::string> exempt_;      // orders, by URL, when they were made
  std::string newest_certificate_;    // URL of the last one counted: they sort by age
};

}  // namespace certferry::simulation
