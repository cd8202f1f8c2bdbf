#include "acme/session.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "acme/address.h"
#include "acme/jws.h"
#include "base/failure.h"
#include "base/limits/renewal.h"
#include "base/log.h"

namespace certferry::acme {
namespace {

bool fits_a_nonce(std::string_view text) {
  const auto base64url_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= limits::acme::nonce_longest && std::ranges::all_of(text, base64url_letter);
}

// Before the attempt after the n-th: half of it is chance, so that those who failed together do not return together.
Duration pause_after_attempt(int n, Entropy& entropy) {
  std::uint32_t bits = 0;
  entropy.fill(std::as_writable_bytes(std::span{&bits, 1}));
  const double part = 0.5 + 0.5 * static_cast<double>(bits) / 4294967296.0;
  return Duration{std::llround(static_cast<double>(limits::acme::request_backoff.count()) * std::exp2(n - 1) * part)};
}

bool reads(const Call& call) { return call.payload.empty(); }
bool repeats(const Call& call) { return call.repeatable || reads(call); }

// Whether the CA may answer the same request otherwise in a minute.
bool passing(const Problem& problem) {
  return failed_in_itself(problem) || problem.status == 429 || problem.type == "badNonce";
}

}  // namespace

// What one request ended with.
struct Session::Attempt {
  std::optional<Answer> answer;
  std::optional<Failure> lost;
};

Session::Session(Outside& outside, std::string directory_url, const Lease* lease)
    : outside_(outside), directory_url_(std::move(directory_url)), lease_(lease), clock_(outside.clock) {}

http::Request Session::request(const Call& call, std::string method) const {
  http::Request request{.method = std::move(method),
                        .url = checked_url(call.url, Url::parse(directory_url_), call.operation, call.domain)};
  if (!call.accept.empty()) request.headers.set("Accept", call.accept);
  request.headers.set("Accept-Language", "en");
  request.trust = http::Trust::ca;
  request.deadline = reads(call) ? limits::acme::request_deadline : limits::renewal::change_deadline;
  request.body_limit = call.body_limit;
  return request;
}

void Session::take_note(const http::Response& response, SteadyTime sent) {
  const SteadyTime now = outside_.clock.steady();
  round_trip_ = round_trip_ ? std::min(*round_trip_, now - sent) : now - sent;
  if (const auto field = response.headers.get("Date"))
    if (const auto date = parse_http_date(*field)) clock_.says(*date, sent);
  if (const auto nonce = response.headers.get("Replay-Nonce"); nonce && fits_a_nonce(*nonce)) {
    nonces_.push_back({*nonce, now});
    if (nonces_.size() > limits::acme::nonces_kept) nonces_.pop_front();
    nonce_came_.notify_one();
  }
}

// An answer to newNonce has no body that would tell by a type that the CA is busy.
void Session::keep_pace(const std::optional<Problem>& problem, SteadyTime sent) {
  const SteadyTime now = outside_.clock.steady();
  if (problem && (turned_away(*problem) || (problem->status == 503 && problem->retry_after)))
    pace_.turned_away(sent, now);
  else
    pace_.answered(now);
}

Task<> Session::wait_for_place() {
  if (const Duration wait = pace_.take(outside_.clock.steady()); wait > Duration::zero())
    co_await outside_.clock.sleep(wait);
}

Task<Session::Attempt> Session::attempt(const http::Request& request, const Call& call) {
  if (lease_ && !reads(call)) require_lease(*lease_, request.deadline, call.operation);
  ++requests_;
  const SteadyTime sent = outside_.clock.steady();
  Attempt result;
  try {
    result.answer = Answer{co_await outside_.transport.send(request), {}};
  } catch (const Failure& failure) {
    result.lost = failure.within(call.operation);
    co_return result;
  }
  const http::Response& response = result.answer->response;
  if (response.status / 100 != 2) result.answer->problem = problem_of(response, outside_.clock.now());
  if (!same_registered_domain(request.url, Url::parse(directory_url_))) co_return result;  // it tells nothing of the CA
  take_note(response, sent);
  keep_pace(result.answer->problem, sent);
  co_return result;
}

Task<Session::Attempt> Session::attempt_unsigned(const http::Request& request, const Call& call) {
  co_await wait_for_place();
  co_return co_await attempt(request, call);
}

Task<Session::Attempt> Session::attempt_signed(const PrivateKey& key, const std::string& kid, const Call& call) {
  http::Request signed_request = request(call, "POST");
  signed_request.headers.set("Content-Type", "application/jose+json");
  for (int tries = 1;; ++tries) {
    co_await wait_for_place();  // before the nonce, which grows old
    signed_request.body = signed_body(key, kid, co_await nonce(), call.url, call.payload);
    Attempt result = co_await attempt(signed_request, call);
    // What comes instead of a chain is told by whoever looks for one.
    if (result.answer && !result.answer->problem && call.accept.empty())
      result.answer->problem = page_of_somebody_else(result.answer->response);
    const bool bad_nonce = result.answer && result.answer->problem && result.answer->problem->type == "badNonce";
    if (!bad_nonce || tries >= limits::acme::bad_nonce_attempts) co_return result;
  }
}

Task<Answer> Session::repeated(const Call& call, std::function<Task<Attempt>()> once) {
  using Kind = Failure::Kind;
  for (int n = 1;; ++n) {
    const Attempt tried = co_await once();
    if (tried.answer && !(tried.answer->problem && passing(*tried.answer->problem))) co_return *tried.answer;
    const bool repeatable = repeats(call) || (tried.answer && turned_away(*tried.answer->problem));
    const Failure failure = tried.lost ? *tried.lost : failure_of(*tried.answer->problem, call.operation, !repeatable);
    const Kind kind = failure.kind();
    const bool passes = kind == Kind::transient || kind == Kind::outcome_unknown || kind == Kind::throttled;
    const Duration asked = failure.retry_after().value_or(Duration::zero());
    // A rate limit is not for us to wait out: whoever plans does.
    const bool rate_limit = tried.answer && tried.answer->problem->status == 429;
    if (!repeatable || !passes || rate_limit || n >= limits::acme::request_attempts ||
        asked > limits::acme::request_retry_after_longest) {
      if (kind != Kind::outcome_unknown || !repeatable) throw failure;
      throw Failure(Kind::transient, failure.what(), failure.next(), failure.retry_after()).with_code(failure.code());
    }
    const Duration pause = std::max(asked, pause_after_attempt(n, outside_.entropy));
    outside_.log.debug(fmt::format("{}; again in {}", failure.what(), humane(pause)));
    co_await outside_.clock.sleep(pause);
  }
}

Task<Answer> Session::ask(const PrivateKey& key, const std::string& kid, const Call& call) {
  const std::function<Task<Attempt>()> once = [&] { return attempt_signed(key, kid, call); };
  co_return co_await repeated(call, once);
}

Task<http::Response> Session::post(const PrivateKey& key, const std::string& kid, const Call& call) {
  Answer answer = co_await ask(key, kid, call);
  if (answer.problem) throw failure_of(*answer.problem, call.operation, !repeats(call));
  co_return std::move(answer.response);
}

Task<Answer> Session::get(const Call& call) {
  const http::Request asked = request(call, "GET");
  const std::function<Task<Attempt>()> once = [&] { return attempt_unsigned(asked, call); };
  co_return co_await repeated(call, once);
}

Task<Directory> Session::directory() {
  const auto turn = co_await reading_directory_.take();
  if (directory_ && outside_.clock.steady() - directory_read_ < limits::acme::directory_max_age) co_return *directory_;
  const Call call{.operation = "reading the ACME directory " + quoted(directory_url_), .url = directory_url_};
  const Answer answer = co_await get(call);
  if (answer.problem) {
    const Failure failure = failure_of(*answer.problem, call.operation, false);
    throw Failure(failure.kind(), failure.what(), "Check [ca] directory: it must be the URL of an ACME directory",
                  failure.retry_after())
        .with_code(failure.code());
  }
  try {
    directory_ = parse_directory(Json::parse(answer.response.body, "the ACME directory"));
  } catch (const Failure& failure) {
    throw Failure(Failure::Kind::refused,
                  fmt::format("{}: {}; it answered {}", call.operation, failure.what(), glimpse(answer.response)),
                  "Check [ca] directory: it must be the URL of an ACME directory");
  }
  directory_read_ = outside_.clock.steady();
  co_return *directory_;
}

std::optional<std::string> Session::kept_nonce() {
  const SteadyTime now = outside_.clock.steady();
  while (!nonces_.empty() && now - nonces_.front().got >= limits::acme::nonce_max_age) nonces_.pop_front();
  if (nonces_.empty()) return {};
  std::string freshest = std::move(nonces_.back().value);
  nonces_.pop_back();
  return freshest;
}

// False once it waited: until one may be asked for, or an answer to somebody else brought one.
Task<bool> Session::may_ask_for_nonce() {
  TokenBucket after = new_nonces_;
  const Duration wait = after.take(outside_.clock.steady());
  if (wait == Duration::zero()) {
    new_nonces_ = after;
    co_return true;
  }
  const Work until_one_came = [&]() -> Task<> { co_await nonce_came_.wait(); };
  const Work until_asked = [&]() -> Task<> { co_await outside_.clock.sleep(wait); };
  co_await race(until_one_came, until_asked);
  co_return false;
}

Task<std::string> Session::nonce() {
  for (int asked_for = 0; asked_for <= limits::acme::bad_nonce_attempts;) {
    if (auto kept = kept_nonce()) co_return std::move(*kept);
    const Call call{.operation = "newNonce", .url = (co_await directory()).new_nonce};
    if (!nonces_.empty()) continue;  // the directory's answer brought one
    if (!co_await may_ask_for_nonce()) continue;
    ++asked_for;
    const http::Request asked = request(call, "HEAD");
    const std::function<Task<Attempt>()> once = [&] { return attempt_unsigned(asked, call); };
    const Answer answer = co_await repeated(call, once);
    if (answer.problem) throw failure_of(*answer.problem, call.operation, false);
  }  // what it brought may have gone to another request meanwhile
  throw Failure(Failure::Kind::transient, "newNonce: the CA's answers bear no nonce", "Run certferry again later");
}

}  // namespace certferry::acme
