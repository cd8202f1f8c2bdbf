#include <algorithm>
#include <fmt/format.h>

#include "aws/sts.h"
#include "base/failure.h"
#include "base/limits/aws.h"
#include "base/limits/renewal.h"
#include "engine/account.h"
#include "engine/endangered.h"
#include "engine/fleet_run.h"
#include "engine/life.h"
#include "engine/zone_rules.h"

namespace certferry {
namespace {

bool needs_work(const CertificatePlan& plan) {
  const auto works = [](const Action& action) { return changes(action.kind); };
  return (plan.issue && works(*plan.issue)) || std::ranges::any_of(plan.targets, works);
}

bool issues(const CertificatePlan& plan) { return plan.issue && plan.issue->kind == Action::Kind::issue; }

// A generation was begun for a certificate that nobody asks for any longer. Not where another configuration seems to
// ask for it.
bool begun_for_nothing(const Record& record, const CertificateSpec& wanted, bool configured, WallTime now) {
  const bool changed = record.specification != wanted && !change_back_waits_until(record, wanted, now);
  return record.open_generation && (!configured || changed);
}

// A look at one certificate alone does not tell.
void keep_who_left(const std::vector<ObservedTarget>& seen, std::vector<ObservedTarget>& again) {
  for (ObservedTarget& target : again)
    if (const auto known = std::ranges::find(seen, target.id, &ObservedTarget::id); known != seen.end())
      target.left_by = known->left_by;
}

// What was decided by still stands: nobody else held the certificate since it was looked at.
bool same_but_for_the_claim(Record claimed, const std::optional<Record>& seen) {
  if (!seen) return claimed.claim.epoch == 1;
  const bool next_epoch = claimed.claim.epoch == seen->claim.epoch + 1;
  claimed.claim = seen->claim;
  return next_epoch && claimed == *seen;
}

// When the CA wants it renewed, where the record could not keep that when it was told: what follows from it, from the
// order to the permit (I7), goes by the record.
Task<> keep_what_was_told(ClaimedRecord& claimed, const std::optional<Record>& seen) {
  if (!seen || !seen->newest) co_return;
  co_await claimed.entry().update([&told = *seen->newest](Record& record) {
    if (record.newest && record.newest->issued == told.issued) record.newest->renewal_info = told.renewal_info;
  });
}

Outcome failed_outcome(const std::string& certificate, const Failure& failure) {
  return Outcome{Outcome::Kind::failed, certificate, "", failure.what(), failure.next()};
}

bool renewed_since(const std::optional<Record>& before, const std::optional<Record>& now) {
  const auto generation = [](const std::optional<Record>& record) {
    return record && record->newest ? record->newest->key.generation : 0;
  };
  return generation(now) > generation(before);
}

void add_unmoved(const Action& action, std::vector<Outcome>& outcomes) {
  const auto add = [&](Outcome::Kind kind) { outcomes.push_back(outcome_of(action, kind)); };
  if (action.kind == Action::Kind::trouble) add(Outcome::Kind::failed);
  if (action.kind == Action::Kind::hold) add(Outcome::Kind::held);
  if (action.kind == Action::Kind::wait) add(Outcome::Kind::waiting);
}

// What the plan itself kept from being done. Targets of a certificate that was worked on told their own end.
void add_unmoved(const CertificatePlan& plan, std::vector<Outcome>& outcomes) {
  if (plan.issue) add_unmoved(*plan.issue, outcomes);
  if (needs_work(plan)) return;
  for (const Action& action : plan.targets) add_unmoved(action, outcomes);
}

}  // namespace

Fleet::Run::Run(Ground where)
    : ground(where),
      session(ground.outside, ground.config.ca.url, &ground.instances),
      ca(ground.outside, session, [this](const Chain& chain) { return !ground.roots.objection(chain, time.stamp()); }),
      vault(ground.store, ground.sealing),
      keys(ground.outside, vault, ground.instances),
      account_keys(ground.outside, vault, ground.access.client()),
      zones(ground.outside, ground.access.client(), zone_rules(ground.config, ground.access), ground.config.delegated),
      challenges(ground.outside, ground.store, zones, ground.instances),
      deployment(ground.outside, ground.access, ground.config, ground.instances),
      time(ground.outside.clock, ground.outside.log),
      shelves(ground.store, time),
      index(ground.store, ground.outside.log),
      observer(ground.store, index, deployment, ground.config, ground.outside),
      renewal_infos(ground.outside, ground.store, ground.instances, ca, ground.config.ca.url),
      claims(ground.store, ground.outside, ground.instances),
      retirement(ground.outside, ground.store, deployment, shelves, claims, time) {
  ground.access.act_under(ground.instances);
  aws::Client& client = ground.access.client();
  time.listen_to(
      "the CA", [this] { return session.heard_time(); }, [this]() -> Task<> { co_await session.directory(); });
  time.listen_to(
      "AWS", [&client] { return client.heard_time(); },
      [&client]() -> Task<> { co_await aws::Sts{client}.caller_identity(); });
}

Fleet::Fleet(Ground ground) : run_(std::make_unique<Run>(ground)) {}
Fleet::~Fleet() = default;

Task<Plan> Fleet::plan(Request request) {
  request.permits.named_alone = !run_->ground.config.names_all;
  co_return co_await run_->plan(request);
}

Task<Plan> Fleet::Run::plan(const Request& request) {
  Retirement::Ledgers ledgers;
  if (request.only.empty()) ledgers = co_await retirement.ledgers();
  const Observed observed = co_await observe(request, ledgers, RenewalInfos::Keep::no);
  co_return make_plan(observed, request, ground.roots, time.now());
}

// Whoever is heard here may be the first.
Task<std::vector<ObservedCertificate>> Fleet::Run::look(const Request& request) {
  co_await time.hear_others();
  auto seen = co_await observer.certificates(request, time.now());
  co_await time.hear_others();
  co_return seen;
}

// All that a plan is made from; once more where the time turned out to be another meanwhile, for what was read by a
// wrong clock was read too early or too late. Who has been heard stays so: it is looked twice at most.
Task<Observed> Fleet::Run::observe(const Request& request, const Retirement::Ledgers& ledgers,
                                   RenewalInfos::Keep keep) {
  co_await time.hear_others();
  const Duration by = time.correction();
  Observed observed = co_await observe_once(request, ledgers, keep);
  co_await hear_the_ca(make_plan(observed, request, ground.roots, time.now()));
  const bool another = std::chrono::abs(time.correction() - by) > limits::aws::clock_skew;
  if (another) observed = co_await observe_once(request, ledgers, keep);
  co_return observed;
}

Task<Observed> Fleet::Run::observe_once(const Request& request, const Retirement::Ledgers& ledgers,
                                        RenewalInfos::Keep keep) {
  Observed observed;
  observed.certificates = co_await look(request);
  co_await renewal_infos.ask(observed.certificates, keep, time.now());
  note_neighbours(observed.certificates, co_await observer.not_named(request, observed.certificates));
  note_left(observed.certificates);
  co_await time.hear_others();
  observed.removable = co_await retirement.removable(ledgers, observed.certificates);
  co_await time.hear_others();
  co_return observed;
}

const CertificateConfig& Fleet::Run::config_of(const CertificateId& id) const {
  return *std::ranges::find(ground.config.certificates, id, &CertificateConfig::id);
}

// Many CAs give one order to all who ask for the same names and profile (Boulder), and it gives one certificate: those
// that differ in their keys alone are obtained one after the other.
Turn& Fleet::Run::turn_to_order(const CertificateSpec& wanted) { return ordering[{wanted.names, wanted.profile}]; }

// Asked for once a run, however many certificates need it: a CA that does not answer is waited for once.
Task<> Fleet::Run::have_account() {
  const Turn::Held mine = co_await opening_account.take();
  if (account_open) co_return;
  co_await use_account_but("");
}

// The CA has that one no longer: for all that hear so, another is registered once a run.
Task<> Fleet::Run::replace_account(std::string lost) {
  const Turn::Held mine = co_await opening_account.take();
  if (ca.account().url == lost) co_await use_account_but(std::move(lost));
}

Task<> Fleet::Run::use_account_but(std::string lost) {
  if (no_account) throw Failure{*no_account};
  const AccountConfig& account = ground.config.account;
  const AccountKeyPlace place{account.key, account.kms_key, account.key_type, ground.config.ca.url};
  const acme::AccountSettings settings{ground.config.ca.agree_to_terms, account.contact};
  try {
    ca.use(co_await open_account(ground.store, account_keys, ca, place, settings, std::move(lost)));
    account_open = true;
  } catch (const Failure& failure) {
    no_account = failure;
    throw;
  }
}

// Before anything is begun by a plan that asks it for a certificate: its Date is part of the agreed time. Whoever
// cannot be heard is not asked again in this run.
Task<> Fleet::Run::hear_the_ca(const Plan& plan) {
  if (std::ranges::none_of(plan.certificates, issues)) co_return;
  const Turn::Held mine = co_await opening_account.take();
  if (no_account) co_return;
  try {
    co_await session.directory();
  } catch (const Failure& failure) {
    no_account = failure;
  }
  co_await time.hear_others();
}

Trades Fleet::Run::trades(Installs& installs, ClaimedRecord& claimed, const Request& request) {
  return Trades{ground.outside,
                ca,
                keys,
                challenges,
                shelves,
                installs,
                claimed.entry(),
                time,
                ground.roots,
                request.permits,
                request.retry,
                [this](std::string lost) { return replace_account(std::move(lost)); }};
}

// A CA that has had too many orders of the account is not asked for those behind it in this run. Not where it may speak
// of a name, whose limits take longer; nor of a renewal, which Let's Encrypt does not count, or one that was begun.
Task<> Fleet::Run::obtain(Life& life, const CertificateSpec& wanted, const Record& record) {
  if (co_await life.take_up(wanted)) co_return;
  co_await have_account();
  const Turn::Held mine = co_await turn_to_order(wanted).take();
  const SteadyTime now = ground.outside.clock.steady();
  if (too_many_orders && now < no_orders_until && !record.open_generation && !renews(record, wanted))
    throw too_many_orders->within("no order is asked for now");
  try {
    co_await life.obtain(wanted);
  } catch (const Failure& failure) {
    const auto later = failure.retry_after();
    const bool too_many = failure.kind() == Failure::Kind::throttled && failure.rationed() && later;
    if (too_many && *later <= limits::renewal::rate_of_account) {
      too_many_orders = failure;
      no_orders_until = ground.outside.clock.steady() + *later;
    }
    throw;
  }
}

Task<> Fleet::Run::carry_out(const CertificateConfig& certificate, const CertificatePlan& plan, const Request& request,
                             ClaimedRecord& claimed, Report& report) {
  const CertificateSpec wanted = ground.config.spec(certificate);
  Installs installs{claimed.entry(), time};
  Trades with = trades(installs, claimed, request);
  Life life{with, ground.store, vault, deployment, ground.instances, claimed};
  std::optional<Failure> failure;
  if (issues(plan)) {
    try {
      co_await obtain(life, wanted, claimed.get());
      report.outcomes.push_back(Outcome{Outcome::Kind::issued, certificate.id.text(), "",
                                        "valid until " + iso8601(claimed.get().newest->issued.chain.leaf.not_after()),
                                        ""});
    } catch (const Failure& caught) {
      if (caught.kind() == Failure::Kind::fenced) throw;
      failure = caught;
    }
  } else if (begun_for_nothing(claimed.get(), wanted, true, time.now())) {
    co_await life.close_open("its specification changed");
    co_await note_specification(claimed, wanted);
  }
  const auto& newest = claimed.get().newest;
  const bool usable = newest && time.now() < newest->issued.chain.leaf.not_after() &&
                      std::ranges::includes(newest->specification.names, wanted.names);
  if (usable) {
    for (Outcome& outcome : co_await life.install_everywhere(certificate, wanted, plan.targets))
      report.outcomes.push_back(std::move(outcome));
  }
  co_await forget_old_keys(life, certificate.id);
  if (failure) throw Failure{*failure};
}

Task<> Fleet::Run::forget_old_keys(Life& life, const CertificateId& id) {
  try {
    co_await life.forget_old_keys();
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    ground.outside.log.warn(
        fmt::format("{}: keys that are no longer needed stay for now: {}", id.text(), failure.what()));
  }
}

// With the certificate as ours, which is given back whatever happens.
Task<> Fleet::Run::while_claimed(CertificateId id, CertificateSpec wanted, Duration wait, ClaimedWork work) {
  index.doubt(id);
  ClaimedRecord claimed = co_await claims.take(id, wanted, wait);
  co_await finally([&] { return work(claimed); }, [&] { return claims.give_back(claimed); });
}

// The same where there is a record: nothing is to be made anew of what somebody forgets meanwhile.
Task<> Fleet::Run::while_claimed_if_known(CertificateId id, Duration wait, ClaimedWork work) {
  index.doubt(id);
  std::optional<ClaimedRecord> claimed = co_await claims.take_if_known(id, wait);
  if (!claimed) co_return;
  co_await finally([&] { return work(*claimed); }, [&] { return claims.give_back(*claimed); });
}

// The same at once or not at all: where there is a record, and nobody else is at work on it.
Task<> Fleet::Run::while_claimed_if_free(CertificateId id, ClaimedWork work) {
  std::optional<ClaimedRecord> claimed = co_await claims.take_if_free(id);
  if (!claimed) co_return;
  co_await finally([&] { return work(*claimed); }, [&] { return claims.give_back(*claimed); });
}

// What is damaged is put there again, and then looks as it did before: who is killed meanwhile leaves it to the record
// that it is to be proven anew.
Task<> Fleet::Run::say_not_at_rest(const ObservedCertificate& seen) {
  const auto damaged = [](const ObservedTarget& target) { return target.serving && target.serving->damaged; };
  if (std::ranges::any_of(seen.targets, damaged)) co_await index.forget(seen.id);
}

// `seen` and `plan` are what the report tells in the end: where it is decided again, they are replaced.
Task<> Fleet::Run::decide_again(ObservedCertificate& seen, CertificatePlan& plan, Request request) {
  Observed observed;
  observed.certificates.push_back(co_await observer.certificate(config_of(seen.id)));
  observed.certificates.front().neighbours = seen.neighbours;
  keep_who_left(seen.targets, observed.certificates.front().targets);
  request.only.clear();
  if (renewed_since(seen.record, observed.certificates.front().record)) request.renew.clear();
  co_await time.hear_others();
  co_await hear_the_ca(make_plan(observed, request, ground.roots, time.now()));
  plan = make_plan(observed, request, ground.roots, time.now()).certificates.front();
  seen = std::move(observed.certificates.front());
}

Task<> Fleet::Run::work_on(ObservedCertificate& seen, CertificatePlan& plan, const Request& request, Duration wait,
                           Report& report) {
  const CertificateConfig& certificate = config_of(seen.id);
  const ClaimedWork working = [&](ClaimedRecord& claimed) -> Task<> {
    co_await keep_what_was_told(claimed, seen.record);
    const bool held_in_between = !same_but_for_the_claim(claimed.get(), seen.record);  // the work may be done already
    if (held_in_between) co_await decide_again(seen, plan, request);
    if (plan.issue->kind == Action::Kind::trouble) co_return;  // nothing is known of its targets
    co_await say_not_at_rest(seen);
    co_await carry_out(certificate, plan, request, claimed, report);
  };
  co_await attempted(certificate.id.text(), report, [&]() -> Task<> {
    co_await while_claimed(certificate.id, ground.config.spec(certificate), wait, working);
  });
}

// A failure of this piece is an outcome of the report, and keeps nothing else from being done.
Task<> Fleet::Run::attempted(std::string subject, Report& report, Work work) {
  try {
    co_await work();
  } catch (const Failure& failure) {
    report.outcomes.push_back(failed_outcome(subject, failure));
  }
}

// Of what nothing need be ordered for, in place of one that was: whoever asks for that again changes it back.
Task<> Fleet::Run::note_specification(ClaimedRecord& claimed, CertificateSpec wanted) {
  const WallTime now = time.now();
  co_await claimed.entry().update([&](Record& record) { change_specification(record, wanted, now); });
}

// A generation whose certificate nobody asks for any longer is closed, and that is said.
Task<> Fleet::Run::close_unwanted(const ObservedCertificate& seen, Duration wait, Report& report) {
  const ClaimedWork closing = [&](ClaimedRecord& claimed) -> Task<> {
    if (!begun_for_nothing(claimed.get(), seen.wanted, seen.configured, time.now())) co_return;  // it ended meanwhile
    Installs installs{claimed.entry(), time};
    Trades with = trades(installs, claimed, Request{});
    Life life{with, ground.store, vault, deployment, ground.instances, claimed};
    const std::string why = seen.configured ? "its specification changed" : "it is no longer configured";
    const int generation = *claimed.get().open_generation;
    co_await life.close_open(why);
    if (seen.configured) co_await note_specification(claimed, seen.wanted);
    report.outcomes.push_back(Outcome{Outcome::Kind::removed, seen.id.text(), "",
                                      fmt::format("generation {} was given up: {}", generation, why),
                                      seen.configured ? "" : "Configure it here again, if it was not meant to end"});
    co_await forget_old_keys(life, seen.id);
  };
  co_await while_claimed_if_known(seen.id, wait, closing);
}

// While another generation of its certificate is open, the CA may look at its value for the order of that one, which
// was given an authorization under way and has not owned the value yet: for a while.
Task<bool> Fleet::Run::closed(const TxtOwner& owner) {
  try {
    const auto stored = co_await load_record(ground.store, owner.certificate);
    if (!stored || !stored->record.open_generation) co_return true;
    if (time.stamp() < owner.written + limits::renewal::proof_looked_at_for) co_return false;
    co_return stored->record.open_generation != owner.generation;
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
  }
  co_return false;  // a record that cannot be read, which its own certificate's outcome tells: no evidence
}

// An instance whose lease ran out leaves this to the next run, its own or that of whoever took over: nothing failed by
// it. All of it is looked at afresh then.
Task<> Fleet::Run::tidied(std::string subject, Report& report, Work work) {
  try {
    co_await work();
  } catch (const Failure& failure) {
    Outcome outcome = failed_outcome(subject, failure);
    if (failure.kind() == Failure::Kind::fenced) outcome.kind = Outcome::Kind::waiting;
    report.outcomes.push_back(std::move(outcome));
  }
}

Task<> Fleet::Run::clean_up(const Request& request, Report& report) {
  co_await tidied("what is no longer needed", report, [&]() -> Task<> { co_await retire(request, report); });
  co_await tidied("leftover TXT records", report, [&]() -> Task<> { co_await sweep(); });
}

// Claims nothing: only owners whose generation is closed are touched, and a closed one is nobody's work any longer.
Task<> Fleet::Run::sweep() {
  require_lease(ground.instances, Duration::zero(), "removing leftover TXT records");
  co_await challenges.sweep([this](const TxtOwner& owner) { return closed(owner); });
  co_await challenges.settle(limits::renewal::verify_deadline);
}

// Looks at everything once more: what is left with a dying certificate is said, whatever kept the run from acting; what
// nothing needs goes.
Task<> Fleet::Run::retire(const Request& request, Report& report) {
  const auto ledgers = co_await retirement.ledgers();
  auto seen = co_await look(request);
  note_endangered(seen, time.stamp(), report);
  require_lease(ground.instances, Duration::zero(), "removing what is no longer needed");
  co_await settle_unconfigured(seen);
  if (request.only.empty()) co_await settle_elsewhere(ledgers, seen);
  co_await keep_index(seen);
  if (!request.only.empty()) co_return;  // --only: the others are not looked at, so nothing is known to be unneeded
  for (Outcome& outcome : co_await retirement.retire(ledgers, seen)) report.outcomes.push_back(std::move(outcome));
}

// What was derived from every record that this look read: of a quiet run none, of another one those that it worked on.
Task<> Fleet::Run::keep_index(const std::vector<ObservedCertificate>& seen) {
  std::vector<Index::Derived> derived;
  for (const ObservedCertificate& certificate : seen)
    if (certificate.record) derived.push_back({certificate.id, at_rest(*certificate.record)});
  co_await index.keep(std::move(derived));
}

Task<Report> Fleet::apply(Request request, Duration wait) {
  request.permits.named_alone = !run_->ground.config.names_all;
  co_return co_await run_->apply(request, wait);
}

// What is to be done for each certificate: what the plan says, and then, for nobody is to wait for them, generations
// that are to be closed. Those that are both are closed before their successor is begun.
std::vector<Work> Fleet::Run::works(Observed& observed, const Request& request, Duration wait, Report& report) {
  std::vector<Work> planned, closing;
  for (const std::size_t i : by_urgency(observed.certificates, time.now())) {
    ObservedCertificate& seen = observed.certificates[i];
    CertificatePlan& plan = report.plan.certificates[i];  // beside what was seen, in the same order
    if (needs_work(plan)) {
      planned.push_back([&, wait]() -> Task<> { co_await work_on(seen, plan, request, wait, report); });
    } else if (!seen.named_elsewhere && seen.record &&
               begun_for_nothing(*seen.record, seen.wanted, seen.configured, time.now())) {
      closing.push_back([&, wait]() -> Task<> {
        co_await attempted(seen.id.text(), report, [&]() -> Task<> { co_await close_unwanted(seen, wait, report); });
      });
    }
  }
  std::ranges::move(closing, std::back_inserter(planned));
  return planned;
}

// With this instance known to all others while it works.
Task<> Fleet::Run::announced(Work work) {
  const Work begun = [&]() -> Task<> {
    co_await ground.instances.begin();
    co_await work();
  };
  co_await finally(begun, [&] { return ground.instances.end(); });
}

Task<Report> Fleet::Run::apply(const Request& request, Duration wait) {
  Report report;
  co_await announced([&]() -> Task<> {
    deployment.identify_directories();
    Retirement::Ledgers ledgers;
    if (request.only.empty())
      co_await attempted("what is no longer needed", report,
                         [&]() -> Task<> { ledgers = co_await retirement.ledgers(); });
    Observed observed = co_await observe(request, ledgers, RenewalInfos::Keep::yes);
    report.plan = make_plan(observed, request, ground.roots, time.now());
    auto all = works(observed, request, wait, report);
    for (const auto& end : co_await all_settled(std::move(all), limits::renewal::certificates_at_once))
      if (end) std::rethrow_exception(end);
    for (std::size_t i = 0; i < observed.certificates.size(); ++i)
      report.without |= waits_without_one(report.plan.certificates[i], observed.certificates[i], time.stamp());
    note_endangered(observed.certificates, time.stamp(), report);
    note_installed(report);
    co_await clean_up(request, report);
  });
  for (const CertificatePlan& plan : report.plan.certificates) add_unmoved(plan, report.outcomes);
  tell_what_is_kept(report);
  report.ca_requests = session.requests_sent();
  report.ca_polls = ca.polls();
  report.aws_requests = ground.access.requests_sent();
  co_return report;
}

}  // namespace certferry
