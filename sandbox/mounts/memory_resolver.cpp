#include "sandbox/mounts/memory_resolver.h"

#include <fmt/format.h>
#include <memory>

#include "base/failure.h"
#include "sandbox/mounts/name_service.h"

namespace certferry::sandbox {
namespace {

constexpr Duration kUnansweredAfter = seconds(5);

}  // namespace

// Until the question is where it is answered, and the answer back.
Task<> MemoryResolver::exchange(std::string what, std::function<void(World&, WallTime)> answer) {
  if (network_.strikes(&Faults::dns_unanswered)) {
    co_await effects_.time().sleep(kUnansweredAfter);
    throw Failure{Failure::Kind::transient, fmt::format("DNS {}: no answer", what), "Try again later."};
  }
  Effect look{
      .name = fmt::format("DNS {}", what), .numbered = false, .there = network_.one_way(), .back = network_.one_way()};
  look.happens = [&world = network_.world, &time = effects_.time(), answer = std::move(answer)] {
    answer(world, time.now());
  };
  co_await effects_.perform(std::move(look));
}

Task<dns::Answer> MemoryResolver::ask(dns::Question question, dns::Nameserver server) {
  auto answer = std::make_shared<dns::Answer>();
  const bool fails = server.address.empty() && network_.strikes(&Faults::dns_failed);
  const std::string host = server.address.empty() ? "" : network_.addresses.place_of(server.address).host;
  co_await exchange(
      fmt::format("{} {}", name(question.type), question.name), [answer, question, host](World& world, WallTime now) {
        *answer = host.empty() ? resolved_in(world, question, now) : asked_directly(world, host, question, now);
      });
  if (fails) co_return dns::Answer{.rcode = dns::Rcode::server_failure};
  co_return std::move(*answer);
}

Task<std::vector<std::string>> MemoryResolver::addresses(std::string host) {
  auto found = std::make_shared<std::vector<std::string>>();
  const bool fails = network_.strikes(&Faults::dns_failed);
  co_await exchange(fmt::format("addresses of {}", host),
                    [found, host, &addresses = network_.addresses](World& world, WallTime now) {
                      *found = addresses_in(world, addresses, host, now);
                    });
  if (fails) throw Failure{Failure::Kind::transient, fmt::format("{}: SERVFAIL", host), "Try again later."};
  if (found->empty())
    throw Failure{Failure::Kind::transient, fmt::format("{} has no address", host), "Check the name."};
  co_return std::move(*found);
}

}  // namespace certferry::sandbox
