#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "estate.h"
#include "sandbox/certificate_authority.h"

// What the tests of generations share.
namespace certferry::simulation {

// "shop", for shop.example, on the classic load balancer "web".
inline void one_certificate(Estate& estate) {
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
}

// 503 to whatever is asked for under this name of the world's events.
inline void be_down_for(sandbox::CertificateAuthority& ca, const std::string& operation) {
  ca.interpose = [operation](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked == operation) return http::Response{.status = 503};
    return {};
  };
}

// The next run is killed once the CA has made its order, and before it heard of it.
inline void kill_at_new_order(Estate& estate) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&world = *estate.simulated, watching = heard, met = false](const http::Request& request) mutable {
    watching(request);
    const bool new_order = request.method == "POST" && request.url.path().ends_with("/order-plz");
    if (new_order && !std::exchange(met, true))
      world.kill_at({world.effects(), sandbox::Moment::after_effect_before_reply, true});
  };
}

// What the record of "shop" remembers.
inline std::vector<std::string> history(Estate& estate) {
  std::vector<std::string> all;
  for (const HistoryEntry& entry : estate.record("shop")->history) all.push_back(entry.what);
  return all;
}

// What the last run kept off a target, and of which certificate, with the reason.
inline std::vector<std::string> held_back(Estate& estate) {
  std::vector<std::string> all;
  for (const Outcome& outcome : estate.report().outcomes)
    if (outcome.kind == Outcome::Kind::held) all.push_back(outcome.certificate + ": " + outcome.what);
  return all;
}

// Of the oldest one whose first name that is; "none" where there is none.
inline std::string status_of_order_for(Estate& estate, const std::string& name) {
  for (const auto& [url, order] : estate.world().ca().orders)
    if (order.names.front().text() == name) return order.status;
  return "none";
}

}  // namespace certferry::simulation
