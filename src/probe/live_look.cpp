#include "probe/live_look.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "wire/host_port.h"

namespace certferry {
namespace {

constexpr std::size_t issuer_longest = 80;

bool ecdsa(KeyType key) { return key == KeyType::p256 || key == KeyType::p384; }

Task<Shown> look_at_address(Outside& outside, Endpoint endpoint, std::string sni, KeyType key) {
  Shown shown{text_of({endpoint.host, endpoint.port}), {}, "", ""};
  try {
    const PeerChain peer = co_await outside.transport.handshake(std::move(endpoint), std::move(sni), key);
    shown.protocol = peer.protocol;
    if (peer.certificates.empty())
      shown.trouble = shown.address + ": the handshake showed no certificate";
    else
      shown.chain = parse_chain(peer.certificates);
  } catch (const Failure& failure) {
    const std::string_view what = failure.what();
    shown.trouble = what.contains(shown.address) ? std::string{what} : fmt::format("{}: {}", shown.address, what);
  }
  co_return shown;
}

std::string described(const Shown& shown) {
  if (!shown.chain) return shown.trouble;
  const Certificate& leaf = shown.chain->leaf;
  return fmt::format("{} shows a certificate of {} until {} (serial {})", shown.address,
                     quoted(leaf.issuer(), issuer_longest), iso8601(leaf.not_after()), leaf.serial().text());
}

// What objects to `wanted` being shown, in words; empty where nothing does.
std::string still_missing(const std::vector<Shown>& seen, const Certificate& wanted,
                          const std::set<std::string>& answered_before) {
  bool shows = false;
  std::vector<std::string> missing, silent;
  for (const Shown& shown : seen) {
    if (shown.chain && shown.chain->leaf == wanted)
      shows = true;
    else if (shown.chain || answered_before.contains(shown.address))
      missing.push_back(described(shown));
    else
      silent.push_back(described(shown));
  }
  if (!shows) missing.insert(missing.end(), silent.begin(), silent.end());
  return fmt::format("{}", fmt::join(missing, "; "));
}

void keep_ours(const Host& host, std::vector<std::string>& addresses) {
  const auto ours = [&](const std::string& address) { return is_ours(host, address); };
  if (std::ranges::any_of(addresses, ours)) std::erase_if(addresses, std::not_fn(ours));
}

}  // namespace

bool is_ours(const Host& host, const std::string& address) {
  return address.starts_with("127.") || address == "::1" || host.addresses().contains(address);
}

Task<std::vector<Shown>> look_at(Outside& outside, std::string host, std::uint16_t port, std::string sni, KeyType key,
                                 StartTls starttls, Among among) {
  std::vector<std::string> addresses;
  if (is_address(host))
    addresses.push_back(host);
  else
    addresses = co_await outside.resolver.addresses(host);
  if (among == Among::ours) keep_ours(outside.host, addresses);
  if (addresses.empty())
    throw Failure(Failure::Kind::transient, fmt::format("{} has no address", quoted(host)),
                  fmt::format("Give {} an address record, or correct the name", quoted(host)));
  std::vector<Shown> seen(addresses.size());
  std::vector<Work> looks;
  for (std::size_t i = 0; i < addresses.size(); ++i)
    looks.push_back([&, i]() -> Task<> {
      seen[i] = co_await look_at_address(outside, Endpoint{addresses[i], port, starttls}, sni, key);
    });
  const auto ends = co_await all_settled(std::move(looks));
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  co_return seen;
}

Task<std::vector<Shown>> look_at_with_any_key(Outside& outside, std::string host, std::uint16_t port, std::string sni,
                                              KeyType first, StartTls starttls, Among among) {
  std::vector<Shown> seen = co_await look_at(outside, host, port, sni, first, starttls, among);
  const KeyType other = ecdsa(first) ? KeyType::rsa2048 : KeyType::p256;
  std::vector<Work> looks;
  for (Shown& shown : seen) {
    if (shown.chain) continue;
    looks.push_back([&]() -> Task<> {
      Endpoint endpoint{"", port, starttls};
      endpoint.host = parse_host_port(shown.address, port)->host;
      Shown again = co_await look_at_address(outside, std::move(endpoint), sni, other);
      if (again.chain) shown = std::move(again);
    });
  }
  const auto ends = co_await all_settled(std::move(looks));
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  co_return seen;
}

std::set<std::string> answering(const std::vector<Shown>& seen) {
  std::set<std::string> addresses;
  for (const Shown& shown : seen)
    if (shown.chain) addresses.insert(shown.address);
  return addresses;
}

// With any key: what shows one of another kind is not silent.
Task<> await_shown(Outside& outside, std::string host, std::uint16_t port, std::string sni, const Certificate& wanted,
                   const std::set<std::string>& answered_before, int times, Duration deadline, Among among) {
  const KeyType key = wanted.public_key().type().value_or(KeyType::p256);
  const SteadyTime end = outside.clock.steady() + deadline;
  for (int in_a_row = 0;;) {
    std::vector<Shown> seen;
    std::string missing;
    try {
      seen = co_await look_at_with_any_key(outside, host, port, sni, key, StartTls::none, among);
      missing = still_missing(seen, wanted, answered_before);
    } catch (const Failure& failure) {
      missing = failure.what();
    }
    in_a_row = missing.empty() ? in_a_row + 1 : 0;
    if (in_a_row >= times) {
      for (const Shown& shown : seen)
        if (!shown.chain) outside.log.info(shown.trouble + "; it was silent before, too, and is not waited for");
      co_return;
    }
    if (outside.clock.steady() + limits::renewal::verify_interval >= end)
      throw Failure(Failure::Kind::transient,
                    fmt::format("{} did not show the new certificate {} times in a row within {}{}{}",
                                text_of({host, port}), times, humane(deadline), missing.empty() ? "" : ": ", missing),
                    fmt::format("Look with `certferry check {}` who answers there", text_of({host, port})));
    co_await outside.clock.sleep(limits::renewal::verify_interval);
  }
}

}  // namespace certferry
