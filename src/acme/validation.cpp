#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "acme/certificate_authority.h"
#include "acme/jws.h"
#include "base/failure.h"
#include "base/limits/acme.h"

// Authorizations and challenges (RFC 8555 sections 7.5 and 8.4).
namespace certferry::acme {
namespace {

constexpr const char* check_zone =
    "Check that the zone of these names is delegated to Route 53, and their CAA records; then run certferry again";

Failure validation_failed(std::string_view words) {
  return Failure(Failure::Kind::dead_generation, fmt::format("the CA could not validate: {}", words), check_zone)
      .as_rationed();
}

// One that was taken over from an older order may end before its own does.
Failure proof_lapsed(std::string_view words) {
  return as_lapse(Failure(Failure::Kind::dead_generation, fmt::format("an authorization of the order ended: {}", words),
                          "Run certferry again later; it begins a new order"));
}

// Each time that it is answered counts as a validation that failed, for CAs that count.
Failure failed_again(const Order& order, std::string_view words) {
  return Failure(Failure::Kind::transient,
                 fmt::format("the CA could not validate {}, and lets it be tried again: {}", order.names.front().text(),
                             words),
                 check_zone)
      .as_rationed();
}

constexpr int conflict = 409;  // RFC 9110 section 15.5.10

bool ended(ChallengeStatus status) { return status == ChallengeStatus::valid || status == ChallengeStatus::invalid; }

// What an authorization that has failed says.
std::string objection_of(const Authorization& proof) {
  const std::string plain =
      has_ended(proof) ? fmt::format("its authorization is {}", name(proof.status)) : "its dns-01 challenge is invalid";
  return fmt::format("{}: {}", proof.identifier.text(), proof.error.empty() ? plain : proof.error);
}

OpenChallenge open_challenge(const Authorization& proof, const PublicKey& account_key) {
  if (proof.dns.empty())
    throw Failure(Failure::Kind::refused,
                  fmt::format("the CA offers no dns-01 challenge for {}, but {}", proof.identifier.text(),
                              quoted(fmt::format("{}", fmt::join(proof.offered, ", ")), 200)),
                  "Use a CA that validates by dns-01");
  const auto& challenge = proof.dns.front();
  return OpenChallenge{proof.url, challenge.url,
                       ChallengeRecord{proof.identifier, txt_value(key_authorization(challenge.token, account_key))},
                       challenge.status != ChallengeStatus::pending};
}

bool waits_for_an_answer(const Authorization& proof) {
  return proof.status == AuthorizationStatus::pending && !proof.dns.empty() &&
         proof.dns.front().status == ChallengeStatus::pending;
}

// The CA was told to look at it, by whomever.
void note_answered(std::vector<OpenChallenge>& open, const std::string& authorization) {
  for (OpenChallenge& one : open)
    if (one.authorization == authorization) one.answered = true;
}

void check_identifier(const Authorization& proof, const Order& order) {
  const bool ours = std::ranges::any_of(
      order.names, [&](const DomainName& name) { return name.without_wildcard() == proof.identifier; });
  if (!ours)
    throw Failure(Failure::Kind::refused,
                  fmt::format("the CA asks for a proof of {}, which the order {} is not for", proof.identifier.text(),
                              quoted(order.url.text())),
                  "Report it to the CA");
}

}  // namespace

// By which an order became invalid, its CA may go on showing as it was: Pebble does. From when it expires on, a server
// considers it invalid (RFC 8555 section 7.1.4).
Authorization CertificateAuthority::authorization_of(const Order& order, const std::string& url,
                                                     const http::Response& told) const {
  Authorization proof = parse_authorization(url, Json::parse(told.body, "the authorization " + quoted(url)));
  if (order.status != OrderStatus::invalid || has_ended(proof) || !is_over(proof.expires)) return proof;
  if (proof.status == AuthorizationStatus::valid) proof.looked_at = false;  // nothing was found wanting in the end
  proof.status = AuthorizationStatus::expired;
  return proof;
}

// Side by side, in the order of their URLs.
Task<std::vector<Authorization>> CertificateAuthority::authorizations(const Order& order, NotFound where) {
  std::vector<std::optional<Authorization>> read(order.authorizations.size());
  std::vector<Work> works;
  for (std::size_t i = 0; i < read.size(); ++i)
    works.push_back([&, i]() -> Task<> {
      const std::string& url = order.authorizations[i];
      const Call call{.operation = "reading the authorization " + quoted(url), .url = url};
      const http::Response response = where == NotFound::told ? co_await post(call) : co_await read_until_found(call);
      read[i] = authorization_of(order, url, response);
    });
  const auto ends = co_await all_settled(std::move(works), limits::acme::requests_at_once);
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  std::vector<Authorization> result;
  for (auto& one : read) result.push_back(std::move(*one));
  co_return result;
}

Task<std::vector<ChallengeRecord>> CertificateAuthority::open_challenges(const Order& order) {
  Known& known = known_.try_emplace(order.url, Known{order, {}}).first->second;
  known.open.clear();
  std::vector<ChallengeRecord> records;
  if (order.status != OrderStatus::pending) co_return records;
  const auto proofs = co_await authorizations(order, NotFound::asked_again);
  const PublicKey account_key = account_.value().key.public_part();
  std::string failed;
  for (const Authorization& proof : proofs) {
    check_identifier(proof, order);
    if (proof.status == AuthorizationStatus::valid) continue;
    if (has_failed(proof)) {
      failed += (failed.empty() ? "" : "; ") + objection_of(proof);
      continue;
    }
    OpenChallenge open = open_challenge(proof, account_key);
    if (open.answered) known.answered = true;
    records.push_back(open.record);
    known.open.push_back(std::move(open));
  }
  if (!failed.empty()) {
    known.settled = std::ranges::none_of(known.open, &OpenChallenge::answered);
    if (verdict_of(proofs).lapsed) throw proof_lapsed(failed);
    throw validation_failed(failed);
  }
  std::ranges::sort(records);
  const auto twice = std::ranges::unique(records);
  records.erase(twice.begin(), twice.end());
  co_return records;
}

// One that comes a second time is refused by some CAs: by Boulder as a conflict, by others in words that could mean
// anything.
void CertificateAuthority::take_note(const Answer& answer, const OpenChallenge& one, Known& known, Answered& outcome) {
  if (answer.problem || !ended(challenge_status(answer.response.body))) outcome.decided = false;
  if (!answer.problem || answer.problem->status == conflict) return note_answered(known.open, one.authorization);
  const Failure failure = failure_of(*answer.problem, "answering the challenge for " + one.record.domain.text(), false);
  if (answer.problem->status / 100 != 4 || failure.kind() != Failure::Kind::refused) throw failure;
  outcome.refused.push_back({one.authorization, failure});
}

Task<CertificateAuthority::Answered> CertificateAuthority::post_answers(Known& known) {
  const std::vector<OpenChallenge> open = known.open;  // another certificate may come to the same order meanwhile
  Answered outcome{.decided = !open.empty()};
  std::optional<Duration> longest;  // Retry-After of all
  const auto heed = [&longest](std::optional<Duration> wait) {
    if (wait) longest = std::max(longest.value_or(Duration::zero()), *wait);
  };
  std::vector<Work> works;
  for (const OpenChallenge& one : open) {
    if (one.answered) {
      outcome.decided = false;
      continue;
    }
    works.push_back([&]() -> Task<> {
      known.answered = true;
      known.settled = false;
      try {
        const Answer answer = co_await ask({.operation = "answering the challenge for " + one.record.domain.text(),
                                            .url = one.url,
                                            .payload = "{}",
                                            .repeatable = true});
        heed(http::retry_after(answer.response, outside_.clock.now()));
        take_note(answer, one, known, outcome);
      } catch (const Failure& failure) {
        heed(failure.retry_after());
        throw;
      }
    });
  }
  if (works.empty()) co_return outcome;
  const auto ends = co_await all_settled(std::move(works), limits::acme::requests_at_once);
  known.retry_after = longest;
  const auto failed = std::ranges::find_if(ends, [](const auto& end) { return end != nullptr; });
  if (failed != ends.end()) outcome.failed = *failed;
  co_return outcome;
}

CertificateAuthority::Verdict CertificateAuthority::verdict_of(const std::vector<Authorization>& proofs) {
  Verdict said{.settled = true};
  for (const Authorization& proof : proofs) {
    const bool failed = has_failed(proof);
    if (failed) said.failed = true;
    if (proof.looked_at && (failed || failed_for_now(proof))) said.found_wanting = true;
    if (has_ended(proof)) said.lapsed = true;
    if (failed_for_now(proof)) said.failed_for_now.push_back(proof);
    if (failed || failed_for_now(proof))
      said.words += (said.words.empty() ? "" : "; ") + objection_of(proof);
    else if (proof.status == AuthorizationStatus::pending)
      said.settled = false;
  }
  said.lapsed = said.lapsed && !said.found_wanting;
  return said;
}

Task<CertificateAuthority::Verdict> CertificateAuthority::verdict(const Order& order) {
  Verdict said;
  bool all_read = false;
  try {
    said = verdict_of(co_await authorizations(order));
    all_read = true;
  } catch (const Failure& failure) {
    said.words = failure.what();
  }
  if (!all_read) {
    said.lapsed = order.status == OrderStatus::invalid && co_await lost_a_proof(order);
    said.found_wanting = !said.lapsed;
  }
  if (!said.failed && !order.error.empty()) said.words = order.error;
  if (said.words.empty()) said.words = fmt::format("it does not say why the order is {}", name(order.status));
  co_return said;
}

Task<> CertificateAuthority::answer_again(const std::vector<Authorization>& proofs, std::set<std::string>& answered) {
  std::vector<Work> works;
  for (const Authorization& proof : proofs) {
    if (!answered.insert(proof.url).second) continue;
    works.push_back([&]() -> Task<> {
      co_await ask({.operation = "answering the challenge for " + proof.identifier.text() + " again",
                    .url = proof.dns.front().url,
                    .payload = "{}",
                    .repeatable = true});
    });
  }
  for (const auto& end : co_await all_settled(std::move(works), limits::acme::requests_at_once))
    if (end) std::rethrow_exception(end);
}

// CAs leave an order pending whose challenge has failed. Where that may be answered again it is, once; what fails then,
// or for good, is told as soon as nothing is being looked at any more.
Task<> CertificateAuthority::look_for_failures(Known& known, Looks& looks) {
  if (outside_.clock.steady() < looks.next) co_return;
  looks.next = outside_.clock.steady() + looks.pause;
  looks.pause *= 2;
  Verdict said;
  try {
    said = verdict_of(co_await authorizations(known.order));
  } catch (const Failure&) {
    co_return;  // they are read again in the end
  }
  const auto once = [&](const Authorization& proof) { return !looks.answered_again.contains(proof.url); };
  if (said.failed || std::ranges::none_of(said.failed_for_now, once)) {
    if (said.settled) tell_failure(known, said);
    co_return;
  }
  co_await answer_again(said.failed_for_now, looks.answered_again);
  looks.pause = limits::acme::failures_looked_for_after;
  looks.next = outside_.clock.steady() + looks.pause;
}

// Nothing where none has failed.
void CertificateAuthority::tell_failure(Known& known, const Verdict& said) const {
  if (said.settled) known.settled = true;
  const bool failed = known.order.status == OrderStatus::invalid || said.failed;
  if (failed && !said.found_wanting && has_expired(known.order)) throw expiry_of(known.order);
  if (failed && said.lapsed) throw proof_lapsed(said.words);
  if (failed) throw validation_failed(said.words);
  if (!said.failed_for_now.empty()) throw failed_again(known.order, said.words);
}

// Where there is nothing to wait for, but to be asked again: some answer may have been taken though it failed.
Task<Order> CertificateAuthority::what_became_of(const Known& known, const Answered& answers) {
  using namespace limits::acme;
  if (known.retry_after) {
    const Duration wait = std::max(*known.retry_after, retry_after_soonest);
    if (wait > authorization_deadline && answers.failed) std::rethrow_exception(answers.failed);
    if (wait > authorization_deadline) throw still_waiting(known.order, wait);
    co_await outside_.clock.sleep(wait);
  }
  ++polls_;
  co_return co_await read(known.order.url);
}

// Those whose challenge shows that there was an answer before: one whose reply was lost, that of a run which was
// killed, or of another certificate.
Task<> CertificateAuthority::pass_over_repeated(Known& known, Answered& answers) {
  for (const Authorization& proof : co_await authorizations(known.order)) {
    if (waits_for_an_answer(proof)) continue;
    note_answered(known.open, proof.url);
    std::erase_if(answers.refused, [&](const auto& refusal) { return refusal.authorization == proof.url; });
  }
}

// Nothing shows that the CA validates what is refused still, but it may; else the refusal is what there is to tell.
Task<Order> CertificateAuthority::await_validation(const OrderUrl& url, const Answered& answers) {
  try {
    Looks looks{.next = outside_.clock.steady() + limits::acme::failures_looked_for_after};
    const Work look = [&]() -> Task<> { co_await look_for_failures(known_.at(url), looks); };
    const Order order = co_await wait_while(url, OrderStatus::pending, limits::acme::authorization_deadline, look);
    if (order.status != OrderStatus::pending || answers.refused.empty()) co_return order;
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::transient || answers.refused.empty()) throw;
  }
  throw Failure{answers.refused.front().failure};
}

Task<Order> CertificateAuthority::validate(const OrderUrl& url) {
  Known& known = known_.at(url);
  Answered answers = co_await post_answers(known);
  Order order = known.order;
  const bool refused = !answers.refused.empty();
  if (answers.failed || answers.decided || refused) order = co_await what_became_of(known, answers);
  if (order.status == OrderStatus::pending && answers.failed) std::rethrow_exception(answers.failed);
  if (order.status == OrderStatus::pending && refused) co_await pass_over_repeated(known, answers);
  if (order.status == OrderStatus::pending) order = co_await await_validation(url, answers);
  if (order.status != OrderStatus::pending && order.status != OrderStatus::invalid) co_return order;
  tell_failure(known, co_await verdict(order));
  if (has_expired(order)) throw expiry_of(order);
  throw Failure(Failure::Kind::transient,
                fmt::format("the CA has not validated {} within {}", order.names.front().text(),
                            humane(limits::acme::authorization_deadline)),
                "Run certferry again later; it goes on with this order", known.retry_after);
}

Task<Order> CertificateAuthority::answer(const Order& order) {
  known_.try_emplace(order.url, Known{order, {}});
  co_return co_await validate(order.url);
}

bool CertificateAuthority::answered(const OrderUrl& url) const {
  const auto known = known_.find(url);
  return known != known_.end() && known->second.answered;
}

bool CertificateAuthority::settled(const OrderUrl& url) const {
  const auto known = known_.find(url);
  return known != known_.end() && known->second.settled;
}

bool CertificateAuthority::open(const OrderUrl& url) const {
  const auto known = known_.find(url);
  if (known == known_.end()) return false;
  const OrderStatus status = known->second.order.status;
  return status != OrderStatus::valid && status != OrderStatus::invalid;
}

bool CertificateAuthority::undecided(const OrderUrl& url) const {
  const auto known = known_.find(url);
  if (known == known_.end()) return false;
  const OrderStatus status = known->second.order.status;
  const auto& open_challenges = known->second.open;
  const bool validating = status == OrderStatus::pending && !known->second.settled && !open_challenges.empty() &&
                          std::ranges::all_of(open_challenges, &OpenChallenge::answered);
  return validating || status == OrderStatus::processing;
}

std::optional<OrderStatus> CertificateAuthority::last_seen(const OrderUrl& url) const {
  const auto known = known_.find(url);
  return known == known_.end() ? std::nullopt : std::optional{known->second.order.status};
}

bool CertificateAuthority::csr_sent(const OrderUrl& url) const {
  const auto known = known_.find(url);
  return known != known_.end() && known->second.csr_sent;
}

bool CertificateAuthority::issued(const OrderUrl& url) const {
  const auto known = known_.find(url);
  return known != known_.end() && known->second.order.status == OrderStatus::valid;
}

}  // namespace certferry::acme
