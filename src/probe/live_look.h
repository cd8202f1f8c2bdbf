#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crypto/chain.h"
#include "outside/outside.h"

namespace certferry {

// What every address of a host shows for a name.
struct Shown {
  std::string address;         // "192.0.2.1:443"
  std::optional<Chain> chain;  // empty where the handshake failed
  std::string trouble;         // why, with the address
  std::string protocol;
};

// Which of a host's addresses are looked at: of this machine alone, where any of them is.
enum class Among { all, ours };

bool is_ours(const Host& host, const std::string& address);  // of an interface of this machine

// Handshakes with every address of `host`, side by side. Failure: transient where the host has no address.
Task<std::vector<Shown>> look_at(Outside& outside, std::string host, std::uint16_t port, std::string sni, KeyType key,
                                 StartTls starttls = StartTls::none, Among among = Among::all);

// The same to a client that can use keys of either kind: with `first`, and where that shows nothing with the other.
Task<std::vector<Shown>> look_at_with_any_key(Outside& outside, std::string host, std::uint16_t port, std::string sni,
                                              KeyType first, StartTls starttls = StartTls::none,
                                              Among among = Among::all);

// The addresses that showed a certificate, whichever.
std::set<std::string> answering(const std::vector<Shown>& seen);

// Until some address shows `wanted`, every one of `answered_before` that the host still has among them, and none shows
// another; `times` in a row, within `deadline`. One that was silent before and still is says nothing. Failure:
// transient, naming the addresses that object and what they show instead.
Task<> await_shown(Outside& outside, std::string host, std::uint16_t port, std::string sni, const Certificate& wanted,
                   const std::set<std::string>& answered_before, int times, Duration deadline,
                   Among among = Among::all);

}  // namespace certferry
