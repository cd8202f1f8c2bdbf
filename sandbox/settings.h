#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "base/time.h"

namespace certferry::sandbox {

// What a CA does with the second answer of a challenge that it is validating.
enum class RepeatedAnswer {
  taken,      // with 200
  malformed,  // refused with 400, once it is valid too (Pebble)
  conflict,   // refused with 409, and the challenge is shown as pending until it is decided (Boulder)
};

// What becomes of an authorization whose challenge failed.
enum class FailedChallenge {
  ends_authorization,  // both are invalid (RFC 8555 section 7.1.6)
  stays_pending,       // both stay pending, the challenge with its error, until it is answered again (step-ca)
  ends_alone,          // it is invalid, and its authorization stays pending
};

// How the outside behaves when nothing is wrong. Faults (faults.h) come on top.
struct Settings {
  std::string account = "123456789012";
  std::string region = "eu-west-1";
  std::set<std::string> other_regions;  // whose load balancers and KMS keys are asked for too
  // Route 53 and IAM take requests signed for `region` too, as SDKs sign them where their endpoint is overridden. The
  // real ones take us-east-1 alone.
  bool global_by_home_region = false;

  Duration insync_after = seconds(35);  // a change is PENDING for so long; name servers answer with it afterwards
  Duration certificate_visible_after =
      seconds(4);                     // IAM upload until load balancers find it: CertificateNotFound before
  Duration release_lag = minutes(1);  // a swapped-out certificate is still "in use" for so long: DeleteConflict
  Duration shown_after = seconds(2);  // listener change until handshakes show it
  Duration described_after = Duration::zero();  // listener change until what describes it tells of it
  std::size_t load_balancer_addresses = 1;      // of each, in the simulation
  std::size_t server_certificate_quota = 20;
  // Of what describes load balancers, in each region and by each version of the API: more are throttled. 0: none are.
  int describes_at_once = 40, describes_per_second = 10;
  int iam_requests_at_once = 20, iam_requests_per_second = 10;  // the same of IAM, whatever is asked; 0: none are
  std::size_t listed_certificate_quota = 25;  // of a load balancer, besides the default ones of its listeners

  std::string ca_url = "https://ca.sandbox.test";  // scheme, host and port of the CA, as its URLs say it
  bool orders_reused = true;         // newOrder for the same names gives the same pending or ready order (Boulder)
  Duration order_life = days(7);     // of orders and pending authorizations; Let's Encrypt: an hour, for some profiles
  bool expired_orders_found = true;  // as invalid, and their authorizations; false: 404 for whatever they are (Boulder)
  bool authorizations_reused = false;             // a pending or valid authorization serves later orders of the account
  Duration validation_takes = milliseconds(500);  // from the answer of a challenge to its end
  RepeatedAnswer repeated_answer = RepeatedAnswer::taken;
  FailedChallenge failed_challenge = FailedChallenge::ends_authorization;
  Duration issuance_takes = milliseconds(500);  // processing, after finalize
  int retry_after_seconds = 1;  // on pending challenges' authorizations, and orders pending or processing; 0: none
  Duration certificate_lifetime = days(90);
  // Further profiles and their lifetimes; an order that asks for none gets "classic", of certificate_lifetime.
  std::map<std::string, Duration> profiles = {{"shortlived", hours(160)}, {"tlsserver", days(90)}};
  bool orders_listed = true;  // the account has an orders URL (Boulder: no)
  bool orders_bare = false;   // what it lists is an array by itself, in no object (step-ca)
  Duration renewal_info_retry_after = hours(6);
  std::string renewal_info_url;  // scheme, host and port of renewalInfo, where they are not ca_url's
  int nonce_rejection_percent = 0;
  int ca_requests_per_second = 0;  // and as many at once; more are answered with 503; 0: any number
  bool trusted = true;             // the CA's root is among World::roots(): false makes it a test CA
};

}  // namespace certferry::sandbox
