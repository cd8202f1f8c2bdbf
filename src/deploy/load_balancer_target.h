#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/failure.h"
#include "config/config.h"
#include "deploy/target.h"
#include "outside/outside.h"

namespace certferry {

// How one looks at a target and proves it.
struct Proving {
  Verify verify = Verify::automatic;
  std::string sni;                   // of handshakes
  KeyType key_type = KeyType::p256;  // of the certificate that is wanted
};

// A listener of a load balancer: it refers to a certificate by ARN and shows it at the load balancer's addresses. What
// the kinds of load balancers say differently, ElbTarget and ListenerTarget know.
class LoadBalancerTarget : public Target {
 public:
  LoadBalancerTarget(Outside& outside, aws::Client& client, Shelf& shelf, Proving proving)
      : outside_(outside), client_(client), shelf_(shelf), proving_(std::move(proving)) {}
  Shelf& shelf() override { return shelf_; }
  Task<Serving> look() override;
  Task<std::optional<Serving>> look_if_there() override;
  Task<> bind(const Shelved& next, const Serving& seen) override;
  Task<Proof> verify(const Issued& issued, const Serving& former, const Given& given) override;
  Task<bool> restore(const Serving& former, const Shelved& bound) override;

 protected:
  struct Slot {
    std::string reference;  // ARN of the certificate, "" where there is none
    std::string dns_name;   // of the load balancer
    std::uint16_t port = 0;
  };
  // Together with what else is asked of its region at this moment, or by a request of its own.
  enum class Asked { together, at_once };
  // Failure: refused where there is none, or where it speaks no TLS; made by no_slot().
  virtual Task<Slot> describe(Asked asked) = 0;
  static Failure no_slot(std::string what, std::string next);
  // Code CertificateNotFound where the load balancer does not see a fresh certificate yet; outcome_unknown where it may
  // have been done.
  virtual Task<> refer_to(const std::string& certificate) = 0;
  // Certificates by which the slot may show others than the one it refers to, perhaps that one among them.
  virtual Task<std::vector<std::string>> listed() { co_return std::vector<std::string>{}; }
  virtual Task<> take_off_the_list(const std::string&) { co_return; }

 private:
  Task<> read_body(Serving& serving);
  Task<> look_from_outside(const Slot& slot, Serving& serving);
  // One try. What is said where another may follow, after a look: the load balancer does not see the certificate yet,
  // or nobody heard whether it was done. Empty: done.
  Task<std::optional<Failure>> tried(const std::string& next);
  // From `from` to `next`, also where both are one, with patience for a fresh certificate; looks before each try, and
  // reads back.
  Task<> change(const std::string& next, const std::string& from);
  // Once it refers to another than before our last change, or long after that: what describes a slot tells of a change
  // late.
  Task<Slot> told();
  Task<Slot> verify_by_api(const Issued& issued);
  Task<> take_off_what_is_replaced(const Slot& slot, const Serving& former, const Given& given, const Issued& issued);
  Task<bool> is_replaced(const std::string& one, const Serving& former, const Given& given, const Issued& issued);
  struct Change {
    std::string from, next;
    SteadyTime told_by;
  };
  Outside& outside_;
  aws::Client& client_;
  Shelf& shelf_;
  Proving proving_;
  // At the last look: whether all addresses that answered, one at least, showed the certificate that the slot refers
  // to, and which did.
  bool handshake_tells_ = false;
  std::set<std::string> answered_;
  std::optional<Change> last_change_;  // that was answered
};

}  // namespace certferry
