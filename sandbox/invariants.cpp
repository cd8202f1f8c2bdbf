#include "sandbox/invariants.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

#include "base/failure.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::sandbox {
namespace {

constexpr Duration look_is_old = hours(1);           // of whoever deletes something then
constexpr Duration bound_after_a_look = minutes(5);  // at most, with every repetition of the request
constexpr Duration clocks_differ_by = minutes(10);
constexpr int emergency_share = 20;  // the last twentieth of a certificate's life: anything valid is better

using References = std::map<std::string, std::string>;  // ARNs by the listener's name

template <class Say>
References by_listener(World& world, Say say) {
  References all;
  for (const auto& [name, balancer] : world.classic().by_name)
    for (const auto& [port, listener] : balancer.listeners)
      all[fmt::format("classic/{}:{}", name, port)] = say(listener);
  for (const auto& [name, balancer] : world.load_balancers().by_name)
    for (const auto& entry : balancer.listeners) all[entry.arn] = say(entry.listener);
  return all;
}

// What it refers to by default.
References references_in(World& world) {
  return by_listener(world, [](const SimulatedListener& listener) { return listener.certificate; });
}

// The same as whoever asks is told.
References told_in(World& world, WallTime now) {
  return by_listener(world, [now](const SimulatedListener& listener) { return listener.told(now); });
}

const CaCertificate* of_ca(World& world, const Certificate& leaf) {
  for (const auto& [url, known] : world.ca().certificates)
    if (known.chain.leaf == leaf) return &known;
  return nullptr;
}

bool covers_any(const Certificate& leaf, const Certificate& other) {
  return std::ranges::any_of(other.names(), [&](const DomainName& name) { return leaf.covers(name); });
}

bool in_emergency(const Certificate& leaf, WallTime now) {
  return leaf.not_after() - now <= leaf.lifetime() / emergency_share;
}

bool unusable(const Certificate& former, const Certificate& next, WallTime now) {
  return former.self_signed() || former.not_after() <= now || !covers_any(former, next);
}

// A reason why a certificate that ends earlier may take this one's place.
bool may_be_shortened(World& world, const Certificate& former, const Certificate& next, WallTime now) {
  const CaCertificate* ours = of_ca(world, former);
  if (ours == nullptr) return true;                           // foreign: first adoption
  if (former.not_before() <= next.not_before()) return true;  // lifetimes fall
  return ours->revoked || in_emergency(former, now) || world.ca().renewal_window(*ours, now).first <= now;
}

// Whether whoever has this one wants another, whatever of the CA's windows was heard: for an hour at least, in which
// what was begun before has ended.
bool surely_due(World& world, const Certificate& leaf, WallTime now) {
  const CaCertificate* ours = of_ca(world, leaf);
  if (ours == nullptr) return false;
  const Duration left_when_due = leaf.lifetime() / 3 - leaf.lifetime() / 100;  // at the end of the usual window
  const bool usually_due = leaf.not_after() - now <= left_when_due - hours(1);
  return in_emergency(leaf, now - hours(1)) || (usually_due && world.ca().renewal_window(*ours, now).second <= now);
}

bool covers_all(const Certificate& leaf, const Certificate& other) {
  return std::ranges::all_of(other.names(), [&](const DomainName& name) { return leaf.covers(name); });
}

std::vector<DomainName> sorted(std::vector<DomainName> names) {
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::string worsening(World& world, const Chain& former, const Chain& next, WallTime now, bool fewer_names) {
  const auto valid = [&](const Certificate& leaf) { return !leaf.self_signed() && leaf.not_after() > now; };
  if (valid(former.leaf) && !valid(next.leaf)) return "what nobody issued, or is over, took the place of a valid one";
  if (unusable(former.leaf, next.leaf, now)) return "";
  const Roots roots = world.roots();
  const bool trusted = !roots.objection(next, now);
  if (!trusted && (!roots.objection(former, now) || of_ca(world, former.leaf) == nullptr))
    return "an untrusted certificate took the place of a trusted or foreign one";
  const bool may_drop = fewer_names && of_ca(world, former.leaf) != nullptr;
  for (const DomainName& name : former.leaf.names())
    if (!may_drop && !next.leaf.covers(name)) return fmt::format("{} is no longer covered", name.text());
  const bool earlier = next.leaf.not_after() < former.leaf.not_after();
  const bool same_specification = next.leaf.names() == former.leaf.names() &&  // as far as can be seen from outside
                                  next.leaf.public_key().type() == former.leaf.public_key().type();
  if (earlier && same_specification && !may_be_shortened(world, former.leaf, next.leaf, now))
    return fmt::format("it ends {} instead of {}, and nothing asked for that", iso8601(next.leaf.not_after()),
                       iso8601(former.leaf.not_after()));
  const bool as_trusted = trusted != roots.objection(former, now).has_value();
  if (earlier && as_trusted && covers_all(former.leaf, next.leaf) && surely_due(world, next.leaf, now))
    return fmt::format("it ends {} instead of {}, and is to be renewed itself", iso8601(next.leaf.not_after()),
                       iso8601(former.leaf.not_after()));
  return "";
}

std::string defect(const Presented& given, WallTime now) {
  const Chain& chain = given.chain;
  if (chain.leaf.not_before() > now || chain.leaf.not_after() <= now) return "it is outside its dates";
  if (!chain.leaf.allows_server_auth()) return "it is not for servers";
  if (!(given.key.public_part() == chain.leaf.public_key())) return "its key is another";
  const Certificate* last = &chain.leaf;
  for (const Certificate& next : chain.intermediates) {
    if (!last->issued_by(next)) return "its chain is broken";
    last = &next;
  }
  return "";
}

bool may_go_back(Duration after, bool proven) { return after <= (proven ? going_back_takes : going_back_takes_most); }

struct Invariants::State {
  World& world;
  bool listening = true;
  std::vector<std::string> violations;
  References references;                      // as of the last event
  std::map<std::string, Presented> contents;  // of certificates referred to, deleted ones too, by ARN
  std::set<std::string> allowed_worse, reported;
  std::set<std::pair<std::vector<DomainName>, std::vector<DomainName>>>
      allowed_fewer;  // sorted: of the former, the next
  struct Replaced {
    std::string arn;
    WallTime at;
    bool late = false;       // nobody may know
    bool half_done = false;  // one of ours that was never proven there: nobody goes back to it
  };
  // By listener and certificate: whose place it took there, each time.
  std::map<std::pair<std::string, std::string>, std::vector<Replaced>> replaced;
  std::set<std::vector<DomainName>> parallel_orders;
  std::map<std::vector<DomainName>, std::string>
      parallel_already;  // the newest order, by URL, from before these names were forbidden again
  std::map<std::pair<std::string, Bytes>, std::string> order_of_key;  // by account and key
  std::map<std::string, WallTime> since;                              // when each listener was seen to refer to another
  std::set<std::string> unseen;  // listeners that others changed, and nobody has looked at since: AWS compares nothing
  WallTime went_on{};            // when somebody who had stood still did so last
  std::size_t deletions_seen = 0, refusals_seen = 0;
  Proven proven;
  Duration grace{0};

  explicit State(World& watched) : world(watched), references(references_in(watched)) { remember(); }

  void report(const Event& event, const std::string& what) {
    if (reported.insert(what).second)
      violations.push_back(
          fmt::format("{} at {}, {} {} {}", what, iso8601(event.at), event.service, event.operation, event.object));
  }
  void remember() {
    for (const auto& [listener, arn] : references)
      if (const auto* found = world.server_certificates().by_arn(arn)) contents.insert_or_assign(arn, found->content);
  }

  void deletions(const Event& event) {
    const auto& deleted = world.server_certificates().deleted_in_use;
    for (; deletions_seen < deleted.size(); ++deletions_seen)  // late: somebody bound it after its sender had looked
      if (!event.late) report(event, fmt::format("I4: {} was deleted in use", deleted[deletions_seen]));
    const auto& refused = world.server_certificates().refused_in_use;
    for (; refusals_seen < refused.size(); ++refusals_seen)
      if (!event.late) could_have_been_seen(event, refused[refusals_seen]);
    if (event.late || !event.changed || event.operation != "DeleteServerCertificate") return;
    for (const auto& [listener, arn] : references)
      if (arn.ends_with("/" + event.object) && contents.contains(arn) &&
          world.server_certificates().by_arn(arn) == nullptr)
        report(event, fmt::format("I4: {} refers to {}, which is gone", listener, arn));
    within_its_grace(event);
  }

  // Nobody can go back to it any more from what took its place, where that is still there.
  void within_its_grace(const Event& event) {
    for (const auto& [place, befores] : replaced) {
      const auto there = references.find(place.first);
      if (there == references.end() || there->second != place.second) continue;
      for (const Replaced& before : befores) {
        const auto known = contents.find(before.arn);
        if (before.late || before.half_done || !before.arn.ends_with("/" + event.object) || known == contents.end())
          continue;
        const bool over = known->second.chain.leaf.not_after() <= event.at;
        if (const Duration ago = event.at - before.at; !over && ago + clocks_differ_by < grace)
          report(event,
                 fmt::format("I4: {} was deleted {} after {} was given another", before.arn, humane(ago), place.first));
      }
    }
  }

  // That IAM noticed is no merit of who asked: AWS's word for it is that it may not.
  void could_have_been_seen(const Event& event, const std::string& arn) {
    for (const auto& [listener, reference] : references) {
      const auto changed = since.find(listener);
      const bool long_ago = changed == since.end() || event.at - changed->second > look_is_old;
      if (reference == arn && long_ago)
        report(event, fmt::format("I4: {} was to be deleted, to which {} refers for long", arn, listener));
    }
  }

  static bool looks_at(const Event& event, const std::string& listener) {
    if (event.service == "elbv2") return event.operation == "DescribeListeners" && event.object.contains(listener);
    const std::string_view place = std::string_view{listener}.substr(listener.find('/') + 1);  // NAME:PORT
    return event.service == "elb" && event.operation == "DescribeLoadBalancers" &&
           event.object.contains(place.substr(0, place.find(':')));
  }

  // Only the listener that the event names was changed by it; others were changed by the test, and are taken as found.
  void listeners(const Event& event) {
    auto present = references_in(world);
    const auto told = event.operation.starts_with("Describe") ? told_in(world, event.at) : References{};
    const bool by_request = event.changed && (event.service == "elb" || event.service == "elbv2");
    for (const auto& [listener, arn] : present) {
      const std::string former = references.contains(listener) ? references.at(listener) : "";
      const bool meant = event.service == "elb" ? listener == "classic/" + event.object : listener == event.object;
      const bool bound = by_request && meant && arn != former;
      if (bound) binding(event, listener, former, arn);
      if (arn != former) since.insert_or_assign(listener, event.at);
      if (bound || (looks_at(event, listener) && told.at(listener) == arn))
        unseen.erase(listener);
      else if (arn != former)
        unseen.insert(listener);
    }
    references = std::move(present);
    remember();
  }

  // Whether `former` took the place of `arn`, or of one of ours that was never proven and did, before `until`.
  bool was_behind(const std::string& listener, const std::string& former, const std::string& arn, WallTime now,
                  WallTime until, bool stays) const {
    const auto taken = replaced.find({listener, former});
    if (taken == replaced.end()) return false;
    return std::ranges::any_of(taken->second, [&](const Replaced& before) {
      if (before.at > until) return false;
      if (before.arn == arn && may_go_back(now - before.at, stays)) return true;
      return was_half_done(listener, before.arn) &&
             was_behind(listener, before.arn, arn, now, before.at - milliseconds(1), stays);
    });
  }

  bool was_half_done(const std::string& listener, const std::string& arn) const {
    const auto known = contents.find(arn);
    if (known == contents.end() || !proven) return false;
    const Certificate& leaf = known->second.chain.leaf;
    return of_ca(world, leaf) != nullptr && !proven(listener, leaf.fingerprint());
  }

  // former: what it refers to until now. Somebody else may have put a third one there in between.
  bool goes_back(const std::string& listener, const std::string& former, const std::string& arn, WallTime now) const {
    const auto known = contents.find(arn), left = contents.find(former);
    const auto taken = replaced.find({listener, former});
    if (taken == replaced.end() || known == contents.end() || left == contents.end()) return false;
    const bool stays = proven && proven(listener, left->second.chain.leaf.fingerprint());
    if (!was_behind(listener, former, arn, now, now, stays)) return false;
    const Certificate& leaf = known->second.chain.leaf;
    return !leaf.self_signed() && leaf.not_after() > now;
  }

  bool fewer_wanted(const Certificate& former, const Certificate& next) const {
    return allowed_fewer.contains({sorted(former.names()), sorted(next.names())});
  }

  // What others put there right after the look of whoever binds is bound over by anybody.
  void unlooked_at(const Event& event, const std::string& listener) {
    const WallTime put = since.at(listener);
    if (event.at - std::max(put, went_on) > bound_after_a_look)
      report(event,
             fmt::format("I7: {} was given another than what somebody had put there {} ago, and nobody had looked",
                         listener, humane(event.at - put)));
  }

  void binding(const Event& event, const std::string& listener, const std::string& former, const std::string& arn) {
    const auto* next = world.server_certificates().by_arn(arn);
    if (next == nullptr) return;
    const bool allowed = allowed_worse.erase(listener) == 1;
    const CaCertificate* ours = of_ca(world, next->content.chain.leaf);
    const auto before = contents.find(former);
    const bool rollback = goes_back(listener, former, arn, event.at);
    replaced[{listener, arn}].push_back({former, event.at, event.late, was_half_done(listener, former)});
    const WallTime valid_until = next->content.chain.leaf.not_after() - milliseconds(1);
    const WallTime sent = event.late ? std::min(event.at, valid_until) : event.at;  // it may be over since
    if (const std::string why = defect(next->content, sent); !why.empty() && (ours != nullptr || !rollback))
      report(event, fmt::format("I5: {} was given {}: {}", listener, arn, why));
    if (before == contents.end() || allowed || rollback || event.late) return;
    if (unseen.contains(listener)) return unlooked_at(event, listener);
    const Chain &was = before->second.chain, &is = next->content.chain;
    // Of one of ours that somebody deleted from IAM no new node of the load balancer can show anything.
    const bool gone = world.server_certificates().by_arn(former) == nullptr;
    const bool fewer = gone || fewer_wanted(was.leaf, is.leaf);
    if (const std::string why = worsening(world, was, is, event.at, fewer); !why.empty())
      report(event, fmt::format("I7: {} was given {}: {}", listener, arn, why));
  }

  bool open(const CaOrder& order, WallTime now) const {
    return order.answered && order.status != "valid" && order.status != "invalid" && order.expires > now &&
           !failed(order);
  }

  // No certificate comes of it, though the CA leaves it pending with the authorization of a challenge that is invalid.
  bool failed(const CaOrder& order) const {
    return std::ranges::any_of(order.authorizations, [&](const std::string& proof) {
      const auto& challenges = world.ca().authorizations.at(proof).challenges;
      return std::ranges::any_of(challenges, [](const CaChallenge& one) { return one.status == "invalid"; });
    });
  }

  // What both have in common was answered once, for both.
  bool answered_by_itself(const CaOrder& order, const CaOrder& other) const {
    return std::ranges::any_of(order.authorizations, [&](const std::string& proof) {
      if (std::ranges::find(other.authorizations, proof) != other.authorizations.end()) return false;
      const auto& challenges = world.ca().authorizations.at(proof).challenges;
      return std::ranges::any_of(challenges, [](const CaChallenge& one) { return one.status != "pending"; });
    });
  }

  // One from before these names were forbidden again may be of a generation that was closed, and stay open by itself:
  // beside a later one it is excused while nobody goes on with it.
  bool excused(const Event& event, const CaOrder& gone_on_with, const CaOrder& other) const {
    const auto already = parallel_already.find(other.names);
    if (already == parallel_already.end()) return false;
    const std::string &older = std::min(gone_on_with.url, other.url), &newer = std::max(gone_on_with.url, other.url);
    if (older > already->second) return false;
    return newer <= already->second || older != gone_on_with.url || event.late;
  }

  void gone_on_with(const Event& event, const CaOrder& order) {
    if (parallel_orders.contains(order.names)) return;
    for (const auto& [url, other] : world.ca().orders)
      if (url != order.url && other.account == order.account && other.names == order.names &&
          other.profile == order.profile && open(other, event.at) && !excused(event, order, other) &&
          answered_by_itself(order, other) && answered_by_itself(other, order))
        report(event, fmt::format("I6: {} and {} are answered, open and alike", std::min(url, order.url),
                                  std::max(url, order.url)));
  }

  void answered(const Event& event) {
    for (const auto& [url, order] : world.ca().orders)
      if (open(order, event.at) && std::ranges::find(order.authorizations, event.object) != order.authorizations.end())
        gone_on_with(event, order);
  }

  void finalized(const Event& event) {
    const auto order = world.ca().orders.find(event.object);
    if (order == world.ca().orders.end() || !order->second.requested) return;
    gone_on_with(event, order->second);
    const Bytes key = order->second.requested->key.spki();
    const auto [first, fresh] = order_of_key.try_emplace({order->second.account, key}, order->first);
    if (first->second != order->first)
      report(event, fmt::format("I6: {} and {} were answered for one key", first->second, order->first));
  }

  void check(const Event& event) {
    deletions(event);
    listeners(event);
    if (event.service != "acme" || !event.changed) return;
    if (event.operation == "challenge") answered(event);
    if (event.operation == "finalize") finalized(event);
  }
};

Invariants::Invariants(World& world) : state_(std::make_shared<State>(world)) {
  world.on_event([state = state_](const Event& event) {
    if (state->listening) state->check(event);
  });
}

Invariants::~Invariants() { state_->listening = false; }

const std::vector<std::string>& Invariants::violations() const { return state_->violations; }

void Invariants::ask_what_is_proven(Proven proven) { state_->proven = std::move(proven); }

void Invariants::keep_formers_for(Duration grace) { state_->grace = grace; }

void Invariants::somebody_went_on(WallTime now) { state_->went_on = now; }

bool Invariants::is_proven(const std::string& place, const Fingerprint& certificate) const {
  return state_->proven && state_->proven(place, certificate);
}

void Invariants::allow_worse(const std::string& listener) { state_->allowed_worse.insert(listener); }

void Invariants::allow_fewer_names(const std::vector<DomainName>& former, const std::vector<DomainName>& next) {
  state_->allowed_fewer.insert({sorted(former), sorted(next)});
}

bool Invariants::fewer_names_are_wanted(const Certificate& former, const Certificate& next) const {
  return state_->fewer_wanted(former, next);
}

void Invariants::allow_parallel_orders(std::vector<DomainName> names) {
  std::ranges::sort(names);
  state_->parallel_orders.insert(std::move(names));
}

void Invariants::forbid_parallel_orders(std::vector<DomainName> names) {
  std::ranges::sort(names);
  state_->parallel_orders.erase(names);
  for (const auto& [url, order] : state_->world.ca().orders)
    if (order.names == names) state_->parallel_already[names] = url;  // the last one is the newest
}

std::vector<std::string> Invariants::leftover_challenges() const {
  std::vector<std::string> left;
  for (const SimulatedZone& zone : state_->world.zones().all)
    for (const RecordSets* sets : {&zone.sets, &zone.served})
      for (const auto& [key, set] : *sets)
        if (set.type == "TXT" && set.name.starts_with("_acme-challenge."))
          for (const std::string& value : set.values) left.push_back(set.name + " " + value);
  std::ranges::sort(left);
  const auto repeated = std::ranges::unique(left);
  left.erase(repeated.begin(), repeated.end());
  return left;
}

}  // namespace certferry::sandbox
