#include "engine/renewal.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/renewal.h"
#include "crypto/certificate_request.h"
#include "crypto/verify_issued.h"
#include "engine/going_back.h"
#include "engine/order_ends.h"
#include "outside/timed_step.h"

namespace certferry {
namespace {

// The certificate whose successor is asked for, as its CA names it (RFC 9773 section 5); "" where there is none, or it
// is another CA's.
std::string replaced_by(const CertificateSpec& wanted, Trades& trades) {
  const auto& newest = trades.record.get().newest;
  if (!newest || newest->specification.directory != wanted.directory) return "";
  const Certificate& leaf = newest->issued.chain.leaf;
  const bool shares_a_name =
      std::ranges::any_of(wanted.names, [&](const DomainName& name) { return std::ranges::count(leaf.names(), name); });
  if (!shares_a_name || !leaf.authority_key_id() || trades.time.now() >= leaf.not_after()) return "";
  return ari_certificate_id(leaf);
}

// No order is spent on names whose records could go nowhere. Of a name that had a certificate the CA may remember the
// proof, and want no record.
Task<> have_places(const CertificateSpec& wanted, Trades& trades) {
  const auto& newest = trades.record.get().newest;
  std::vector<DomainName> fresh = wanted.names;
  if (newest) std::erase_if(fresh, [&](const auto& name) { return newest->issued.chain.leaf.covers(name); });
  co_await trades.challenges.find_places(fresh);
}

// Another certificate may have heard in between that the CA has the account no longer: an order that is asked for, or
// found, by another one would not be this generation's.
void require_its_account(const Journal& journal, const Trades& trades) {
  if (trades.ca.account().url != journal.account())
    throw Failure(Failure::Kind::transient, "the account at the CA changed meanwhile",
                  "Run certferry again; it begins a new order");
}

Task<OrderUrl> new_order(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  require_its_account(journal, trades);
  const OrderUrl url = co_await trades.ca.new_order(wanted, replaced_by(wanted, trades));
  note_expiry(url, trades, journal);
  co_return url;
}

enum class Ordered { before, now };  // by a former run, or by this one

// Proves that the challenges are met, with their records published meanwhile. A former run may have answered them: then
// the CA may be looking for their records already, whether it shows that or not.
Task<> prove_control(const acme::Order& order, Ordered ordered, Trades& trades, const Journal& journal) {
  auto records = co_await trades.ca.open_challenges(order);  // none where the CA trusts an earlier proof
  if (records.empty()) co_return;
  const TxtOwner owner{journal.certificate(), journal.generation(), journal.epoch(), trades.time.now()};
  const auto validating = [&] { return trades.ca.answer(order); };
  const Work answer = [&]() -> Task<> {
    co_await timed_step(trades.outside.log, trades.outside.clock, journal.certificate().text(), "validation",
                        validating);
  };
  const auto in_flight = [&] {
    return (ordered == Ordered::before || trades.ca.answered(order.url)) && !trades.ca.settled(order.url);
  };
  co_await trades.challenges.while_published(std::move(records), owner, answer, in_flight);
}

constexpr const char* unopened_note = "unopened";  // in the journal: the generation's key does not open

// Unsealed and compared before the CA hears of it (I1). What refuses that may be put right, such as a permission; but
// what the key was sealed by may be gone for good, and the next generation's is sealed by what is there now.
Task<PrivateKey> opened_key(const KeyRef& ref, Trades& trades, Journal& journal) {
  std::optional<PrivateKey> key;
  std::optional<Failure> refused;
  try {
    key = co_await trades.keys.open(ref);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    refused = failure;
  }
  if (key) {
    co_await note_no_longer(unopened_note, journal);
    co_return *key;
  }
  const auto since = co_await in_vain_since(unopened_note, journal, trades);
  if (!since) throw Failure{*refused};
  throw Failure(Failure::Kind::dead_generation, fmt::format("{}; so it is since {}", refused->what(), humane(*since)),
                "Run certferry again; it begins a new generation, with a key of its own");
}

// An order that was asked for, and may be in a list over which the CA fails, is left to end by itself in the end.
Task<std::optional<OrderUrl>> find_order(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  require_its_account(journal, trades);
  std::optional<Failure> failed;
  try {
    const auto url = co_await trades.ca.find_order(wanted);
    if (url) note_expiry(*url, trades, journal);
    co_return url;
  } catch (const Failure& failure) {
    failed = failure;
  }
  const auto intended = journal.intended_at("order");
  const bool old = intended && trades.time.now() - *intended >= failing_waited_for(trades);
  if (failed->kind() == Failure::Kind::fenced || !old || !co_await trades.ca.account_stands()) throw Failure{*failed};
  co_return std::nullopt;
}

Task<Issued> finalized(const acme::Order& order, Bytes csr, Trades& trades, const Journal& journal) {
  const auto finalizing = [&] { return trades.ca.finalize(order, csr, journal.generation()); };
  co_return co_await timed_step(trades.outside.log, trades.outside.clock, journal.certificate().text(), "finalize",
                                finalizing);
}

// What the target served before its last installation, which the next one forgets within its grace.
Task<> keep_for_its_grace(Target& target, Trades& trades) {
  const auto& targets = trades.record.get().targets;
  const auto known = targets.find(std::string{target.id()});
  if (known == targets.end() || !known->second.former || !known->second.former_until) co_return;
  const WallTime until = *known->second.former_until;
  if (until > trades.time.now()) co_await trades.shelves.keep(target, known->second.former->reference, until);
}

}  // namespace

Task<KeyRef> key_of_generation(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  co_return co_await journal.step("key", [&] {
    const auto begun = journal.former_epoch() ? KeyRing::Begun::before : KeyRing::Begun::now;
    return trades.keys.create(journal.certificate(), journal.generation(), wanted.key_type, begun);
  });
}

Task<Issued> issue(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  const KeyRef ref = co_await key_of_generation(wanted, trades, journal);
  const PrivateKey key = co_await opened_key(ref, trades, journal);
  if (!journal.begun("order")) co_await have_places(wanted, trades);
  const Ordered ordered = journal.done_at("order") ? Ordered::before : Ordered::now;
  const OrderUrl url = co_await journal.step(
      "order", [&] { return new_order(wanted, trades, journal); }, [&] { return find_order(wanted, trades, journal); });
  const auto obtain = [&]() -> Task<Issued> {
    std::optional<Failure> failed;
    try {
      // Pending, ready, processing or valid: every state goes on from here.
      const acme::Order order = co_await trades.ca.order(url, noted_expiry(journal));
      co_await note_told(order, journal);
      co_await prove_control(order, ordered, trades, journal);
      const Issued issued = co_await finalized(order, certificate_request(key, wanted.names), trades, journal);
      if (on(Guard::verify_issued))  // nothing unchecked is ever recorded (I5)
        verify_issued(issued, key.public_part(), wanted.names, trades.time.now());
      co_return issued;
    } catch (const Failure& failure) {
      failed = failure;
    }
    const Failure ended = co_await ended_where_old(*failed, url, journal, trades);
    if (ended.kind() != Failure::Kind::fenced && ended.kind() != Failure::Kind::dead_generation)
      co_await note_pending(url, journal, trades);
    throw Failure{ended};
  };
  co_return co_await journal.step("certificate", obtain);
}

Task<Installation> install(const Issued& issued, const KeyRef& ref, const CertificateSpec& wanted, Target& target,
                           Duration retire_after, Trades& trades) {
  const Serving seen = co_await target.look();
  if (trades.installs.proven(target, seen, issued)) co_return Installation{Installation::End::kept};
  if (auto back = trades.installs.rolled_back(target, seen, issued); back && !trades.retry)
    co_return Installation{Installation::End::paused, {}, std::move(back)};
  co_await trades.installs.end_pause(target, issued);
  const Installs::Worth worth = [&](const Serving& before) { return worth_restoring(before, target, wanted, trades); };
  co_await keep_for_its_grace(target, trades);
  const Serving former = co_await trades.installs.note(target, seen, issued, worth);  // before the first change
  // Of what is there now: what was replaced by a run that died is not kept by leaving its successor unproven.
  if (const auto held = permit(seen, issued, wanted, trades.record.get(), std::string{target.id()}, trades.roots,
                               trades.time.now(), trades.permits)) {
    co_await trades.installs.hold(target, *held);  // never worse than before (I7): a value, no Failure
    co_return Installation{Installation::End::held};
  }
  const PrivateKey key = co_await trades.keys.open(ref);  // only now: a look costs no Decrypt
  const Shelved shelved = co_await trades.shelves.put(target, trades.record.get().id, issued, key);
  co_await trades.time.hear_others();  // IAM may be the first who was heard
  const Proof proof = co_await bound_or_restored(target, shelved, seen, former, issued, wanted, trades);
  // Starts the clock of what was there before.
  co_await trades.installs.prove(target, seen, issued, proof, retire_after);
  co_return Installation{Installation::End::installed, proof};
}

}  // namespace certferry
