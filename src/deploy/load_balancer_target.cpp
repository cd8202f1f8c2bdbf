#include "deploy/load_balancer_target.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/aws.h"
#include "base/limits/elb.h"
#include "base/limits/iam.h"
#include "base/limits/renewal.h"
#include "deploy/iam_shelf.h"
#include "outside/timed_step.h"
#include "probe/live_look.h"

namespace certferry {
namespace {

void add_note(Serving& serving, std::string_view note) {
  if (!serving.note.empty()) serving.note += "; ";
  serving.note += note;
}

// Why a shelf has nothing to read behind a reference.
std::string why_not_read(const std::string& reference, const Shelf& shelf) {
  const auto theirs = server_certificate_account(reference), ours = IamShelf::account_in(shelf.id());
  if (!theirs) return "certificates are read in IAM alone";
  if (ours && *ours != *theirs) return fmt::format("it is of account {}, and we read in {}", *theirs, *ours);
  return "IAM has none of that name";
}

// Whether the shelf would have it, if anybody had.
bool names_one_on(const Shelf& shelf, const std::string& reference) {
  const auto theirs = server_certificate_account(reference);
  return theirs && theirs == IamShelf::account_in(shelf.id());
}

// Whether a certificate that was shown is the one that the slot refers to: by its body, or where IAM has lost that by
// its name, which says which one of ours it is.
bool is_referred_to(const Chain& shown, const Serving& serving, const Shelf& shelf) {
  if (serving.body) return shown.leaf == serving.body->leaf;
  return serving.damaged && serving.reference.ends_with("/" + shelf.name_for(Issued{.chain = shown, .url = ""}));
}

Failure changed_by_others(const Target& target, const std::string& expected, const std::string& found) {
  return {Failure::Kind::conflict,
          fmt::format("{}: it refers to {} where {} was expected: somebody else changed it", target.name(),
                      found.empty() ? "nothing" : quoted(found), expected.empty() ? "nothing" : expected),
          "Run certferry again: it looks at what is there now"};
}

// AWS's CertificateNotFound, to the end of the time in which a fresh certificate becomes known.
Failure never_found(const Target& target, const Failure& said) {
  return Failure{Failure::Kind::transient,
                 fmt::format("{}: load balancers did not find the certificate within {}: {}", target.name(),
                             humane(limits::iam::not_found_deadline), said.what()),
                 "Run `certferry apply` again; until then the listener serves what it served"}
      .with_code(said.code());
}

bool covers_all_of(const Certificate& covering, const Certificate& other) {
  const auto names = covering.names();
  return std::ranges::all_of(other.names(), [&](const DomainName& name) {
    return std::ranges::any_of(
        names, [&](const DomainName& ours) { return name == ours || (!name.wildcard() && name.covered_by(ours)); });
  });
}

Duration grown(Duration pause, Duration longest) {
  const auto next =
      static_cast<Duration::rep>(static_cast<double>(pause.count()) * limits::iam::not_found_retry_growth);
  return std::min(Duration{next}, longest);
}

}  // namespace

Task<Serving> LoadBalancerTarget::look() {
  const Slot slot = co_await describe(Asked::together);
  Serving serving;
  serving.reference = slot.reference;
  serving.ours = !slot.reference.empty() && shelf_.ours(slot.reference);
  co_await read_body(serving);
  handshake_tells_ = false;
  answered_.clear();
  if (proving_.verify != Verify::api) co_await look_from_outside(slot, serving);
  serving.unreadable = !serving.reference.empty() && !serving.body;
  co_return serving;
}

Task<std::optional<Serving>> LoadBalancerTarget::look_if_there() {
  try {
    co_return co_await look();
  } catch (const Failure& failure) {
    if (failure.code() != no_slot_code) throw;
  }
  co_return std::nullopt;
}

Failure LoadBalancerTarget::no_slot(std::string what, std::string next) {
  return Failure{Failure::Kind::refused, std::move(what), std::move(next)}.with_code(std::string{no_slot_code});
}

Task<> LoadBalancerTarget::read_body(Serving& serving) {
  if (serving.reference.empty()) co_return;
  try {
    serving.body = co_await shelf_.read(serving.reference);
    if (serving.body) co_return;
    add_note(serving, why_not_read(serving.reference, shelf_));
    // IAM lets one be deleted whose use its load balancer did not tell it: nodes show their copies for a while yet.
    serving.damaged = serving.ours && names_one_on(shelf_, serving.reference);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    add_note(serving, failure.what());
  }
}

Task<> LoadBalancerTarget::look_from_outside(const Slot& slot, Serving& serving) {
  const KeyType served =
      serving.body ? serving.body->leaf.public_key().type().value_or(proving_.key_type) : proving_.key_type;
  // What cannot be read is shown without SNI alone: by the name, another of the listener's list may answer for it.
  const std::string sni = serving.body || serving.reference.empty() ? proving_.sni : "";
  std::vector<Shown> seen;
  try {
    seen = co_await look_at_with_any_key(outside_, slot.dns_name, slot.port, sni, served);
  } catch (const Failure& failure) {
    add_note(serving, failure.what());
  }
  answered_ = answering(seen);
  handshake_tells_ = !answered_.empty();
  for (const Shown& shown : seen) {
    const bool tells = shown.chain && is_referred_to(*shown.chain, serving, shelf_);
    if (!shown.chain) add_note(serving, shown.trouble);
    if (shown.chain && !tells) handshake_tells_ = false;
    // Of several, the one that says something else than the slot.
    if (shown.chain && (!serving.shown || !tells)) serving.shown = shown.chain;
  }
}

Task<> LoadBalancerTarget::bind(const Shelved& next, const Serving& seen) {
  const Work binding = [&]() -> Task<> { co_await change(next.reference, seen.reference); };
  co_await timed_step(outside_.log, outside_.clock, std::string{id()}, "bind", binding);
}

Task<std::optional<Failure>> LoadBalancerTarget::tried(const std::string& next) {
  try {
    co_await refer_to(next);
  } catch (const Failure& failure) {
    const bool unheard = failure.kind() == Failure::Kind::outcome_unknown;
    if (!unheard && failure.code() != "CertificateNotFound") throw;
    co_return failure;
  }
  co_return std::nullopt;
}

Task<> LoadBalancerTarget::change(const std::string& next, const std::string& from) {
  const SteadyTime end = outside_.clock.steady() + limits::iam::not_found_deadline;
  std::optional<Failure> not_yet;
  int unheard = 0;
  for (Duration pause = limits::iam::not_found_retry_first;;
       pause = grown(pause, limits::iam::not_found_retry_longest)) {
    const std::string now = (co_await describe(Asked::at_once)).reference;
    // Where it was there already, nobody knows whether whoever bound it was heard, nor for which upload of that name.
    if (now == next && (now != from || unheard > 0)) {
      if (unheard > 0) last_change_ = Change{from, next, outside_.clock.steady() + limits::elb::told_deadline};
      co_return;
    }
    if (now != from && on(Guard::compare_before_bind)) throw changed_by_others(*this, from, now);
    if (unheard == limits::aws::attempts) throw Failure{*not_yet};
    not_yet = co_await tried(next);
    if (!not_yet) break;
    const Duration left = end - outside_.clock.steady();
    if (not_yet->kind() == Failure::Kind::outcome_unknown)
      ++unheard;
    else if (left <= Duration::zero())
      throw never_found(*this, *not_yet);
    const Duration wait = std::clamp(left, Duration::zero(), pause);  // the last try is when the time is over
    outside_.log.debug(fmt::format("{}: {}; again in {}", name(), not_yet->what(), humane(wait)));
    co_await outside_.clock.sleep(wait);
  }
  last_change_ = Change{from, next, outside_.clock.steady() + limits::elb::told_deadline};
  const std::string after = (co_await told()).reference;
  if (after != next) throw changed_by_others(*this, next, after);
}

Task<LoadBalancerTarget::Slot> LoadBalancerTarget::told() {
  for (Duration pause = limits::elb::told_retry_first;; pause = grown(pause, limits::elb::told_retry_longest)) {
    Slot slot = co_await describe(Asked::at_once);
    if (!last_change_ || last_change_->from == last_change_->next || slot.reference != last_change_->from)
      co_return slot;
    const Duration left = last_change_->told_by - outside_.clock.steady();
    if (left <= Duration::zero()) co_return slot;
    const Duration wait = std::min(left, pause);
    outside_.log.debug(fmt::format("{}: it is not told of yet that it refers to {}; another look in {}", name(),
                                   last_change_->next, humane(wait)));
    co_await outside_.clock.sleep(wait);
  }
}

Task<Proof> LoadBalancerTarget::verify(const Issued& issued, const Serving& former, const Given& given) {
  const bool told_before = former.shown && is_referred_to(*former.shown, former, shelf_);
  const bool by_handshake = proving_.verify == Verify::handshake ||
                            (proving_.verify == Verify::automatic && (handshake_tells_ || told_before));
  if (!by_handshake && proving_.verify == Verify::automatic)
    outside_.log.warn(
        fmt::format("{}: verified by the word of the API alone, for no handshake from here showed the "
                    "certificate that it served before; verify = \"api\" says that this is known",
                    name()));
  const Work verifying = [&]() -> Task<> {
    const Slot slot = co_await verify_by_api(issued);
    co_await take_off_what_is_replaced(slot, former, given, issued);
    if (!by_handshake) co_return;
    co_await await_shown(outside_, slot.dns_name, slot.port, proving_.sni, issued.chain.leaf, answered_,
                         limits::renewal::verified_in_a_row, limits::renewal::verify_deadline);
  };
  co_await timed_step(outside_.log, outside_.clock, std::string{id()}, "verify", verifying);
  co_return by_handshake ? Proof::handshake : Proof::api;
}

// Who has an older policy may not: whether that matters, handshakes tell.
Task<> LoadBalancerTarget::take_off_what_is_replaced(const Slot& slot, const Serving& former, const Given& given,
                                                     const Issued& issued) {
  std::string at = "what is on its list";
  try {
    for (const std::string& one : co_await listed()) {
      at = one;
      if (one != slot.reference && co_await is_replaced(one, former, given, issued)) co_await take_off_the_list(one);
    }
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    outside_.log.warn(fmt::format("{}: {} may still be shown: {} -> {}", name(), at, failure.what(), failure.next()));
  }
}

// One that somebody needs for a name that the new one has not is left alone.
Task<bool> LoadBalancerTarget::is_replaced(const std::string& one, const Serving& former, const Given& given,
                                           const Issued& issued) {
  if (shelf_.ours(one) && co_await given(one)) co_return true;
  const Chain* before = former.certificate();
  if (one != former.reference || !before) co_return false;
  const bool over = before->leaf.not_after() <= client_.service_time();
  co_return over || covers_all_of(issued.chain.leaf, before->leaf);
}

Task<LoadBalancerTarget::Slot> LoadBalancerTarget::verify_by_api(const Issued& issued) {
  const Slot slot = co_await told();
  const std::string& reference = slot.reference;
  const auto body = co_await shelf_.read(reference);
  if (body && body->leaf == issued.chain.leaf) co_return slot;
  throw Failure(Failure::Kind::conflict,
                fmt::format("{}: it refers to {}, which is not the certificate that it was given", name(),
                            reference.empty() ? "nothing" : quoted(reference)),
                "Run certferry again: it looks at what is there now");
}

Task<bool> LoadBalancerTarget::restore(const Serving& former, const Shelved& bound) {
  if (former.reference.empty()) co_return false;
  if ((co_await told()).reference != bound.reference) co_return false;
  const Work restoring = [&]() -> Task<> { co_await change(former.reference, bound.reference); };
  co_await timed_step(outside_.log, outside_.clock, std::string{id()}, "restore", restoring);
  co_return true;
}

}  // namespace certferry
