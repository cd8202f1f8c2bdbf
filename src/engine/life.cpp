#include "engine/life.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/renewal.h"
#include "config/keys_taken.h"
#include "engine/open_orders.h"
#include "engine/order_ends.h"
#include "engine/renewal.h"
#include "plan/schedule.h"
#include "state/swap.h"

namespace certferry {
namespace {

constexpr std::string_view ended_note = "ended";  // in the journal of a generation that never gave a certificate

const Json* done(const JournalView& journal, std::string_view name) {
  const Json* step = journal.steps.find(name);
  return step && step->text("state") == "done" ? step : nullptr;
}

// When the certificate that a generation gave expires; empty where it gave none yet.
std::optional<WallTime> expiry_of_issued(const JournalView& journal) {
  const Json* issued = done(journal, "certificate");
  if (!issued) return {};
  return from_json<Issued>(issued->at("value")).chain.leaf.not_after();
}

// Whether no certificate that anybody may still serve, or may yet be issued, is of this closed generation's key.
bool key_is_useless(const std::optional<JournalView>& journal, WallTime now) {
  if (!journal || journal->notes.find(ended_note) || !on(Guard::keys_outlive_orders)) return true;
  if (const auto expiry = expiry_of_issued(*journal)) return *expiry <= now;
  const Json* order = done(*journal, "order");  // before that no CA heard of the key
  return !order || from_json<WallTime>(order->at("at")) + limits::renewal::given_up_order_lives <= now;
}

// The CA has had too many requests for now, and says when it takes one again: nothing of this one failed.
bool tells_when(const Failure& failure) {
  return failure.kind() == Failure::Kind::throttled && failure.retry_after().has_value();
}

// One more failure in a row: the failure table says when to go on, sooner where the newest certificate ends meanwhile,
// and whoever refused may have said later. It climbs by what failed alone: those that wait for their turn would all be
// at its end by then, whatever the CA allows.
void count(Record& record, const Failure& failure, WallTime now) {
  FailureRecord& failures = record.failures;
  if (failures.count == 0 || !tells_when(failure)) ++failures.count;
  const int step = tells_when(failure) ? 1 : failures.count;
  const Duration pause = record.newest ? pause_after_failures(step, record.newest->issued.chain.leaf.not_after(), now)
                                       : pause_after_failures(step);
  failures.not_before = now + std::max(pause, failure.retry_after().value_or(Duration::zero()));
  failures.what = failure.what();
  failures.next = failure.next();
}

std::string given_up(int generation, std::string_view why) {
  return fmt::format("generation {} was given up: {}", generation, why);
}

// Of what is held for the reason that was planned: the plan knows of the other certificates, too.
void tell_remedies(const std::vector<Action>& planned, std::vector<Outcome>& outcomes) {
  for (Outcome& outcome : outcomes) {
    const auto same = std::ranges::find_if(planned, [&](const Action& action) {
      return action.target == outcome.target && action.kind == Action::Kind::hold && action.reason == outcome.what;
    });
    if (same != planned.end()) outcome.next = same->remedy;
  }
}

std::string undone_remedy(const std::string& target) {
  if (target.starts_with("files")) return "Change whatever puts the link there";
  return "Change it where it is written: certificate_arn in Terraform (or ignore_changes in its lifecycle), the "
         "annotation alb.ingress.kubernetes.io/certificate-arn of an Ingress, a CloudFormation template";
}

// It is installed, and will be undone again until somebody looks.
void tell_what_is_undone(const Installs& installs, std::vector<Outcome>& outcomes) {
  for (std::size_t i = 0, installed = outcomes.size(); i < installed; ++i) {
    const auto undone = installs.undone_again(outcomes[i].target);
    if (!undone) continue;
    Outcome told = outcomes[i];
    told.kind = Outcome::Kind::failed;
    told.what = fmt::format("somebody puts {} there in place of what is installed: {} times since {}",
                            quoted(undone->by), undone->how_often.count, humane(undone->how_often.since));
    told.next = undone_remedy(told.target);
    outcomes.push_back(std::move(told));
  }
}

std::string proven_by(Proof proof) {
  switch (proof) {
    case Proof::handshake:
      return "served and verified";
    case Proof::api:
      return "bound there, says AWS alone";
    case Proof::files:
      return "in place; no server was asked";
  }
  return "";
}

}  // namespace

// Why an open generation can give nothing that is wanted now; "" where it can.
Task<std::string> Life::why_not_go_on(int generation, const CertificateSpec& wanted) {
  if (claimed_.get().specification != wanted) co_return "its specification changed";
  const auto journal = co_await read_journal(store_, claimed_.get().id, generation);
  if (!journal) co_return "";
  // Its write was late. Who has lost the claim, and so finds epochs above its own, closes nothing: the record changed.
  if (journal->specification != wanted || journal->epoch > claimed_.epoch())
    co_return "its journal is of a life that was forgotten";
  if (!journal->account.empty() && journal->account != trades_.ca.account().url)
    co_return "the account at the CA changed";
  // Whoever obtained it was killed before it was in the record, and nobody came for as long as it lived.
  const auto expiry = expiry_of_issued(*journal);
  co_return expiry && *expiry <= trades_.time.now() ? "its certificate expired before it was installed" : "";
}

// Where there is one. Failure: fenced where the lease has ended.
Task<> Life::remove_journal(int generation) {
  const CertificateId& id = claimed_.get().id;
  co_await remove_value(store_, journal_key(id, generation), lease_, "removing an old journal of " + id.text());
}

Task<int> Life::open_generation(const CertificateSpec& wanted) {
  if (const auto open = claimed_.get().open_generation) {
    const std::string why = co_await why_not_go_on(*open, wanted);
    if (why.empty()) co_return *open;
    co_await close_open(why);
  }
  const WallTime now = trades_.time.stamp();
  // What is there of a number already is of a life that was forgotten, and was written late, or of a state that was put
  // back since: a key is for one generation, and the epochs of a journal are no measure of ours.
  const std::vector<int> keys = co_await vault_.generations(claimed_.get().id);
  int next = claimed_.get().last_generation + 1;
  while (std::ranges::binary_search(keys, next)) ++next;
  co_await remove_journal(next);
  co_await claimed_.entry().update([&](Record& changed) {
    changed.open_generation = changed.last_generation = next;
    change_specification(changed, wanted, now);
  });
  co_return *claimed_.get().open_generation;
}

Task<> Life::succeed(const Issued& issued, const KeyRef& key, const CertificateSpec& wanted) {
  const WallTime now = trades_.time.stamp();
  co_await claimed_.entry().update([&](Record& record) {
    record.previous = std::move(record.newest);
    record.newest = Record::Newest{issued, key, wanted};
    record.open_generation.reset();
    record.failures = FailureRecord{};
    remember_issued(record, now, issued);
  });
}

// Whoever obtained it was killed before it was in the record, or could not write that.
Task<bool> Life::take_up(const CertificateSpec& wanted) {
  const auto open = claimed_.get().open_generation;
  if (!open || claimed_.get().specification != wanted) co_return false;
  const auto journal = co_await read_journal(store_, claimed_.get().id, *open);
  if (!journal || journal->generation != *open || journal->specification != wanted) co_return false;
  const Json *certificate = done(*journal, "certificate"), *key = done(*journal, "key");
  if (!certificate || !key) co_return false;
  const auto issued = from_json<Issued>(certificate->at("value"));
  const auto ref = from_json<KeyRef>(key->at("value"));
  if (issued.chain.leaf.not_after() <= trades_.time.now()) co_return false;
  if (!co_await opens(ref, issued)) co_return false;
  co_await succeed(issued, ref, wanted);
  co_return true;
}

// What keeps it from that is told where it is needed.
Task<bool> Life::opens(const KeyRef& key, const Issued& issued) {
  try {
    const PrivateKey opened = co_await trades_.keys.open(key);
    co_return opened.public_part() == issued.chain.leaf.public_key();
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
  }
  co_return false;
}

// A generation of a former run that came to nothing while nobody was there is followed by the next at once, as are one
// whose account the CA has lost, one whose order lapsed or gave another certificate of ours, and one that never had
// one: where the CA refused nothing and no validation failed, nothing is counted against us, but a certificate that
// cannot be used.
Task<> Life::obtain(const CertificateSpec& wanted) {
  const std::optional<int> found_open = claimed_.get().open_generation;
  if (co_await obtained(wanted, found_open, Attempt::first)) co_return;
  co_await obtained(wanted, std::nullopt, Attempt::last);
}

// Whether another account took the place of the one that a generation was begun with. Its order is lost with that.
Task<bool> Life::account_replaced(std::string begun_with) {
  if (trades_.ca.has_lost(begun_with)) co_await trades_.replace_account(begun_with);
  co_return trades_.ca.account().url != begun_with;
}

// To another certificate of ours, whose instance was faster to finalize it.
Task<bool> Life::lost_its_order(const Journal& journal, const CertificateSpec& wanted) {
  const auto url = co_await order_of(store_, journal.certificate(), journal.generation());
  co_return url&& co_await ordered_by_another(store_, journal.certificate(), wanted, *url);
}

// Which the CA counts as one, whoever was there when it came. Not one that another certificate of ours asked for.
Task<bool> Life::gave_an_unfit_one(const Journal& journal, const CertificateSpec& wanted) {
  const auto url = co_await order_of(store_, journal.certificate(), journal.generation());
  co_return url&& trades_.ca.issued(*url) && !co_await lost_its_order(journal, wanted);
}

// False where the next generation may begin: it ended the one that was found open, its account was replaced, its order
// was lost to another certificate, or it came to none.
Task<bool> Life::obtained(const CertificateSpec& wanted, std::optional<int> found_open, Attempt attempt) {
  const std::string account = trades_.ca.account().url;
  const int generation = co_await open_generation(wanted);
  const auto journal = co_await Journal::open(
      store_, lease_, trades_.outside.clock, [&] { return trades_.time.stamp(); }, trades_.outside.log,
      Journal::Begin{claimed_.get().id, generation, wanted, claimed_.epoch(), account});
  std::exception_ptr failed;
  try {
    const Issued issued = co_await issue(wanted, trades_, *journal);
    const KeyRef key = co_await key_of_generation(wanted, trades_, *journal);
    co_await succeed(issued, key, wanted);
  } catch (const Failure&) {
    failed = std::current_exception();
  }
  if (!failed) co_return true;
  std::optional<Failure> failure;
  try {
    std::rethrow_exception(failed);
  } catch (const Failure& caught) {
    failure = caught;
  }
  if (failure->kind() == Failure::Kind::fenced) std::rethrow_exception(failed);
  if (attempt == Attempt::first && co_await account_replaced(account)) co_return false;
  if (failure->kind() == Failure::Kind::dead_generation) {
    const bool lapsed =
        !failure->rationed() && (generation == found_open ||
                                 (attempt == Attempt::first && (acme::is_lapse(*failure) || !journal->begun("order") ||
                                                                co_await lost_its_order(*journal, wanted))));
    const bool counts = !lapsed || co_await gave_an_unfit_one(*journal, wanted);
    co_await close_dead(*journal, *failure, lapsed, counts);
    if (lapsed) co_return false;
  } else if (failure->rationed()) {
    co_await note_refusal(generation, *failure);
  } else {
    co_await note_failure(*failure);
  }
  std::rethrow_exception(failed);
}

Task<> Life::note_failure(const Failure& failure) {
  co_await claimed_.entry().update([&](Record& record) {
    record.failures.what = failure.what();
    record.failures.next = failure.next();
  });
}

Task<> Life::note_refusal(int generation, const Failure& failure) {
  const WallTime now = trades_.time.now();
  const std::string refused = fmt::format("generation {} was refused: ", generation);
  co_await claimed_.entry().update([&](Record& record) {
    count(record, failure, now);
    // Who waits for its turn for days would have nothing else left in its history.
    if (tells_when(failure) && !record.history.empty() && record.history.back().what.starts_with(refused))
      record.history.pop_back();
    remember(record, now, refused + failure.what());
  });
}

// As this run saw it, or the one that wrote its journal last.
Task<bool> Life::was_never_finalized(const Journal& journal) {
  const auto url = co_await order_of(store_, journal.certificate(), journal.generation());
  if (url && trades_.ca.csr_sent(*url)) co_return false;
  if (url && trades_.ca.last_seen(*url)) co_return trades_.ca.last_seen(*url) == acme::OrderStatus::pending;
  const Json* pending = journal.noted(pending_note);
  co_return url&& pending&& journal.former_epoch() == pending->as_integer();
}

Task<> Life::close_dead(Journal& journal, const Failure& failure, bool lapsed, bool counts) {
  const int generation = journal.generation();
  // Else, as far as anybody knows, a certificate for its key may be out there, or come yet.
  const bool surely_none =
      co_await give_up_order(store_, trades_.ca, trades_.outside.log, claimed_.get().id, generation) ||
      co_await was_never_finalized(journal);
  const WallTime now = trades_.time.now();
  co_await claimed_.entry().update([&](Record& record) {
    record.open_generation.reset();
    if (counts) count(record, failure, now);
    if (lapsed)
      remember(record, now, given_up(generation, failure.what()));
    else
      remember_ended(record, now, generation, failure.what());
  });
  // No sooner: whoever finds the generation open goes on with it, and may finalize its order yet.
  if (surely_none) co_await journal.note(std::string{ended_note}, failure.what());
  if (lapsed)
    trades_.outside.log.info(fmt::format("{}: {}", claimed_.get().id.text(), given_up(generation, failure.what())));
}

// Its order is left to end by itself: to deactivate what is pending of it would count as validations that failed.
Task<> Life::close_open(std::string why) {
  const auto generation = claimed_.get().open_generation;
  if (!generation) co_return;
  const WallTime now = trades_.time.stamp();
  co_await claimed_.entry().update([&](Record& record) {
    record.open_generation.reset();
    remember(record, now, given_up(*generation, why));
  });
}

Task<> Life::forget_old_keys() {
  const Record& record = claimed_.get();
  const auto holds = [](const std::optional<Record::Newest>& held, int generation) {
    return held && held->key.generation == generation;
  };
  const auto is_over = [&](int generation) {
    return record.open_generation != generation && generation <= record.last_generation &&
           !holds(record.newest, generation) && !holds(record.previous, generation);
  };
  const std::vector<int> keys = co_await vault_.generations(record.id);
  for (const int generation : keys) {
    if (!is_over(generation)) continue;
    if (!key_is_useless(co_await read_journal(store_, record.id, generation), trades_.time.now())) continue;
    co_await remove_journal(generation);
    co_await vault_.remove(record.id, generation, lease_);
  }
  // What was closed before its key was stored, or is of a life that was half forgotten.
  for (const int generation : co_await journaled_generations(store_, record.id))
    if (is_over(generation) && !std::ranges::binary_search(keys, generation)) co_await remove_journal(generation);
}

Task<Outcome> Life::install_one(const CertificateConfig& certificate, const InstallConfig& where,
                                const CertificateSpec& wanted) {
  const std::string id = certificate.id.text();
  std::string target_id = where.slot(), target_name = name_of(where);
  try {
    Target* target = co_await deployment_.target(certificate, where);
    target_id = target->id();
    target_name = target->name();
    const Record::Newest newest = *claimed_.get().newest;  // a copy: the record is rewritten meanwhile
    if (const auto held = permit_key(newest.issued, keys_refused(where))) {
      co_await trades_.installs.hold(*target, *held);
      co_return Outcome{Outcome::Kind::held, id, target_id, held->reason, held->remedy, target_name};
    }
    const Installation done =
        co_await ::certferry::install(newest.issued, newest.key, wanted, *target, where.retire_after, trades_);
    if (done.end == Installation::End::installed)
      co_return Outcome{Outcome::Kind::installed, id, target_id, proven_by(done.proof), "", target_name};
    if (done.end == Installation::End::kept)
      co_return Outcome{Outcome::Kind::kept, id, target_id, "serves the newest there is", "", target_name};
    if (done.rolled_back) {
      Action waits = waits_after(*done.rolled_back, id, target_id);
      waits.target_name = target_name;
      co_return outcome_of(waits, Outcome::Kind::waiting);
    }
    const Held& held = trades_.installs.held(*target);
    co_return Outcome{Outcome::Kind::held, id, target_id, held.reason, remedy_of(held, certificate.id), target_name};
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    co_return Outcome{Outcome::Kind::failed, id, target_id, failure.what(), failure.next(), target_name};
  }
}

Task<std::vector<Outcome>> Life::install_everywhere(const CertificateConfig& certificate, const CertificateSpec& wanted,
                                                    const std::vector<Action>& planned) {
  std::vector<const InstallConfig*> wheres;
  for (std::size_t i = 0; i < certificate.install.size(); ++i)
    if (planned[i].kind != Action::Kind::keep) wheres.push_back(&certificate.install[i]);
  std::vector<Outcome> outcomes(wheres.size());
  if (wheres.empty()) co_return outcomes;
  outcomes[0] = co_await install_one(certificate, *wheres[0], wanted);  // the canary
  std::vector<Work> others;
  for (std::size_t i = 1; i < wheres.size(); ++i)
    others.push_back([&, i]() -> Task<> { outcomes[i] = co_await install_one(certificate, *wheres[i], wanted); });
  for (const auto& end : co_await all_settled(std::move(others), limits::renewal::targets_at_once)) {
    if (end) std::rethrow_exception(end);
  }
  tell_remedies(planned, outcomes);
  tell_what_is_undone(trades_.installs, outcomes);
  co_return outcomes;
}

}  // namespace certferry
