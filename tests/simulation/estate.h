#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "engine/fleet.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/world.h"
#include "watch.h"

namespace certferry::simulation {

// Somebody's whole installation in a simulated world: zones, load balancers, a configuration, and certferry run on it
// as an init system would. A test says what is there, runs `apply` under whatever fault, and looks at the world
// afterwards.
class Estate {
 public:
  explicit Estate(std::uint64_t seed = 1, sandbox::Settings settings = {});
  ~Estate();                           // fails the test for whatever `watch` has seen
  std::vector<std::string> verdict();  // what `watch` has seen, for a caller who judges it instead of the destructor
  Estate(const Estate&) = delete;
  Estate& operator=(const Estate&) = delete;
  static std::size_t built();  // by this process so far

  // What is there.
  Estate& zone(const std::string& name);
  // Serves a placeholder. region: "" that of the configuration.
  Estate& classic_elb(const std::string& name, const std::string& region = "");
  std::string listener(const std::string& name);  // of an application load balancer that serves a placeholder; its ARN
  // Somebody binds a certificate of IAM, by its ARN, to that load balancer; it is shown at once.
  void bind(const std::string& load_balancer, const std::string& arn);
  // The same with a new and trusted one of another CA.
  void serve_foreign(const std::string& load_balancer, const std::vector<std::string>& names, Duration left);

  // What is wanted.
  struct Wanted {
    CertificateConfig config;
    Wanted& on_elb(const std::string& name, const std::string& region = "");
    Wanted& on_listener(const std::string& arn);
    Wanted& in_files(const std::string& directory, std::vector<std::string> reload = {});
    Wanted& retired_after(Duration);
  };
  Wanted& certificate(const std::string& id, const std::vector<std::string>& domains);
  Wanted& wanted(const std::string& id);
  std::vector<CertificateConfig> all_wanted() const;
  void unwant(const std::string& id);  // no longer configured
  void state_in_s3();                  // sealed by KMS, with heartbeats

  // What is done.
  sandbox::Ending apply(Request request = {});  // one run, from start to end or death
  sandbox::Ending apply_with_restarts(Request request = {}, const sandbox::Seat& seat = {});
  // Two at once, each on a machine of its own, over one state; after `headstart` the second begins.
  void apply_twice_at_once(Duration headstart = Duration{0}, Request first = {}, Request second = {});
  // So many at once, as above, each begun `headstart` after the one before; until all have ended.
  void apply_together(std::size_t instances, Duration headstart = Duration{0});
  std::optional<Plan> plan(const sandbox::Seat& seat = {});  // empty where it failed
  sandbox::Ending forget(const std::string& id, Duration wait = minutes(5));
  sandbox::Ending forget_account(const std::string& account);
  using Kept = std::shared_ptr<std::optional<Report>>;
  sandbox::Life life(Request request, Kept kept);                        // of one run of apply
  sandbox::Life forgetting(std::string id, Duration wait = minutes(5));  // of one run of forget
  void pass(Duration duration) { simulated->run_for(duration); }
  void lose_state();
  // What was to be changed meanwhile outside, in files or by a command, whether it changed anything or not: effects by
  // their names, without those on the state.
  std::vector<std::string> asked_to_change(const std::function<void()>& act);

  // What is there afterwards.
  bool reported() const { return last_report.has_value(); }  // whether the last run came so far
  const Report& report() const { return *last_report; }
  bool was_forgotten(const std::string& id) const { return forgotten_.contains(id); }
  // Whether the last run said that the certificate is kept off this place (by I7), or, where none of its places would
  // take it, that none is ordered: "".
  bool said_held(const std::string& place, const CertificateConfig& wanted) const;
  WallTime last_run_on(const std::string& machine) const;  // by apply_with_restarts(); now where there was none
  // By a handshake, now: for a name that none of its certificates is for by itself, or another.
  std::optional<Certificate> shown_by(const std::string& load_balancer, const std::string& sni = "any.example");
  std::string load_balancer_of(const std::string& listener);  // by the listener's ARN
  std::string bound_on(const std::string& load_balancer);     // the ARN that its listener refers to
  std::vector<std::string> challenge_records();               // every TXT value in every zone
  std::vector<std::string> our_server_certificates();         // names under /certferry/
  std::vector<std::string> server_certificates_left_over();   // of ours, that no listener refers to
  std::size_t orders_answered();
  std::size_t accounts();
  std::vector<std::string> failures();      // of the last report: what
  std::vector<std::string> kept_secrets();  // keys of the store
  std::optional<Record> record(const std::string& id);
  std::optional<Fingerprint> newest(const std::string& id);  // of the leaf that its record says was issued last
  sandbox::World& world() { return simulated->world(); }

  std::unique_ptr<sandbox::SimulatedWorld> simulated;
  std::unique_ptr<Watch> watch;
  Config config;

 private:
  using Act = std::function<Task<>(Fleet&)>;
  sandbox::Life life_of(Act act);
  Task<> one_run(Outside& outside, Store& store, Sealing& sealing, Instances& instances, aws::Access& access,
                 const Config& own, const Act& act);

  void keep_all(const std::vector<Kept>& reports);

  std::map<std::string, WallTime> last_runs_;
  std::set<std::string> forgotten_;  // certificates, by whoever began to
  std::vector<std::unique_ptr<Wanted>> wanted_;
  Kept report_ = std::make_shared<std::optional<Report>>();
  bool in_s3_ = false, judged_ = false;
  std::optional<Report> last_report;
};

}  // namespace certferry::simulation
