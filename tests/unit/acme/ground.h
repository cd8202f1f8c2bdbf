#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "acme/certificate_authority.h"
#include "base/failure.h"
#include "crypto/certificate_request.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry::acme {

inline CertificateSpec spec_of(std::vector<std::string> names) {
  CertificateSpec wanted;
  for (const std::string& name : names) wanted.names.push_back(DomainName::parse(name));
  wanted.names = sorted_names(std::move(wanted.names));
  return wanted;
}

inline const CertificateSpec kWanted = spec_of({"www.example.com"});

// A simulated world with a zone, and an account there. Its keys live as long as the ground, its processes but one run.
struct Ground {
  explicit Ground(sandbox::Settings settings = {}, std::uint64_t seed = 1)
      : world(seed, settings),
        account_key(PrivateKey::generate(KeyType::p256)),
        leaf_key(PrivateKey::generate(KeyType::p256)) {
    world.world().zones().add("example.com");
  }

  using Act = std::function<Task<>(CertificateAuthority& ca)>;

  // One process that knows the account already. Throws what it threw.
  void play(const Act& act) {
    play_with([&](Outside&, Session&, CertificateAuthority& ca) { return act(ca); });
  }
  void play_with(const std::function<Task<>(Outside&, Session&, CertificateAuthority&)>& act) {
    const sandbox::Ending ending = world.run([&](Outside& outside, Store&) -> Task<> {
      Session session{outside, ca().directory_url()};
      CertificateAuthority authority{outside, session, trusted};
      if (account.empty()) {
        account = co_await authority.account_url(account_key, {.agree_to_terms = true});
        requests_before = world.world().events().size();
      }
      authority.use({account_key, account});
      co_await act(outside, session, authority);
      polls = authority.polls();
    });
    if (ending.error) std::rethrow_exception(ending.error);
    EXPECT_EQ(ending.how, sandbox::Ending::How::finished);
  }
  // The account is made by a process of its own, so that the next one's requests are those of a renewal.
  void register_account() {
    play([](CertificateAuthority&) -> Task<> { co_return; });
    requests_before = world.world().events().size();
  }
  std::optional<Failure> failure_of(const Act& act) {
    try {
      play(act);
    } catch (const Failure& failure) {
      return failure;
    }
    return {};
  }

  void publish(const std::vector<ChallengeRecord>& records) {
    std::map<std::string, std::vector<std::string>> sets;
    for (const ChallengeRecord& record : records) sets[record.name().text()].push_back("\"" + record.value + "\"");
    for (const auto& [name, values] : sets)
      world.world().zones().put("example.com", {.name = name, .type = "TXT", .ttl = 60, .values = values});
  }
  // From an order's URL to its certificate, as a renewal does it.
  Task<Issued> obtain(CertificateAuthority& authority, OrderUrl url, const CertificateSpec& wanted) {
    const Order order = co_await authority.order(url);
    const auto records = co_await authority.open_challenges(order);
    publish(records);
    if (!records.empty()) co_await authority.answer(order);
    co_return co_await authority.finalize(order, certificate_request(leaf_key, wanted.names), 7);
  }
  Task<Issued> issue(CertificateAuthority& authority, const CertificateSpec& wanted) {
    const OrderUrl url = co_await authority.new_order(wanted);
    co_return co_await obtain(authority, url, wanted);
  }

  sandbox::CertificateAuthority& ca() { return world.world().ca(); }
  // Operations that reached the CA since the account was there: "newOrder" → 1.
  std::map<std::string, int> requests() {
    std::map<std::string, int> counts;
    const auto& events = world.world().events();
    for (std::size_t i = requests_before; i < events.size(); ++i)
      if (events[i].service == "acme") ++counts[events[i].operation];
    return counts;
  }

  CertificateAuthority::Trusted trusted = [](const Chain&) { return true; };
  sandbox::SimulatedWorld world;
  PrivateKey account_key, leaf_key;
  std::string account;
  std::size_t requests_before = 0;
  std::uint64_t polls = 0;
};

// An answer that no ACME server gives.
inline http::Response foreign_answer(int status, std::string type, std::string body) {
  http::Response response;
  response.status = status;
  if (!type.empty()) response.headers.set("Content-Type", std::move(type));
  response.body = std::move(body);
  return response;
}

}  // namespace certferry::acme
