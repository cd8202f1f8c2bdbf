#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "liveness.h"
#include "sandbox/certificate_authority.h"

// What must not matter does not: in whatever order certificates stand in the configuration, however many are worked on
// at once and by however many instances, the same is there in the end.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

const std::vector<std::string> ids{"shop", "blog", "api", "mail"};

struct Way {
  std::vector<std::string> order = ids;
  std::size_t batch = ids.size();  // so many are worked on by one run
  std::size_t instances = 1;
};

void want(Estate& estate, const std::string& id) {
  Estate::Wanted& wanted = estate.certificate(id, {id + ".example", "*." + id + ".example", "www.shared.example"});
  wanted.on_elb("elb-" + id);
  if (id != "mail") wanted.on_listener(estate.listener("alb-" + id));
}

std::vector<Request> batches(const Way& way) {
  std::vector<Request> all;
  if (way.batch >= way.order.size()) return {Request{}};
  for (std::size_t i = 0; i < way.order.size(); i += way.batch) {
    Request request;
    for (std::size_t j = i; j < std::min(i + way.batch, way.order.size()); ++j) request.only.push_back(way.order[j]);
    all.push_back(std::move(request));
  }
  return all;
}

void work(Estate& estate, const Way& way) {
  if (way.instances > 1) return estate.apply_together(way.instances, milliseconds(120));
  for (const Request& request : batches(way)) estate.apply(request);
}

// Without what is drawn anew in every world: names of certificates and records, but not how many.
std::vector<std::string> what_is_there(Estate& estate) {
  std::vector<std::string> there;
  for (const std::string& id : ids) {
    for (const std::string& balancer : {"elb-" + id, "alb-" + id}) {
      if (id == "mail" && balancer.starts_with("alb")) continue;
      const auto shown = estate.shown_by(balancer);
      const auto names = shown ? names_as_text(shown->names()) : std::vector<std::string>{};
      there.push_back(fmt::format("{} shows {}", balancer, fmt::join(names, " ")));
    }
    const auto record = estate.record(id);
    there.push_back(fmt::format("{}: {} generations, {} failures, {} targets", id, record->last_generation,
                                record->failures.count, record->targets.size()));
  }
  std::vector<std::string> keys;
  for (const auto& [key, value] : estate.watch->stored())
    if (!key.starts_with("instance/") && !key.starts_with("zone/")) keys.push_back(key);
  there.push_back(fmt::format("stored: {}", fmt::join(keys, " ")));
  there.push_back(fmt::format("{} certificates in IAM, {} accounts, {} orders, {} answered, {} issued",
                              estate.our_server_certificates().size(), estate.accounts(),
                              estate.world().ca().orders.size(), estate.orders_answered(),
                              estate.world().ca().certificates.size()));
  return there;
}

// First certificates, then all of them renewed, then what was replaced retired.
std::vector<std::string> lived(const Way& way) {
  Estate estate;
  estate.state_in_s3();
  estate.zone("shared.example");
  for (const std::string& id : ids) estate.zone(id + ".example").classic_elb("elb-" + id);
  for (const std::string& id : way.order) want(estate, id);
  work(estate, way);
  estate.pass(days(61));
  work(estate, way);
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  return what_is_there(estate);
}

TEST(Metamorphic, TheOrderOfCertificatesDoesNotMatter) {
  const auto usual = lived({});
  std::vector<std::string> backwards{ids.rbegin(), ids.rend()};
  for (std::size_t turn = 0; turn < ids.size(); ++turn) {
    EXPECT_EQ(lived({.order = backwards}), usual) << fmt::format("{}", fmt::join(backwards, " "));
    std::ranges::rotate(backwards, backwards.begin() + 1);
  }
}

TEST(Metamorphic, HowManyAreWorkedOnAtOnceDoesNotMatter) {
  const auto usual = lived({});
  for (const std::size_t batch : {1U, 2U, 3U}) EXPECT_EQ(lived({.batch = batch}), usual) << batch << " at once";
}

TEST(Metamorphic, HowManyInstancesThereAreDoesNotMatter) {
  const auto usual = lived({});
  for (const std::size_t instances : {2U, 3U, 5U})
    EXPECT_EQ(lived({.instances = instances}), usual) << instances << " instances";
}

}  // namespace
}  // namespace certferry::simulation
