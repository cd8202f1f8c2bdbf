#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/world.h"

namespace certferry::sandbox {

// From when something was bound until it is taken back: the verification, the clean-up, what answers late on the way
// there, and a standstill or three. Of one whose sender was killed it is found out days later, and weeks where that
// happens again and again.
constexpr Duration going_back_takes = hours(1), going_back_takes_most = days(28);
// Whether it is no wonder that what was there before is there again after so long. proven: what took its place was, as
// served there.
bool may_go_back(Duration after, bool proven);
// Whether the state says of this listener, or of "files/<machine><directory>", that this is proven to be served there.
using Proven = std::function<bool(const std::string& place, const Fingerprint&)>;

// Why whoever looks at a server is worse off with `next` than with `former` (I7), in words; "" where nobody is.
// fewer_names: are wanted, as far as the former one is of the world's own CA.
std::string worsening(World& world, const Chain& former, const Chain& next, WallTime now, bool fewer_names = false);
// What of I5 can be seen from outside; "" where all is well.
std::string defect(const Presented& given, WallTime now);

// What must never be true of a world, whatever was killed when, checked after every event as far as CA and AWS can see
// it:
//   I4  a certificate that a listener refers to was deleted, or was to be, though whoever looked could have seen it; or
//       one whose place another was given within its grace
//   I5  a listener was given a certificate outside its dates, without serverAuth, with a broken chain or another key
//   I6  two orders of an account were answered for one certificate key, or two open ones for the same names
//   I7  a listener was given a worse certificate: an earlier end without a reason (other names or another key are one),
//       or of one that is to be renewed itself, fewer names, less trust; going back, within a week, to what it referred
//       to just before is none, if that is valid and issued by somebody; nor is replacing what somebody put there since
//       anybody looked, which AWS cannot be asked to prevent
// and, where a test says that all is quiet, I3: a challenge's TXT value is left.
// A listener is named as in refusals: "classic/NAME:PORT", or the listener's ARN.
class Invariants {
 public:
  // From now on; the world may outlive it.
  explicit Invariants(World& world);
  ~Invariants();
  Invariants(const Invariants&) = delete;
  Invariants& operator=(const Invariants&) = delete;

  // Sentences, each with its invariant, the time and the event; empty while all is well.
  const std::vector<std::string>& violations() const;
  void ask_what_is_proven(Proven);  // unset: nothing is
  bool is_proven(const std::string& place, const Fingerprint&) const;
  void keep_formers_for(Duration grace);  // unset: whoever is asked to may delete them at once
  // A process that stood still until now may do next what it had looked for before.
  void somebody_went_on(WallTime now);
  // The next worse certificate on this listener is what the test wants: --install-untrusted, --drop-names, a changed
  // specification. Once.
  void allow_worse(const std::string& listener);
  // A configuration has dropped names: certificates of the world's CA for the former ones give way to those for others.
  void allow_fewer_names(const std::vector<DomainName>& former, const std::vector<DomainName>& next);
  bool fewer_names_are_wanted(const Certificate& former, const Certificate& next) const;
  // Several open orders for these names are what the test wants.
  void allow_parallel_orders(std::vector<DomainName> names);
  // From now on they are not, beside those that there are; of these, one that is gone on with beside a later one is not
  // excused.
  void forbid_parallel_orders(std::vector<DomainName> names);
  // Challenge records that name servers answer or the API lists, by any zone: "NAME VALUE". For the end of a test.
  std::vector<std::string> leftover_challenges() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace certferry::sandbox
