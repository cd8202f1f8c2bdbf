#include "aws/client.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "aws/errors.h"
#include "base/limits/aws.h"
#include "base/log.h"
#include "outside/heard_clock.h"

namespace certferry::aws {
namespace {

// One number in [0, 1).
double unit_random(Entropy& entropy) {
  std::uint32_t bits = 0;
  entropy.fill(std::as_writable_bytes(std::span{&bits, 1}));
  return static_cast<double>(bits) / 4294967296.0;
}

Duration backoff(int attempt, Entropy& entropy) {
  double most = std::min<double>(static_cast<double>(limits::aws::backoff_base.count()) * std::exp2(attempt - 1),
                                 static_cast<double>(limits::aws::backoff_cap.count()));
  return Duration{static_cast<Duration::rep>(most * unit_random(entropy))};
}

// What one attempt ended with: an answer, or a failure and what it costs to try again (0: it is not tried again).
struct Attempt {
  std::optional<http::Response> answer;
  std::optional<Failure> failure;
  int retry_cost = 0;
  bool sign_again = false;  // what it was signed with was over: the date, or the credentials
};

Failure not_as_written(const Call& call) {
  return Failure(Failure::Kind::refused, description(call) + ": it would be sent at another time than was written down",
                 "Run certferry again")
      .with_code(written_otherwise);
}

std::optional<WallTime> date_of(const http::Response& answer) {
  const auto field = answer.headers.get("date");
  return field ? parse_http_date(*field) : std::nullopt;
}

// What an attempt was signed with.
struct Signature {
  SharedCredentials by;  // null: nothing
  WallTime dated;
};

// Whether it changes what a claim is held for. Told by the operation's name, so that no new one forgets to ask: what
// does not read changes. S3's writes bear conditions of their own; KMS, STS and IAM Identity Center give keys and keep
// nothing.
bool changes_something(const Call& call) {
  static constexpr std::string_view reading[] = {"Get", "List", "Describe", "Simulate"};
  static constexpr std::string_view keepers_of_nothing[] = {"s3", "kms", "sts", "sso", "sso-oidc"};
  if (std::ranges::find(keepers_of_nothing, call.service) != std::end(keepers_of_nothing)) return false;
  return std::ranges::none_of(reading, [&](std::string_view word) { return call.operation.starts_with(word); });
}

}  // namespace

struct Client::State {
  Outside& outside;
  std::shared_ptr<CredentialProvider> credentials;
  std::string region;
  EndpointSettings endpoints;
  Budget budget;
  std::shared_ptr<SigningClock> time;
  const Lease* lease = nullptr;  // null: nobody else can be at work
  HeardClock services;           // by the last answer that bore a date; of AWS itself, once there was one
  bool heard_aws = false;
  int retry_quota = limits::aws::retry_quota;
  std::uint64_t requests_sent = 0;
  std::map<std::string, ServiceEndpoint> endpoints_found;  // by service

  const ServiceEndpoint& endpoint_for(const std::string& service);
  http::Request prepare(const Call& call, const ServiceEndpoint& endpoint) const;
  Task<Attempt> attempt(const Call& call, const ServiceEndpoint& endpoint);
  Attempt judge(const Call& call, http::Response answer, const Signature& signature, bool overridden);
  Attempt judge(const Call& call, const Failure& lost) const;
  void note_date(const http::Response& answer, const ServiceEndpoint& from, SteadyTime asked);
  bool was_over(const Signature& signature, const Refusal& refused, std::optional<WallTime> theirs);
  Asked asked(const Call& call) const { return {call.service, call.operation, region}; }
  WallTime service_time() const { return services.now().value_or(time->now()); }
};

Client::Client(Outside& outside, std::shared_ptr<CredentialProvider> credentials, std::string region,
               EndpointSettings endpoints, Budget budget, std::shared_ptr<SigningClock> time)
    : state_(new State{outside, std::move(credentials), std::move(region), std::move(endpoints), std::move(budget),
                       time ? std::move(time) : std::make_shared<SigningClock>(outside), nullptr,
                       HeardClock{outside.clock}}) {}

Client::~Client() = default;

const ServiceEndpoint& Client::State::endpoint_for(const std::string& service) {
  const auto known = endpoints_found.find(service);
  if (known != endpoints_found.end()) return known->second;
  return endpoints_found.emplace(service, endpoint_of(service, region, endpoints)).first->second;
}

http::Request Client::State::prepare(const Call& call, const ServiceEndpoint& endpoint) const {
  std::string url = with_bucket(endpoint, call.bucket).text();
  while (url.ends_with('/')) url.pop_back();
  url += call.path;
  if (!call.query.empty()) url += "?" + form_encoded(call.query);
  http::Request request{.method = call.method, .url = Url::parse(url), .headers = call.headers, .body = call.body};
  request.trust = http::Trust::aws;
  request.deadline = call.deadline;
  request.body_limit = limits::aws::answer_bytes;
  return request;
}

void Client::State::note_date(const http::Response& answer, const ServiceEndpoint& from, SteadyTime asked) {
  const auto date = date_of(answer);
  if (!date) return;
  // What stands at an endpoint given by hand may have a clock of its own, as a store beside us has ours.
  if (!from.overridden || !heard_aws) services.says(*date, asked);
  heard_aws = heard_aws || !from.overridden;
  time->heard(from.overridden ? from.base.text() : "", *date, asked);
}

// Whether its date or its credentials explain the refusal, and the next signature has better ones. theirs: the date of
// the refusal.
bool Client::State::was_over(const Signature& signature, const Refusal& refused, std::optional<WallTime> theirs) {
  if (refused.clock_suspect && theirs && time->explains(*theirs, signature.dated)) return true;
  return refused.credentials_expired && signature.by && credentials->drop(*signature.by);
}

Attempt Client::State::judge(const Call& call, http::Response answer, const Signature& signature, bool overridden) {
  if (answer.status >= 200 && answer.status < 300) {
    if (!overridden) budget.succeeded(asked(call));
    return {.answer = std::move(answer)};
  }
  Refusal refused = refusal(call, answer, outside.clock.now(), signature.by ? signature.by->source : "none sent");
  if (refused.throttling && !overridden) budget.throttled(asked(call), outside.clock.steady());
  bool again = refused.retry == Retry::surely_not_done || (refused.retry == Retry::if_repeatable && call.repeatable);
  const bool over = was_over(signature, refused, date_of(answer));
  return {.failure = std::move(refused.failure), .retry_cost = again ? limits::aws::retry_cost : 0, .sign_again = over};
}

Attempt Client::State::judge(const Call& call, const Failure& lost) const {
  Failure said = lost.within(description(call));
  if (lost.kind() == Failure::Kind::transient) return {.failure = said, .retry_cost = limits::aws::retry_cost};
  if (lost.kind() == Failure::Kind::outcome_unknown && call.repeatable)
    return {.failure = Failure{Failure::Kind::transient, said.what(), said.next(), said.retry_after()},
            .retry_cost = limits::aws::timeout_retry_cost};
  return {.failure = said};
}

Task<Attempt> Client::State::attempt(const Call& call, const ServiceEndpoint& endpoint) {
  Signature signature;
  if (call.sign) signature.by = co_await (call.urgent ? credentials->at_hand() : credentials->credentials());
  if (signature.by) budget.is_of(signature.by->account);
  if (!endpoint.overridden) co_await budget.take(asked(call), outside.clock);
  http::Request request = prepare(call, endpoint);
  bool s3 = call.service == "s3";
  if (call.written && std::chrono::abs(service_time() - *call.written) > limits::aws::written_within)
    co_return Attempt{.failure = not_as_written(call)};
  signature.dated = time->now();
  if (signature.by)
    sign(request, *signature.by, endpoint.scope, signature.dated,
         {.encode_path_twice = !s3, .normalize_path = !s3, .content_sha256 = s3});
  if (lease && changes_something(call)) require_lease(*lease, call.deadline, description(call));
  ++requests_sent;
  const SteadyTime asked = outside.clock.steady();
  std::optional<http::Response> answer;
  std::optional<Failure> lost;
  try {
    answer = co_await outside.transport.send(std::move(request));
  } catch (const Failure& failure) {
    lost = failure;
  }
  if (answer) note_date(*answer, endpoint, asked);
  co_return answer ? judge(call, std::move(*answer), signature, endpoint.overridden) : judge(call, *lost);
}

Task<http::Response> Client::send(Call call) {
  State& state = *state_;
  const ServiceEndpoint& endpoint = state.endpoint_for(call.service);
  bool signed_again = false;
  int spent = 0;
  for (int attempt = 1;;) {
    Attempt tried = co_await state.attempt(call, endpoint);
    if (tried.answer) {
      int refund = spent > 0 ? spent : limits::aws::success_gives;
      state.retry_quota = std::min(limits::aws::retry_quota, state.retry_quota + refund);
      co_return std::move(*tried.answer);
    }
    if (tried.sign_again && !signed_again) {
      signed_again = true;
      continue;
    }
    bool again = tried.retry_cost > 0 && attempt < limits::aws::attempts && state.retry_quota >= tried.retry_cost;
    if (!again) throw *tried.failure;
    spent = tried.retry_cost;
    state.retry_quota -= spent;
    Duration asked = std::min(tried.failure->retry_after().value_or(Duration::zero()), limits::aws::backoff_cap);
    Duration wait = std::max(backoff(attempt, state.outside.entropy), asked);
    state.outside.log.debug(fmt::format("{}; again in {}", tried.failure->what(), humane(wait)));
    ++attempt;
    co_await state.outside.clock.sleep(wait);
  }
}

void Client::act_under(const Lease& lease) { state_->lease = &lease; }

const std::string& Client::region() const { return state_->region; }

bool Client::overridden(std::string_view service) const {
  return endpoint_of(service, state_->region, state_->endpoints).overridden;
}

std::string Client::partition() const { return std::string{partition_of(state_->region).id}; }

std::optional<WallTime> Client::heard_time() const { return state_->services.now(); }

WallTime Client::service_time() const { return state_->service_time(); }

std::shared_ptr<SigningClock> Client::time() const { return state_->time; }

Task<SharedCredentials> Client::credentials() { co_return co_await state_->credentials->credentials(); }

void Client::acts_in(const std::string& account) { state_->budget.is_of(account); }

std::uint64_t Client::requests_sent() const { return state_->requests_sent; }

}  // namespace certferry::aws
