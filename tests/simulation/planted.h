#pragma once

#include <gtest/gtest.h>

#include "estate.h"
#include "oracles/stored_value.h"

namespace certferry::simulation {

// A shop on a load balancer and in a directory, in whose world a test plants what an oracle must hear of.
class Planted : public testing::Test {
 protected:
  Planted() {
    estate.zone("shop.example").classic_elb("old-web");
    estate.certificate("shop", {"shop.example"}).on_elb("old-web").in_files("/etc/ssl/shop");
  }
  ~Planted() override { estate.verdict(); }  // each test says what it expects of it

  sandbox::World& world() { return estate.world(); }
  WallTime now() { return estate.simulated->time().now(); }
  Json stored(const std::string& key) { return object_of(estate.watch->stored().at(key)); }
  // As if a process had stored it.
  void store(const std::string& key, const Bytes& value) {
    estate.simulated->state().entries[key] = {value, "by hand"};
    estate.watch->look_at_store();
  }
  void store(const std::string& key, const Json& value) { store(key, value.dump()); }
  void remove(const std::string& key) {
    estate.simulated->state().entries.erase(key);
    estate.watch->look_at_store();
  }
  // Once, right after the first request of this kind that changed something.
  void right_after(std::string operation, std::function<void()> act) {
    world().on_event([operation = std::move(operation), act = std::move(act), once = false](const auto& event) mutable {
      if (once || !event.changed || event.operation != operation) return;
      once = true;
      act();
    });
  }
  void happens(std::string service, std::string operation, std::string object = "", bool changed = true) {
    world().record({now(), std::move(service), std::move(operation), std::move(object), 200, changed});
  }

  Estate estate;
};

}  // namespace certferry::simulation
