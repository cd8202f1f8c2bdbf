#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// What the tests of change batches share.
namespace certferry::simulation {

inline bool is_change_batch(const http::Request& request) {
  return request.method == "POST" && request.url.path().ends_with("/rrset/");
}

// What goes wrong with the next change batches of a zone, one after the other; then nothing does.
inline void spoil_batches(Estate& estate, std::vector<sandbox::Faults> faults) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&estate, watching = heard, faults, next = std::size_t{0}](const http::Request& request) mutable {
    watching(request);
    const bool batch = is_change_batch(request);
    estate.world().faults() = batch && next < faults.size() ? faults[next++] : sandbox::Faults::calm();
  };
}

// The next run is killed round the first change batch that it sends.
inline void kill_at_next_batch(Estate& estate, sandbox::Moment moment, Duration lands_after = minutes(2)) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&world = *estate.simulated, watching = heard, moment, lands_after,
           met = false](const http::Request& request) mutable {
    watching(request);
    if (is_change_batch(request) && !std::exchange(met, true))
      world.kill_at({world.effects(), moment, true, lands_after});
  };
}

// A run is killed while it waits for a change of its own, the one of this number in the world.
inline void kill_while_it_waits_for_batch(Estate& estate, std::size_t number) {
  auto& world = *estate.simulated;
  const auto process = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
  const auto sent = [&] { return estate.world().count("route53", "ChangeResourceRecordSets") == number; };
  ASSERT_TRUE(world.run_until(sent, minutes(10)));
  world.run_for(seconds(10));
  ASSERT_FALSE(world.ending(process));
  world.kill(process);
}

// At shop.example's challenge.
inline void somebody_deletes_the_value(Estate& estate) {
  auto& zones = estate.world().zones();
  zones.advance(estate.simulated->time().now());  // lest an earlier change brings it back
  auto& zone = zones.zone("shop.example");
  for (auto* sets : {&zone.sets, &zone.served}) sets->erase({"_acme-challenge.shop.example", "TXT", ""});
}

}  // namespace certferry::simulation
