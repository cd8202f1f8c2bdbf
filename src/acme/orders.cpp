#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "acme/certificate_authority.h"
#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/acme.h"
#include "base/log.h"

// Orders: asked for, read, waited for, found again, given up (RFC 8555 section 7.4).
namespace certferry::acme {
namespace {

Failure dead_order(const OrderUrl& url, std::string_view why) {
  return Failure(Failure::Kind::dead_generation, fmt::format("the order {} {}", quoted(url.text()), why),
                 "Run certferry again later; it begins a new order");
}

std::string how_it_is(const Order& order) {
  return fmt::format("is {}{}", name(order.status), order.error.empty() ? "" : ": " + order.error);
}

Failure gone_since(const OrderUrl& url, WallTime expired, const Problem& problem) {
  return as_lapse(
      dead_order(url, fmt::format("expired on {}, and is not there any more: {}", iso8601(expired), problem.words())));
}

std::string shown_names(const std::vector<DomainName>& names) {
  std::string text = names.empty() ? "no name" : names.front().text();
  if (names.size() > 1) text += fmt::format(" and {} more", names.size() - 1);
  return text;
}

Json order_payload(const CertificateSpec& wanted, const std::string& replaces) {
  Json payload = Json::object({{"identifiers", Json::array()}});
  for (const DomainName& name : wanted.names)
    payload["identifiers"].push_back(Json::object({{"type", "dns"}, {"value", name.text()}}));
  if (!wanted.profile.empty()) payload["profile"] = wanted.profile;
  if (!replaces.empty()) payload["replaces"] = replaces;
  return payload;
}

// newOrder's answer must be for what was asked for.
void check_answer(const Order& order, const CertificateSpec& wanted) {
  const auto refuse = [&](std::string what) {
    return Failure(Failure::Kind::refused, fmt::format("newOrder for {}: {}", shown_names(wanted.names), what),
                   "Report it to the CA")
        .as_rationed();
  };
  if (order.names != sorted_names(wanted.names))
    throw refuse(fmt::format("the CA's order is for {}", shown_names(order.names)));
  if (!wanted.profile.empty() && !order.profile.empty() && order.profile != wanted.profile)
    throw refuse(
        fmt::format("the CA's order has the profile \"{}\" instead of \"{}\"", quoted(order.profile), wanted.profile));
}

// Throws Failure (transient) where the answer is no document at all: then nobody knows.
Json document_told(const http::Response& response, const std::string& source) {
  try {
    return Json::parse(response.body, source);
  } catch (const Failure& failure) {
    throw Failure(Failure::Kind::transient, failure.what(), "Run certferry again later");
  }
}

// A page of the account's list, or the array by itself, as step-ca shows it; null where it is neither.
const Json::Array* order_list(const Json& body) {
  const Json* list = body.is_array() ? &body : body.find("orders");
  return list && list->is_array() ? &list->as_array() : nullptr;
}

// An order of the account's list; empty where it is none that we could have asked for.
std::optional<Order> listed_order(const std::string& url, const http::Response& response) {
  const Json body = document_told(response, "the order " + quoted(url));
  try {
    return parse_order(OrderUrl::parse(url), body);
  } catch (const Failure&) {
    return {};
  }
}

bool is_about_the_account(const Problem& problem) { return problem.type == "accountDoesNotExist"; }

// For good, which 404 is not: a CA of several machines answers so too where one does not know yet what another made.
bool is_gone(const Problem& problem) { return problem.status == 410; }

bool is_not_found(const Problem& problem) { return problem.status == 404; }

bool is_absent(const Answer& answer) {
  return answer.problem && (is_gone(*answer.problem) || is_not_found(*answer.problem));
}

Call reading_order(const OrderUrl& url) {
  return {.operation = "reading the order " + quoted(url.text()), .url = url.text()};
}

// As an answer tells it, nothing remembered of it.
Order order_told(const OrderUrl& url, const Answer& answer) {
  const Call call = reading_order(url);
  if (answer.problem) throw failure_of(*answer.problem, call.operation, false);
  return parse_order(url, Json::parse(answer.response.body, "the order " + quoted(url.text())));
}

Failure order_not_found(const OrderUrl& url, const Problem& problem) {
  return Failure(Failure::Kind::transient,
                 fmt::format("reading the order {}: the CA does not find it: {}", quoted(url.text()), problem.words()),
                 "Run certferry again later; it goes on with this order", problem.retry_after)
      .with_code(problem.type);
}

Duration longer_step(Duration step) {
  using namespace limits::acme;
  return std::min(Duration{std::lround(static_cast<double>(step.count()) * poll_growth)}, poll_longest);
}

bool is_passing(const Failure& failure) {
  return failure.kind() == Failure::Kind::transient || failure.kind() == Failure::Kind::throttled;
}

}  // namespace

Task<Answer> CertificateAuthority::ask(Call call) {
  const Account account = account_.value();  // the same until it is answered, whichever is used then
  const Answer answer = co_await session_.ask(account.key, account.url, call);
  if (answer.problem && is_about_the_account(*answer.problem)) lost_accounts_.insert(account.url);
  co_return answer;
}

Task<Answer> CertificateAuthority::ask_until_found(Call call) {
  using namespace limits::acme;
  const SteadyTime give_up = outside_.clock.steady() + not_found_asked_for;
  for (Duration step = poll_first_longest;; step = longer_step(step)) {
    const Answer answer = co_await ask(call);
    if (!answer.problem || !is_not_found(*answer.problem)) co_return answer;
    const Duration wait = std::max(step, answer.problem->retry_after.value_or(Duration::zero()));
    if (outside_.clock.steady() + wait > give_up) co_return answer;
    co_await outside_.clock.sleep(wait);
  }
}

Task<http::Response> CertificateAuthority::post(Call call) {
  Answer answer = co_await ask(call);
  if (answer.problem) throw failure_of(*answer.problem, call.operation, !call.repeatable && !call.payload.empty());
  co_return std::move(answer.response);
}

Task<http::Response> CertificateAuthority::read_until_found(Call call) {
  Answer answer = co_await ask_until_found(call);
  if (answer.problem) throw failure_of(*answer.problem, call.operation, false);
  co_return std::move(answer.response);
}

Order CertificateAuthority::remember(const OrderUrl& url, const http::Response& response) {
  Order order = parse_order(url, Json::parse(response.body, "the order " + quoted(url.text())));
  const auto known = known_.find(url);
  if (known != known_.end() &&
      (known->second.order.names != order.names || known->second.order.authorizations != order.authorizations))
    throw dead_order(url, "is not for the names and authorizations that it was for before");
  if (!order.expires) order.expires = expiry(url);  // required while it is pending or valid: section 7.1.3
  Known& entry = known_.try_emplace(url, Known{order, {}}).first->second;
  entry.order = order;
  entry.unread = false;
  entry.retry_after = http::retry_after(response, outside_.clock.now());
  if (order.status != OrderStatus::pending) entry.settled = true;
  return order;
}

// To name a predecessor is a courtesy (RFC 9773 section 5) that must not cost the order, for good, at a CA that has a
// bug there: Pebble 2.10 knows no certificate whose serial number begins with 00.
Task<Answer> CertificateAuthority::ask_for_order(Call call, const std::string& replaces) {
  try {
    co_return co_await ask(std::move(call));
  } catch (const Failure& failure) {
    if (!replaces.empty() && failure.code() == "serverInternal") failed_over_.insert(replaces);
    throw;
  }
}

Task<OrderUrl> CertificateAuthority::new_order(const CertificateSpec& wanted, std::string replaces) {
  const Directory directory = co_await session_.directory();
  const std::string account = account_.value().url;
  if (directory.renewal_info.empty() || failed_over_.contains(replaces)) replaces.clear();
  Call call{.operation = "newOrder for " + shown_names(wanted.names),
            .url = directory.new_order,
            .payload = order_payload(wanted, replaces).dump()};
  Answer answer = co_await ask_for_order(call, replaces);
  const bool same_account = account_.value().url == account;  // else it would be an order of nobody who asked
  if (answer.problem && !replaces.empty() && same_account && !is_about_the_account(*answer.problem)) {
    outside_.log.info(
        fmt::format("{}: {}; asked again without naming the predecessor", call.operation, answer.problem->words()));
    call.payload = order_payload(wanted, "").dump();
    answer = co_await ask(call);
  }
  if (answer.problem) throw failure_of(*answer.problem, call.operation, true);
  const auto location = answer.response.headers.get("Location");
  if (!location)
    throw Failure(Failure::Kind::refused, call.operation + ": the CA gave no order URL", "Report it to the CA")
        .as_rationed();
  const OrderUrl url = OrderUrl::parse(*location);
  check_answer(remember(url, answer.response), wanted);
  known_.at(url).unread = true;
  co_return url;
}

Task<Order> CertificateAuthority::read(const OrderUrl& url) {
  const Call call = reading_order(url);
  const bool over = is_over(expiry(url));
  silent_.insert(url);
  const Answer answer = over ? co_await ask(call) : co_await ask_until_found(call);
  silent_.erase(url);
  not_found_.erase(url);
  if (answer.problem && is_absent(answer) && is_over(expiry(url))) throw gone_since(url, *expiry(url), *answer.problem);
  if (answer.problem && is_gone(*answer.problem))
    throw dead_order(url, "is not there any more: " + answer.problem->words());
  if (answer.problem && is_not_found(*answer.problem)) {
    not_found_.insert(url);
    throw order_not_found(url, *answer.problem);
  }
  if (answer.problem) throw failure_of(*answer.problem, call.operation, false);
  co_return remember(url, answer.response);
}

// Whether an authorization of it expired, is gone or was deactivated, and the CA found none wanting: one that it took
// over from an older order may end before it does. Where they cannot be read, nothing speaks for that.
Task<bool> CertificateAuthority::lost_a_proof(const Order& order) {
  bool lost = false;
  try {
    for (const std::string& url : order.authorizations) {
      const Answer answer = co_await ask({.operation = "reading the authorization " + quoted(url), .url = url});
      if (answer.problem && !is_absent(answer)) co_return false;
      lost = lost || answer.problem;
      if (answer.problem) continue;
      const Authorization proof = authorization_of(order, url, answer.response);
      if (proof.looked_at && proof.status != AuthorizationStatus::valid) co_return false;
      lost = lost || has_ended(proof);
    }
  } catch (const Failure&) {
    co_return false;
  }
  co_return lost;
}

std::optional<WallTime> CertificateAuthority::expiry(const OrderUrl& url) const {
  const auto known = known_.find(url);
  if (known != known_.end() && known->second.order.expires) return known->second.order.expires;
  const auto told = expiries_.find(url);
  return told == expiries_.end() ? std::nullopt : std::optional{told->second};
}

// By the CA's clock, whose Date leaves out what is over a whole second.
bool CertificateAuthority::is_over(std::optional<WallTime> expires) const {
  return expires && *expires < now() + seconds(1);
}

// RFC 8555 section 7.1.3: from then on the server considers it invalid, whether it says so or not. Not one that it says
// it is processing: its certificate may come yet, and counts like that of the next.
bool CertificateAuthority::has_expired(const Order& order) const {
  const bool may_end = order.status != OrderStatus::valid && order.status != OrderStatus::processing;
  return may_end && is_over(order.expires);
}

Failure CertificateAuthority::expiry_of(const Order& order) {
  return as_lapse(
      dead_order(order.url, fmt::format("expired on {}, and {}", iso8601(*order.expires), how_it_is(order))));
}

Failure CertificateAuthority::end_of(const Order& order) { return dead_order(order.url, how_it_is(order)); }

Task<Order> CertificateAuthority::order(const OrderUrl& url, std::optional<WallTime> expires) {
  if (expires) expiries_.insert_or_assign(url, *expires);
  const auto known = known_.find(url);
  Order order =
      known != known_.end() && std::exchange(known->second.unread, false) ? known->second.order : co_await read(url);
  if (has_expired(order)) throw expiry_of(order);
  if (order.status == OrderStatus::invalid) {
    const bool lapsed = co_await lost_a_proof(order);
    throw lapsed ? as_lapse(end_of(order)) : end_of(order).as_rationed();
  }
  co_return order;
}

Failure CertificateAuthority::still_waiting(const Order& order, std::optional<Duration> retry_after,
                                            const std::string& since) {
  return Failure(Failure::Kind::transient,
                 fmt::format("the order {} for {} is still {}{}{}", quoted(order.url.text()),
                             order.names.front().text(), name(order.status), since.empty() ? "" : "; ", since),
                 "Run certferry again later; it goes on with this order", retry_after);
}

Task<Order> CertificateAuthority::wait_while(const OrderUrl& url, OrderStatus status, Duration patience,
                                             const Work& meanwhile) {
  using namespace limits::acme;
  const SteadyTime give_up = outside_.clock.steady() + patience;
  Duration step = std::clamp(poll_round_trips * session_.round_trip(), poll_first_shortest, poll_first_longest);
  for (;;) {
    Known& known = known_.at(url);
    const Duration left = give_up - outside_.clock.steady();
    const Duration wait = known.retry_after ? std::max(*known.retry_after, retry_after_soonest) : std::min(step, left);
    if (wait > patience) throw still_waiting(known.order, wait);
    co_await outside_.clock.sleep(wait);
    step = longer_step(step);
    const bool last = outside_.clock.steady() >= give_up;
    ++polls_;
    bool was_told = false;
    try {
      const Order order = co_await read(url);
      if (order.status != status || last) co_return order;
      was_told = true;
    } catch (const Failure& failure) {
      // Else it is asked again like one that has not decided yet; to hear of a failure may have taken minutes.
      const bool later = failure.retry_after() > patience;
      if (later || outside_.clock.steady() >= give_up || !is_passing(failure)) throw;
      known.retry_after = failure.retry_after();
    }
    if (was_told && meanwhile) co_await meanwhile();
  }
}

// The end of the account's list; empty where it has none. A CA that refuses it, or a page of it, or shows what is no
// list, shows no more, and would do so for ever; were the account at fault, newOrder would be refused as well.
Task<std::vector<std::string>> CertificateAuthority::listed_orders() {
  using namespace limits::acme;
  std::vector<std::string> urls;
  std::string page = (co_await read_account()).text("orders").value_or("");
  for (int pages = 0; !page.empty() && pages < order_list_pages; ++pages) {
    const Call call{.operation = "reading the account's orders", .url = page};
    const Answer answer = co_await ask(call);
    if (answer.problem) {
      outside_.log.debug(fmt::format("{}: {}; taken as its end", call.operation, answer.problem->words()));
      break;
    }
    const Json body = document_told(answer.response, "the account's orders");
    const Json::Array* list = order_list(body);
    if (!list) {
      outside_.log.debug(fmt::format("{}: what the CA shows is no list; taken as its end", call.operation));
      break;
    }
    for (const Json& url : *list)
      if (url.is_string()) urls.push_back(url.as_text());
    if (urls.size() > order_list_read) urls.erase(urls.begin(), urls.end() - order_list_read);
    const auto next = http::links(answer.response, "next");
    page = next.empty() ? "" : next.front();
  }
  co_return urls;
}

Task<std::optional<OrderUrl>> CertificateAuthority::find_order(const CertificateSpec& wanted) {
  auto urls = co_await listed_orders();
  std::ranges::reverse(urls);  // the newest first, where the CA appends
  std::vector<std::optional<Order>> found(urls.size());
  std::vector<Work> reads;
  for (std::size_t i = 0; i < urls.size(); ++i)
    reads.push_back([&, i]() -> Task<> {
      const Answer answer =
          co_await ask_until_found({.operation = "reading the order " + quoted(urls[i]), .url = urls[i]});
      if (!answer.problem) found[i] = listed_order(urls[i], answer.response);
    });
  // Any that could not be read may be the one: "none" would ask for a second order.
  for (const auto& end : co_await all_settled(std::move(reads), limits::acme::order_list_at_once))
    if (end) std::rethrow_exception(end);
  for (const auto& order : found) {
    if (!order || order->names != sorted_names(wanted.names) || has_expired(*order)) continue;
    if (order->status != OrderStatus::pending && order->status != OrderStatus::ready) continue;
    if (!wanted.profile.empty() && !order->profile.empty() && order->profile != wanted.profile) continue;
    if (order->expires) expiries_.insert_or_assign(order->url, *order->expires);
    co_return order->url;
  }
  co_return std::nullopt;
}

// The authorizations that orders name which somebody goes on with. One that is not found for a while is there no
// longer: a machine that is gone may have left it to expire.
Task<std::set<std::string>> CertificateAuthority::needed_by(const std::vector<OrderUrl>& open) {
  std::vector<std::set<std::string>> named(open.size());
  std::vector<Work> reads;
  for (std::size_t i = 0; i < open.size(); ++i)
    reads.push_back([&, i]() -> Task<> {
      const Answer answer = co_await ask_until_found(reading_order(open[i]));
      if (is_absent(answer)) co_return;
      const Order order = order_told(open[i], answer);
      named[i].insert(order.authorizations.begin(), order.authorizations.end());
    });
  for (const auto& end : co_await all_settled(std::move(reads), limits::acme::requests_at_once))
    if (end) std::rethrow_exception(end);
  std::set<std::string> needed;
  for (std::set<std::string>& one : named) needed.merge(one);
  co_return needed;
}

Task<bool> CertificateAuthority::abandon(const OrderUrl& url, const OpenOrders& open_orders) {
  const Answer answer = co_await ask(reading_order(url));
  if (is_absent(answer)) co_return false;
  const Order order = order_told(url, answer);
  const bool ended = order.status == OrderStatus::invalid;
  if (!ended && order.status != OrderStatus::pending) co_return false;
  auto proofs = co_await authorizations(order);
  // Nobody has any use of what failed, nor of what the CA was told to look at and does not decide upon: whoever else
  // goes on with it waits in vain, too.
  const bool in_vain = undecided(url) && std::ranges::none_of(proofs, has_failed);
  const auto useless = [&](const Authorization& proof) { return in_vain || has_failed(proof); };
  std::erase_if(proofs, [&](const Authorization& proof) {
    return proof.status != AuthorizationStatus::pending || (ended && !has_failed(proof));
  });
  if (on(Guard::shared_authorizations) && !std::ranges::all_of(proofs, useless)) {
    const auto needed = co_await needed_by(co_await open_orders());  // as late as can be: others begin meanwhile
    std::erase_if(proofs, [&](const Authorization& proof) { return !useless(proof) && needed.contains(proof.url); });
  }
  std::vector<Work> farewells;
  for (const Authorization& proof : proofs)
    farewells.push_back([&]() -> Task<> {
      co_await ask({.operation = "deactivating the authorization for " + proof.identifier.text(),
                    .url = proof.url,
                    .payload = Json::object({{"status", "deactivated"}}).dump(),
                    .repeatable = true});
    });
  const auto ends = co_await all_settled(std::move(farewells));
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  co_return ended;
}

}  // namespace certferry::acme
