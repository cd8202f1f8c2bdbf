#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/certificate_spec.h"
#include "lots.h"
#include "sandbox/faults.h"
#include "sandbox/mounts/effects.h"
#include "sandbox/settings.h"

namespace certferry::soak {

struct DrawnTarget {
  enum class Kind { elb, listener, files };
  Kind kind = Kind::elb;
  std::string name;      // of the load balancer, or the directory
  bool foreign = false;  // serves a trusted certificate of another CA at first
  std::string region;    // of a classic load balancer: "" that of the configuration
  bool listed = false;   // of a listener: its default certificate is on its list too, as the console puts it there
  bool alone = false;    // of a directory: its server is told to read it by a command of its own
};

struct DrawnCertificate {
  std::string id;
  std::vector<std::string> domains;
  KeyType key = KeyType::p256;
  std::vector<DrawnTarget> targets;
};

// What somebody does between two runs under faults; all of it is taken back before the end.
enum class Turn {
  nothing,
  name_added,           // to the last certificate, for good
  name_dropped,         // from the last certificate, where it has several, for good
  unwanted,             // the last certificate, until after the next run
  forgotten,            // the same, and `forget` is run for it
  key_changed,          // of the last certificate: another type, for good
  revoked,              // all certificates, by the CA
  window_moved,         // the CA wants all of them renewed at once
  zone_removed,         // the last certificate's, with all that is in it; later there is one of that name again
  account_deactivated,  // at the CA
  newer_version,        // wrote all of the state, in formats that nobody knows; the former state is put back
  older_version,        // wrote all of the state
  kms_denied,           // AccessDeniedException to everything
  disk_full,            // nothing can be written on any machine
  clock_jumps,          // of the first machine, in the middle of the next run
  told_to_renew,        // the last certificate, in the next run: --renew
  told_to_retry,        // in the next run: --retry
  only_the_first,       // certificate, in the next run: --only
  interrupted,          // SIGTERM to whatever runs in the middle of the next run
  profile_changed,      // of the last certificate: to one of certificates for 160 hours or back, for good
  lifetimes_shrink,     // of what the CA issues from now on: by half, to 160 hours at least
  file_lost,            // of what the first machine serves
  certificate_lost,     // one of ours, from IAM, whoever refers to it
  ca_slow,              // it decides upon proofs and issues after minutes or hours, for a while
  delegation_lapsed,    // of the last certificate's zone, for a while
  bought,               // a certificate of another CA, and put to use by hand in place of one
  install_moved,        // from one certificate to another; in every second world for good
  accounts_lost,        // by the CA, with all their orders
  bound_elsewhere,      // a certificate of ours, to a load balancer that nobody configured
  forgotten_beside,     // the last certificate, in the middle of the next run, though it is wanted still
};
inline constexpr std::array all_turns{
    Turn::name_added,     Turn::name_dropped,     Turn::unwanted,        Turn::key_changed,
    Turn::revoked,        Turn::window_moved,     Turn::zone_removed,    Turn::newer_version,
    Turn::older_version,  Turn::kms_denied,       Turn::disk_full,       Turn::clock_jumps,
    Turn::told_to_renew,  Turn::told_to_retry,    Turn::forgotten,       Turn::account_deactivated,
    Turn::only_the_first, Turn::interrupted,      Turn::profile_changed, Turn::lifetimes_shrink,
    Turn::file_lost,      Turn::certificate_lost, Turn::ca_slow,         Turn::delegation_lapsed,
    Turn::bought,         Turn::install_moved,    Turn::accounts_lost,   Turn::forgotten_beside,
    Turn::bound_elsewhere};
inline constexpr std::size_t drawn_anywhere = all_turns.size() - 5;  // but for the last five, drawn apart
std::string_view name(Turn);

// A whole world as it follows from one number: what is there and wanted, how the outside behaves, what goes wrong while
// `gaps` last, and who is killed when. Swarm testing (Groce and others, 2012): most faults are off in most worlds, so
// that none hides behind another. And most worlds are small: in the same time, many of them meet more than a few large
// ones do.
struct Drawn {
  std::uint64_t seed = 0;
  sandbox::Settings settings;
  std::vector<std::string> zones;
  bool zone_by_role = false;  // the first, by a session of a role that has to be assumed
  bool containers = false;    // no machine has an id that lasts
  bool ends_ill = false;      // the last of two zones goes for good when faults end
  bool delegated = false;     // the challenges of the zones' apexes, by CNAMEs to a zone for nothing else
  std::vector<DrawnCertificate> certificates;
  bool iam_notices_use = true;  // false: load balancers do not tell IAM, which AWS warns of
  bool in_s3 = false;
  std::size_t instances = 1;   // that run at once, each on a machine of its own; more than one shares S3
  Duration headstart{0};       // of each before the next
  bool begins_well = false;    // one run without faults and a long time go first: a renewal is what follows
  std::vector<Duration> gaps;  // after each of the runs under faults
  std::vector<Turn> turns;     // what happens in each gap
  int clock_jump_hours = 0;    // of Turn::clock_jumps
  Duration interrupted_after{
      0};                      // from its start, of Turn::interrupted; of Turn::forgotten_beside, from the last one's
  int others_clock_hours = 0;  // how far the clocks of all machines but the first are off
  sandbox::Faults faults;
  std::vector<sandbox::CrashPoint> crashes;
  bool numbered_as_traced = false;  // the crash points' effects: from the world's first, else from where faults begin
};

Drawn draw(std::uint64_t seed);
bool lists_stay_theirs(const Drawn& drawn);  // as far as the product can tell
void leave_none_foreign_where_names_change(Drawn& drawn);
sandbox::CrashPoint draw_crash(Lots& lots, std::uint64_t effects);  // within the first so many
// The first certificate of a shop behind two load balancers, killed at the i-th of its crash points: what worlds a
// second are counted in.
Drawn first_issue(std::uint64_t i);
std::string in_words(const Drawn&);  // for people: some lines

}  // namespace certferry::soak
