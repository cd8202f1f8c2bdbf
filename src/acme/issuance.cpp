#include <algorithm>
#include <fmt/format.h>

#include "acme/certificate_authority.h"
#include "base/failure.h"
#include "base/limits/acme.h"
#include "crypto/certificate_request.h"
#include "crypto/verify_issued.h"
#include "wire/base64.h"

// From a ready order to a chain (RFC 8555 sections 7.4 and 7.4.2).
namespace certferry::acme {
namespace {

constexpr std::string_view chain_type = "application/pem-certificate-chain";
constexpr int no_such_order = 404;  // RFC 9110 section 15.5.5
// For how long a CSR that was answered may be seen by some machines of the CA alone.
constexpr Duration csr_seen_within = limits::acme::order_deadline / limits::acme::finalize_attempts;

bool may_have_been_done(const Failure& failure) {
  return failure.kind() == Failure::Kind::outcome_unknown || failure.kind() == Failure::Kind::transient;
}

Failure order_without_certificate(const Order& order) {
  return Failure(Failure::Kind::dead_generation,
                 fmt::format("the order {} for {} is {}{}", quoted(order.url.text()), order.names.front().text(),
                             name(order.status), order.error.empty() ? ", without a certificate" : ": " + order.error),
                 "Run certferry again later; it begins a new order")
      .as_rationed();
}

// How a chain that was downloaded answers what was asked for.
enum class Fitness { none, leaf_alone, whole, trusted };

// Why it is none that was asked for.
std::optional<Failure> objection_to(const Issued& issued, const RequestedCertificate& asked, WallTime now) {
  try {
    verify_issued(issued, asked.key, asked.names, now);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::transient) return failure;  // dates alone: another has the same
  }
  return {};
}

Chain chain_in(const http::Response& response) {
  if (http::media_type(response.headers) != chain_type)
    throw Failure(Failure::Kind::refused, "the CA answered " + glimpse(response), "");
  return parse_chain(response.body);
}

}  // namespace

// Whatever came of it, what is known of the order is as fresh as can be afterwards.
Task<> CertificateAuthority::send_csr(const OrderUrl& url, const Bytes& csr) {
  const Order order = known_.at(url).order;
  const Call call{.operation = "finalize for " + order.names.front().text(),
                  .url = order.finalize,
                  .payload = Json::object({{"csr", base64url(csr)}}).dump()};
  std::optional<Answer> answer;
  known_.at(url).finalize_not_found.reset();
  known_.at(url).finalize_failed.clear();
  known_.at(url).csr_sent = true;
  try {
    answer = co_await ask(call);
  } catch (const Failure& failure) {
    if (!may_have_been_done(failure)) throw;
    known_.at(url).finalize_failed = failure.what();
  }
  const bool not_there = answer && answer->problem && answer->problem->status == no_such_order;  // expired, maybe
  if (answer && answer->problem && answer->problem->type != "orderNotReady" && !not_there)
    throw failure_of(*answer->problem, call.operation, true);
  if (answer && !answer->problem && tells_order(url, answer->response)) co_return;
  const Order now = co_await read(url);
  if (!not_there) co_return;
  if (has_expired(now)) throw expiry_of(now);
  known_.at(url).finalize_not_found = failure_of(*answer->problem, call.operation, true);
}

// False where the answer to finalize is no order: then it is asked for itself.
bool CertificateAuthority::tells_order(const OrderUrl& url, const http::Response& response) {
  try {
    remember(url, response);
    return true;
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    return false;
  }
}

Task<Issued> CertificateAuthority::obtain(const OrderUrl& url, const Bytes& csr, int generation) {
  int sent = 0;
  const SteadyTime give_up =  // for a CA whose orders go back and forth
      outside_.clock.steady() + limits::acme::authorization_deadline + limits::acme::order_deadline;
  for (;;) {
    const Known& known = known_.at(url);
    const Order order = known.order;
    const bool may_send = order.status == OrderStatus::ready && sent < limits::acme::finalize_attempts;
    if (may_send && sent == 0) {
      ++sent;
      co_await send_csr(url, csr);
      continue;
    }
    if (order.status == OrderStatus::ready) {               // sent, and either lost or not seen yet everywhere
      const bool answered = known.finalize_failed.empty();  // else it is soon sent again: whoever had it says so then
      const Order later = co_await wait_while(url, answered ? OrderStatus::ready : OrderStatus::processing,
                                              answered ? csr_seen_within : limits::acme::order_deadline);
      if (later.status == OrderStatus::ready) {
        if (!may_send && known.finalize_not_found) throw Failure{*known.finalize_not_found};
        if (!may_send) throw still_waiting(later, known.retry_after, known.finalize_failed);
        ++sent;
        co_await send_csr(url, csr);
      }
      continue;
    }
    if (order.status == OrderStatus::pending || order.status == OrderStatus::processing) {
      const Duration patience =
          order.status == OrderStatus::pending ? limits::acme::authorization_deadline : limits::acme::order_deadline;
      const Order later = co_await wait_while(url, order.status, patience);
      if (later.status == order.status || outside_.clock.steady() >= give_up)
        throw still_waiting(later, known.retry_after);
      continue;
    }
    if (has_expired(order)) throw expiry_of(order);
    if (order.status == OrderStatus::invalid && order.error.empty() && co_await lost_a_proof(order))
      throw as_lapse(end_of(order));
    if (order.status != OrderStatus::valid || order.certificate.empty()) throw order_without_certificate(order);
    silent_.insert(url);
    Chain chain = co_await download(order.certificate, parse_certificate_request(csr));
    silent_.erase(url);
    co_return Issued{std::move(chain), order.certificate, generation};
  }
}

Task<Issued> CertificateAuthority::finalize(const Order& order, const Bytes& csr, int generation) {
  known_.try_emplace(order.url, Known{order, {}});
  co_return co_await obtain(order.url, csr, generation);
}

// Its alternates, until one is trusted, and again where none is whole: what is not fit at first may be later. Of those
// that are not trusted, as a test CA's, the first is taken that is whole. A leaf alone leads clients nowhere, and is
// taken only where the CA has nothing more; one that is not what was asked for, to be told of.
Task<Chain> CertificateAuthority::download(const std::string& url, const RequestedCertificate& asked) {
  std::vector<std::string> places{url};
  std::optional<Failure> objection;
  std::optional<Chain> best;
  Fitness fitness = Fitness::none;
  for (std::size_t i = 0; i < places.size() && fitness < Fitness::trusted; ++i) {
    const bool again = i > 0 && i + 1 == places.size();
    if (again && fitness == Fitness::whole) break;
    std::optional<http::Response> response;
    try {
      response = co_await read_until_found({.operation = "downloading the certificate " + quoted(places[i]),
                                            .url = places[i],
                                            .accept = std::string{chain_type},
                                            .body_limit = limits::acme::chain_body});
    } catch (const Failure&) {
      if (fitness < Fitness::whole) throw;
      continue;  // a better one was looked for
    }
    try {
      Chain chain = chain_in(*response);
      const auto unfit = objection_to({chain, places[i], 0}, asked, now());
      const Fitness of_it = unfit                         ? Fitness::none
                            : chain.intermediates.empty() ? Fitness::leaf_alone
                            : trusted_(chain)             ? Fitness::trusted
                                                          : Fitness::whole;
      if (unfit && !objection) objection = unfit;
      if (!best || of_it > fitness) best = std::move(chain);
      fitness = std::max(fitness, of_it);
    } catch (const Failure& failure) {
      if (!objection) objection = failure;
    }
    if (i != 0) continue;
    for (const std::string& alternate : http::links(*response, "alternate"))
      if (places.size() <= limits::acme::alternates) places.push_back(alternate);
    places.push_back(url);
  }
  // Whether there is nothing more than a leaf alone is not known where some answer was something else.
  if (best && (fitness != Fitness::leaf_alone || !objection)) co_return std::move(*best);
  throw Failure(Failure::Kind::refused, fmt::format("the certificate {} is unfit: {}", quoted(url), objection->what()),
                "Report it to the CA; certferry downloads it again when it runs again");
}

}  // namespace certferry::acme
