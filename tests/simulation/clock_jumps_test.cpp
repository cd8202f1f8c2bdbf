#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// A machine's clock that jumps in the middle of a run. It is the services' clock that says how long what is on its way
// to them is good.
namespace certferry::simulation {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto ledger_name = "_acme-challenge.shop.example";

void certificate_of_one_name(Estate& estate) { estate.zone("shop.example").certificate("shop", {"shop.example"}); }

// As the first ListHostedZones is heard: it is signed already, and whatever follows is not.
void jump_behind_the_list_of_zones(Estate& estate, Duration jump) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&estate, jump, watching = heard, jumped = false](const http::Request& request) mutable {
    watching(request);
    if (!request.url.path().ends_with("/hostedzone") || std::exchange(jumped, true)) return;
    estate.simulated->machine().clock_error = jump;
  };
}

// As the CA's answer about the renewal window is written down: after everybody's dates were compared.
void jump_behind_the_renewal_window(Estate& estate, Duration jump) {
  auto& heard = estate.simulated->state().heard_change;
  heard = [&estate, jump, watching = heard, jumped = false](const std::string& key) mutable {
    watching(key);
    if (std::exchange(jumped, true)) return;
    estate.simulated->machine().clock_error = jump;
  };
}

// As the zone's ledger says that a batch is about to be sent.
void jump_behind_the_ledger(Estate& estate, Duration jump) {
  auto& heard = estate.simulated->state().heard_change;
  heard = [&estate, jump, watching = heard, jumped = false](const std::string& key) mutable {
    watching(key);
    if (!key.ends_with("/ledger") || std::exchange(jumped, true)) return;
    estate.simulated->machine().clock_error = jump;
  };
}

// A clock that is wrong from the start, where the batch is the first that is asked of Route 53.
void be_wrong_from_the_start(Estate& estate, Duration error) {
  const HostedZoneId id = HostedZoneId::parse(estate.world().zones().all.front().id);
  estate.config.zones = {{.name = DomainName::parse("shop.example"), .id = id, .role = {}, .place = {}}};
  estate.simulated->machine().clock_error = error;
}

using Wrong = std::function<void(Estate&, Duration)>;

// Which effect of a life of this kind is the last batch before its first value stands.
long first_batch_taken(const std::function<void(Estate&)>& prepared) {
  Estate undisturbed;
  certificate_of_one_name(undisturbed);
  prepared(undisturbed);
  long batch = -1;
  undisturbed.world().on_event([&](const sandbox::Event& event) {
    if (event.operation == "ChangeResourceRecordSets" && event.changed && batch < 0)
      batch = undisturbed.simulated->effects() - 1;
  });
  undisturbed.apply();
  return batch;
}

std::string ledger(Estate& estate) {
  return estate.watch->stored().at("zone/" + estate.world().zones().all.front().id + "/ledger");
}

// Killed with the batch on its way that is taken, which lands twelve minutes later, and no longer wanted.
void expect_what_lands_later_to_be_swept(const Wrong& wrong, Duration error) {
  const sandbox::CrashPoint sent{.effect = first_batch_taken([&](Estate& one) { wrong(one, error); }),
                                 .moment = sandbox::Moment::sent,
                                 .lands_after = minutes(12)};
  Estate estate;
  certificate_of_one_name(estate);
  wrong(estate, error);
  estate.simulated->kill_at(sent);
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  estate.simulated->machine().clock_error = Duration{0};
  estate.unwant("shop");
  estate.apply();
  EXPECT_THAT(ledger(estate), HasSubstr(ledger_name)) << "it may land yet";
  estate.pass(minutes(20));
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1)) << "it has landed";
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(ledger(estate), Not(HasSubstr(ledger_name)));
}

// What was written down by a wrong clock looks long dead, or is looked for a day long.
TEST(ClockJumps, LeaveNoValueThatLandsLater) {
  for (const Duration error : {Duration{-hours(28)}, Duration{minutes(14)}, Duration{hours(28)}})
    for (const Wrong& wrong :
         {Wrong{jump_behind_the_list_of_zones}, Wrong{jump_behind_the_ledger}, Wrong{be_wrong_from_the_start}}) {
      SCOPED_TRACE(humane(error));
      expect_what_lands_later_to_be_swept(wrong, error);
    }
}

sandbox::CrashPoint first_batch_sent(Duration lands_after) {
  return {.effect = first_batch_taken([](Estate&) {}), .moment = sandbox::Moment::sent, .lands_after = lands_after};
}

// The next run goes on, and withdraws what it can see.
void kill_and_go_on(Estate& estate, const sandbox::CrashPoint& sent) {
  certificate_of_one_name(estate);
  estate.simulated->kill_at(sent);
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  estate.apply();
  ASSERT_THAT(estate.failures(), IsEmpty());
}

void expect_swept_in_the_end(Estate& estate) {
  estate.simulated->machine().clock_error = Duration{0};
  estate.pass(minutes(30));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// Found by the soak (seed 2433 of the drawing at that time). Whose clock jumped must not take what is on its way to
// Route 53 for dead: it is the service's clock that says how long a signature is good.
TEST(ClockJumps, AheadBeforeASweepLeaveWhatMayStillLandInTheLedger) {
  for (auto* const jump : {jump_behind_the_list_of_zones, jump_behind_the_renewal_window}) {
    const sandbox::CrashPoint sent = first_batch_sent(minutes(12));
    Estate estate;
    kill_and_go_on(estate, sent);
    jump(estate, hours(28));
    estate.apply();
    expect_swept_in_the_end(estate);
  }
}

// Found by the soak (seed 12,695 of the drawing at that time).
TEST(ClockJumps, AheadEndNoGrace) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web").retired_after(days(1));
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  ASSERT_THAT(estate.our_server_certificates(), testing::SizeIs(2)) << "the former one may be gone back to";
  estate.pass(minutes(10));  // Elastic Load Balancing has let it go
  jump_behind_the_renewal_window(estate, hours(28));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), testing::SizeIs(2));
}

}  // namespace
}  // namespace certferry::simulation
