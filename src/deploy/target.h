#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits/renewal.h"
#include "crypto/serving.h"
#include "deploy/shelf.h"

namespace certferry {

// By what it is known that a target serves a certificate.
enum class Proof {
  handshake,  // every address showed it that showed any before
  api,        // AWS names it
  files,      // `live` leads to it; nobody was asked
};

// Failure::code() of a look at a target that is not there, and so serves nothing.
inline constexpr std::string_view no_slot_code = "NoSuchSlot";

// What serves a certificate from a shelf: a listener, a reloaded nginx. One slot.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::string_view id() const = 0;  // "elb/aws/123456789012/eu-west-1/my-lb:443": the key of its record
  virtual std::string name() const = 0;     // for people: "classic ELB my-lb:443"; may tell more once it was looked at
  virtual Shelf& shelf() = 0;
  virtual std::string region() const { return ""; }  // of AWS; "" where it is not there
  // The digest of the command that has it read its certificate again; "" where it needs none.
  virtual std::string reloaded_by() const { return ""; }
  virtual Task<Serving> look() = 0;  // what it references, and what a handshake shows where one is possible
  // The same of one that may have been removed since: empty where there is no longer anything that could serve one.
  virtual Task<std::optional<Serving>> look_if_there() { co_return co_await look(); }
  // At the last look: why what handshakes show may be another's doing; "" where nothing says so.
  virtual std::string doubt() const { return ""; }
  // Failure: refused, where a certificate could not be put there, as far as can be told without doing it.
  virtual Task<> require_place() { co_return; }
  virtual Task<> bind(const Shelved& next,
                      const Serving& seen) = 0;  // done already: success; shows neither `next` nor `seen`: conflict
  // Until every address shows it that answered when it was looked at last, one at least, and no other shows another; N
  // in a row, within a deadline. former: what was looked at before the first change, perhaps by an earlier run; it
  // tells whether handshakes from here say what the slot refers to. Before that, what the slot has on a list besides,
  // by which it would be shown instead of the new one, is taken off for good, also where `former` is restored: `former`
  // where its names are covered, and whatever was put on the shelf for the same [[certificate]], by its reference.
  using Given = std::function<Task<bool>(const std::string& reference)>;
  virtual Task<Proof> verify(const Issued& issued, const Serving& former, const Given& given) = 0;
  // Where the slot still refers to what we bound, it refers to `former` from then on: true. False where it does not,
  // for nothing was changed or somebody else changed it since, and where `former` is nothing that it could refer to.
  virtual Task<bool> restore(const Serving& former, const Shelved& bound) = 0;
  // A restore that has not ended by then is given up.
  virtual Duration restore_deadline() const { return limits::renewal::clean_up_deadline; }
};

}  // namespace certferry
