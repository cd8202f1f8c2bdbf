#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "estate.h"

// What the tests of leases and of retirement share.
namespace certferry::simulation {

// "shop", whose state is in S3, on a classic and on an application load balancer.
inline void shop_with_leases(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  const std::string web = estate.listener("web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
  estate.state_in_s3();
}

// Renewed a day ago and longer: what was served before is due to go.
inline void shop_with_something_to_retire(Estate& estate) {
  shop_with_leases(estate);
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  estate.pass(hours(25));
  EXPECT_THAT(estate.our_server_certificates(), testing::SizeIs(2));
}

}  // namespace certferry::simulation
