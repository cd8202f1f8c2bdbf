#include "plan/permit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "certificates.h"

namespace certferry::planning {
namespace {

using testing::HasSubstr;

class Permit : public testing::Test {
 protected:
  Ca trusted{"A trusted CA"}, other{"Another trusted CA"}, test{"A test CA"};
  Roots roots = trusted.roots().with(other.roots());
  CertificateSpec wanted = spec({"shop.example"});
  Record record{CertificateId::parse("shop"), wanted};

  Chain fresh(Ca& ca) { return ca.issue({"shop.example"}, now - days(1), now + days(89)); }
  std::optional<Held> ask(const Serving& former, Chain next, PermitOptions options = {}) {
    return permit(former, issued(std::move(next)), wanted, record, "elb/web", roots, now, options);
  }
};

TEST_F(Permit, LetsATrustedCertificateOntoAnEmptySlot) { EXPECT_FALSE(ask(Serving{}, fresh(trusted))); }

TEST_F(Permit, LetsATestCertificateOntoAnEmptySlot) { EXPECT_FALSE(ask(Serving{}, fresh(test))); }

TEST_F(Permit, KeepsATestCertificateOffATrustedOne) {
  Chain next = fresh(test);
  next.intermediates.push_back(test.root);
  const auto held = ask(serving(fresh(other)), next);
  ASSERT_TRUE(held);
  EXPECT_THAT(held->reason, HasSubstr("test CA"));
  EXPECT_THAT(held->remedy, HasSubstr("directory = \"letsencrypt\""));
}

TEST_F(Permit, SaysOfALeafAloneThatItsChainIsMissing) {
  const auto held = ask(serving(fresh(other)), fresh(test));
  ASSERT_TRUE(held);
  EXPECT_THAT(held->reason, HasSubstr("came without the certificates that lead to a root"));
  EXPECT_THAT(held->remedy, HasSubstr("--renew"));
}

TEST_F(Permit, TakesACertificateThatBeginsInAMinuteForNoTestCasOne) {
  EXPECT_FALSE(ask(serving(fresh(other)), trusted.issue({"shop.example"}, now + minutes(1), now + days(90))));
}

TEST_F(Permit, KeepsATestCertificateOffAForeignOneThatIsNoPlaceholder) {
  EXPECT_TRUE(ask(serving(fresh(test)), fresh(test)));
}

TEST_F(Permit, LetsATestCertificateReplaceOurOwnTestCertificate) {
  EXPECT_FALSE(ask(serving(fresh(test), true), fresh(test)));
}

TEST_F(Permit, KeepsWhatCannotBeReadAsLongAsNobodySaysThatItsNamesMayGo) {
  Serving unreadable;
  unreadable.unreadable = true;
  for (const auto& [reference, remedy] : {
           std::pair{"arn:aws:iam::123456789012:server-certificate/bought", "allow iam:GetServerCertificate on it"},
           std::pair{"arn:aws:acm:eu-west-1:123456789012:certificate/x", "open its port to this machine"},
           std::pair{"/etc/ssl/www/live", "let certferry read it, or move it away"},
           std::pair{"/etc/ssl/other", "let certferry read it, or remove the link `live` that leads to it"},
       }) {
    unreadable.reference = reference;
    unreadable.note = "this is why";
    const auto held = ask(unreadable, fresh(trusted));
    ASSERT_TRUE(held) << reference;
    EXPECT_THAT(held->reason, HasSubstr("which cannot be read (this is why), and may cover further names"));
    EXPECT_THAT(held->remedy, HasSubstr(remedy));
    EXPECT_THAT(remedy_of(*held, record.id), HasSubstr("--only shop --drop-names"));
    EXPECT_TRUE(permit_before_order(unreadable, wanted, &record, "elb/web", roots, now, {})) << "no order is spent";
    EXPECT_FALSE(ask(unreadable, fresh(trusted), {.drop_names = true}));
  }
  unreadable.ours = true;
  EXPECT_FALSE(ask(unreadable, fresh(trusted))) << "we know which names we gave it";
}

TEST_F(Permit, KeepsATestCertificateOffWhatCannotBeRead) {
  Serving unreadable;
  unreadable.reference = "arn:aws:acm:eu-west-1:123456789012:certificate/x";
  unreadable.unreadable = true;
  EXPECT_TRUE(ask(unreadable, fresh(test)));
  EXPECT_FALSE(ask(unreadable, fresh(test), {.install_untrusted = true, .drop_names = true}));
}

TEST_F(Permit, TakesASelfSignedExpiredOrUnrelatedCertificateForAPlaceholder) {
  const Chain expired = trusted.issue({"shop.example"}, now - days(100), now - days(10));
  const Chain unrelated = trusted.issue({"elsewhere.example"}, now - days(1), now + days(80));
  for (const Chain& placeholder : {expired, unrelated, Chain{trusted.root, {}}}) {
    EXPECT_EQ(standing(serving(placeholder), wanted, roots, now), Standing::placeholder);
    EXPECT_FALSE(ask(serving(placeholder), fresh(test)));
  }
}

TEST_F(Permit, ReplacesAForeignTrustedCertificateHoweverLongItLives) {
  EXPECT_FALSE(ask(serving(other.issue({"shop.example"}, now - days(1), now + days(300))), fresh(trusted)));
}

TEST_F(Permit, KeepsAForeignTrustedCertificateThatCoversAFurtherName) {
  const Serving former = serving(other.issue({"shop.example", "api.shop.example"}, now - days(1), now + days(30)));
  const auto held = ask(former, fresh(trusted));
  ASSERT_TRUE(held);
  EXPECT_THAT(held->remedy, HasSubstr("add api.shop.example to `domains`"));
  EXPECT_FALSE(ask(former, fresh(trusted), {.drop_names = true}));
  EXPECT_TRUE(permit_before_order(former, wanted, nullptr, "elb/web", roots, now, {}));
}

TEST_F(Permit, LetsANameGoOnlyFromWhatItsOwnRecordGave) {
  const Chain served = trusted.issue({"shop.example", "api.shop.example"}, now - days(1), now + days(30));
  const Serving former = serving(served, true);
  EXPECT_THAT(ask(former, fresh(trusted)).value().reason, HasSubstr("also covers api.shop.example"))
      << "ours, but another certificate's";
  EXPECT_TRUE(permit_before_order(former, wanted, &record, "elb/web", roots, now, {}));
  record.targets["elb/other"].proven = served.leaf.fingerprint();
  EXPECT_TRUE(ask(former, fresh(trusted)));
  record.targets["elb/web"].proven = served.leaf.fingerprint();
  EXPECT_FALSE(ask(former, fresh(trusted)));
  EXPECT_FALSE(permit_before_order(former, wanted, &record, "elb/web", roots, now, {}));
  record.targets["elb/web"] = TargetRecord{.former = former};
  EXPECT_TRUE(ask(former, fresh(trusted))) << "as of records that do not say whose it was";
  record.targets["elb/web"].former_given = true;
  EXPECT_FALSE(ask(former, fresh(trusted)));
  record.targets.clear();
  record.previous =
      Record::Newest{issued(served), KeyRef{record.id, 1, ""}, spec({"shop.example", "api.shop.example"})};
  EXPECT_FALSE(ask(former, fresh(trusted)));
}

TEST_F(Permit, CountsANameUnderOurWildcardAsCovered) {
  wanted = spec({"*.shop.example", "shop.example"});
  EXPECT_FALSE(
      permit_before_order(serving(other.issue({"shop.example", "api.shop.example"}, now - days(1), now + days(30))),
                          wanted, nullptr, "elb/web", roots, now, {}));
}

TEST_F(Permit, NeverPutsAnOlderOneThatEndsEarlierOverOurOwn) {
  const Serving newer = serving(trusted.issue({"shop.example"}, now, now + days(90)), true);
  const auto held = ask(newer, fresh(trusted));
  ASSERT_TRUE(held);
  EXPECT_THAT(held->reason, HasSubstr("issued later than this one"));
  EXPECT_THAT(held->remedy, HasSubstr("--renew"));
  const Serving in_emergency = serving(test.issue({"shop.example"}, now - days(99), now + days(1)), true);
  EXPECT_FALSE(ask(in_emergency, trusted.issue({"shop.example"}, now - days(100), now + hours(12))));
}

TEST_F(Permit, PutsAnOlderOneWithTheWantedKeyOverOneWithAnother) {
  const Serving newer = serving(trusted.issue({"shop.example"}, now, now + days(90)), true);
  wanted.key_type = KeyType::p384;
  EXPECT_TRUE(ask(newer, fresh(trusted))) << "which has not the wanted one either";
  EXPECT_FALSE(ask(newer, trusted.issue({"shop.example"}, now - days(1), now + days(89), KeyType::p384)));
}

struct PermitOfADyingOne : Permit {
  std::optional<Held> ask_for(const Serving& former, PermitOptions options = {}) { return ask(former, dying, options); }
  Chain lasting(Ca& ca, std::vector<std::string> names = {"shop.example"}) {
    return ca.issue(names, now - days(65), now + days(300));
  }
  Chain dying = trusted.issue({"shop.example"}, now - days(89), now + days(1));
};

TEST_F(PermitOfADyingOne, KeepsItOffAnyThatIsAsGoodAndLastsLonger) {
  const auto held = ask_for(serving(lasting(other)));
  ASSERT_TRUE(held);
  EXPECT_THAT(held->reason, HasSubstr("its successor is not there yet"));
  EXPECT_THAT(held->remedy, HasSubstr("mend what keeps its successor from being issued"));
  dying = trusted.issue({"shop.example"}, now - days(40), now + days(1));
  EXPECT_TRUE(ask_for(serving(lasting(other), true))) << "of ours, though issued before this one";
  EXPECT_TRUE(ask_for(serving(lasting(other, {"*.example", "shop.example"})), {.drop_names = true}));
  EXPECT_FALSE(permit_before_order(serving(lasting(other)), wanted, &record, "elb/web", roots, now, {}))
      << "the successor is ordered";
  dying = test.issue({"shop.example"}, now - days(89), now + days(1));
  EXPECT_TRUE(ask_for(serving(lasting(test), true)));
}

TEST_F(PermitOfADyingOne, LetsItTakeThePlaceOfAnyThatIsNotAsGood) {
  EXPECT_FALSE(ask_for(serving(other.issue({"shop.example"}, now - days(89), now + hours(23)))));
  EXPECT_FALSE(ask_for(serving(lasting(test)))) << "less trusted";
  Serving damaged = serving(lasting(other), true);
  damaged.damaged = true;
  EXPECT_FALSE(ask_for(damaged));
  wanted = spec({"shop.example", "www.shop.example"});
  EXPECT_FALSE(ask_for(serving(lasting(other)))) << "which does not cover www";
}

TEST_F(PermitOfADyingOne, GoesByWhenTheCaWantsItRenewed) {
  const Chain young = fresh(trusted);
  EXPECT_FALSE(ask(serving(lasting(other)), young));
  record.newest = Record::Newest{issued(young), KeyRef{record.id, 1, ""}, wanted};
  record.newest->renewal_info = RenewalInfo{RenewalInfo::Window{now - hours(2), now - hours(1)}, "", now};
  EXPECT_TRUE(ask(serving(lasting(other)), young)) << "it is revoked perhaps";
  EXPECT_FALSE(ask(serving(lasting(other)), fresh(trusted))) << "another";
}

TEST_F(PermitOfADyingOne, KeepsOneThatTheCaWantsReplacedEarlyOffAnyThatIsGood) {
  const Chain young = fresh(trusted);
  record.newest = Record::Newest{issued(young), KeyRef{record.id, 1, ""}, wanted};
  record.newest->renewal_info = RenewalInfo{RenewalInfo::Window{now - hours(2), now - hours(1)}, "", now};
  const auto ends_in = [&](Duration left) {
    return serving(other.issue({"shop.example"}, now - days(90) + left, now + left));
  };
  const auto held = ask(ends_in(days(30)), young);
  ASSERT_TRUE(held) << "though it ends earlier";
  EXPECT_THAT(held->reason, HasSubstr("the CA wants this one replaced, and its successor is not there yet"));
  EXPECT_FALSE(ask(ends_in(days(3)), young)) << "in an emergency";
  record.newest->renewal_info.reset();
  EXPECT_FALSE(ask(ends_in(days(30)), young)) << "it is not due";
  dying = trusted.issue({"shop.example"}, now - days(70), now + days(20));
  EXPECT_FALSE(ask(ends_in(days(10)), dying)) << "due by its age alone";
  record.newest = Record::Newest{issued(dying), KeyRef{record.id, 1, ""}, wanted};
  const WallTime due = due_at(dying.leaf);
  record.newest->renewal_info = RenewalInfo{RenewalInfo::Window{due - days(1), due + hours(1)}, "", now};
  EXPECT_FALSE(ask(ends_in(days(10)), dying)) << "by an ordinary window";
}

TEST_F(Permit, PutsANewerOneOverOurOwnThoughItEndsEarlier) {
  const Serving older = serving(trusted.issue({"shop.example"}, now - days(2), now + days(90)), true);
  EXPECT_FALSE(ask(older, trusted.issue({"shop.example"}, now, now + days(7))));
}

}  // namespace
}  // namespace certferry::planning
