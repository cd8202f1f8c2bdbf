#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "engine/account.h"
#include "engine/fleet.h"
#include "engine/life.h"
#include "engine/observe.h"
#include "engine/renewal_infos.h"
#include "engine/retirement.h"
#include "state/index.h"

namespace certferry {

// What a run is made of, and its parts: fleet.cpp, forget.cpp, unconfigured.cpp, elsewhere.cpp.
struct Fleet::Run {
  explicit Run(Ground where);

  Task<Plan> plan(const Request& request);
  Task<std::vector<ObservedCertificate>> look(const Request& request);
  Task<Observed> observe(const Request& request, const Retirement::Ledgers& ledgers, RenewalInfos::Keep keep);
  Task<Observed> observe_once(const Request& request, const Retirement::Ledgers& ledgers, RenewalInfos::Keep keep);
  Task<Report> apply(const Request& request, Duration wait);
  Turn& turn_to_order(const CertificateSpec& wanted);
  Task<> have_account();
  Task<> replace_account(std::string lost);
  Task<> use_account_but(std::string lost);
  Task<> hear_the_ca(const Plan& plan);
  Task<> announced(Work work);
  using ClaimedWork = std::function<Task<>(ClaimedRecord&)>;
  Task<> while_claimed(CertificateId id, CertificateSpec wanted, Duration wait, ClaimedWork work);
  Task<> while_claimed_if_known(CertificateId id, Duration wait, ClaimedWork work);
  Task<> while_claimed_if_free(CertificateId id, ClaimedWork work);
  std::vector<Work> works(Observed& observed, const Request& request, Duration wait, Report& report);
  Task<> decide_again(ObservedCertificate& seen, CertificatePlan& plan, Request request);
  Task<> say_not_at_rest(const ObservedCertificate& seen);
  Task<> work_on(ObservedCertificate& seen, CertificatePlan& plan, const Request& request, Duration wait,
                 Report& report);
  Task<> obtain(Life& life, const CertificateSpec& wanted, const Record& record);
  Task<> carry_out(const CertificateConfig& certificate, const CertificatePlan& plan, const Request& request,
                   ClaimedRecord& claimed, Report& report);
  Task<> clean_up(const Request& request, Report& report);
  Task<> tidied(std::string subject, Report& report, Work work);
  Task<> sweep();
  Task<> retire(const Request& request, Report& report);
  Task<> settle_unconfigured(std::vector<ObservedCertificate>& seen);
  Task<> settle_unconfigured(ObservedCertificate& seen, ClaimedRecord& claimed);
  std::map<CertificateId, std::set<std::string>> gone_elsewhere(const Retirement::Ledgers& ledgers,
                                                                const std::vector<ObservedCertificate>& seen);
  Task<> forget_elsewhere(const std::set<std::string>& places, ClaimedRecord& claimed);
  Task<> forget_ledgers(const CertificateId& id, const std::set<std::string>& places, const Record* record);
  bool shrinks(const Record& record, WallTime now) const;  // of what it keeps of files of other machines
  Task<> settle_elsewhere(const CertificateId& id, std::set<std::string> places, ObservedCertificate* seen);
  Task<> settle_elsewhere(const Retirement::Ledgers& ledgers, std::vector<ObservedCertificate>& seen);
  Task<> keep_index(const std::vector<ObservedCertificate>& seen);
  Task<> forget_old_keys(Life& life, const CertificateId& id);
  Task<> close_unwanted(const ObservedCertificate& seen, Duration wait, Report& report);
  Task<> note_specification(ClaimedRecord& claimed, CertificateSpec wanted);
  Task<> forget(CertificateId id, Duration wait);
  Task<bool> outlived_by_anything(CertificateId id);
  Task<std::vector<std::string>> forget_account(std::string account, Duration wait);
  Task<> forget_targets(ClaimedRecord& claimed, std::string account);
  Task<> wipe(ClaimedRecord& claimed);
  Task<bool> closed(const TxtOwner& owner);
  Task<> attempted(std::string subject, Report& report, Work work);
  Trades trades(Installs& installs, ClaimedRecord& claimed, const Request& request);
  const CertificateConfig& config_of(const CertificateId& id) const;

  Ground ground;
  acme::Session session;
  acme::CertificateAuthority ca;
  Vault vault;
  KeyRing keys;
  AccountKeys account_keys;
  Zones zones;
  Challenges challenges;
  Deployment deployment;
  AgreedTime time;
  Shelves shelves;
  Index index;
  Observer observer;
  RenewalInfos renewal_infos;
  Claims claims;
  Retirement retirement;
  Turn opening_account;
  std::map<std::pair<std::vector<DomainName>, std::string>, Turn> ordering;  // by names and profile
  bool account_open = false;
  std::optional<Failure> no_account;       // in this run, for all that need it
  std::optional<Failure> too_many_orders;  // of the account, as the CA said last
  SteadyTime no_orders_until{};            // where it did
};

}  // namespace certferry
