#pragma once

#include <vector>

#include "config/config.h"
#include "deploy/deployment.h"
#include "engine/report.h"
#include "engine/trades.h"
#include "state/claims.h"
#include "state/journal.h"

namespace certferry {

// One claimed certificate: opens and closes its generations, and carries out its part of the plan.
class Life {
 public:
  Life(Trades& trades, Store& store, Vault& vault, Deployment& deployment, const Lease& lease, ClaimedRecord& claimed)
      : trades_(trades), store_(store), vault_(vault), deployment_(deployment), lease_(lease), claimed_(claimed) {}

  // Obtains a certificate in the open generation, or in a new one; in both where the open one had lapsed. Failure: what
  // kept it from that, after the generation was closed where its order is dead and the failure table was consulted.
  Task<> obtain(const CertificateSpec& wanted);
  // Whether the certificate of the open generation was in its journal already, and is the newest from now on: no CA is
  // needed for that.
  Task<bool> take_up(const CertificateSpec& wanted);
  // Installs the newest valid certificate on every target that `planned` (one a target) does not keep as it is, the
  // first before the others. The outcomes, one for each of them.
  Task<std::vector<Outcome>> install_everywhere(const CertificateConfig& certificate, const CertificateSpec& wanted,
                                                const std::vector<Action>& planned);
  // Removes the keys of closed generations that no certificate in use can be of, and their journals, as those of closed
  // generations without a key. Failure: fenced where the lease has ended: whoever took over may have begun to count
  // generations anew.
  Task<> forget_old_keys();
  // Closes the open generation of what is no longer wanted; the CA is not asked.
  Task<> close_open(std::string why);

 private:
  enum class Attempt { first, last };  // of a run
  Task<bool> obtained(const CertificateSpec& wanted, std::optional<int> found_open, Attempt attempt);
  Task<bool> opens(const KeyRef& key, const Issued& issued);
  Task<> succeed(const Issued& issued, const KeyRef& key, const CertificateSpec& wanted);
  Task<bool> account_replaced(std::string begun_with);
  Task<bool> lost_its_order(const Journal& journal, const CertificateSpec& wanted);
  Task<> remove_journal(int generation);
  Task<int> open_generation(const CertificateSpec& wanted);
  Task<std::string> why_not_go_on(int generation, const CertificateSpec& wanted);
  Task<bool> was_never_finalized(const Journal& journal);
  Task<bool> gave_an_unfit_one(const Journal& journal, const CertificateSpec& wanted);
  // lapsed: the next may begin at once; counts: as a failure in a row.
  Task<> close_dead(Journal& journal, const Failure& failure, bool lapsed, bool counts);
  Task<> note_failure(const Failure& failure);
  Task<> note_refusal(int generation, const Failure& failure);
  Task<Outcome> install_one(const CertificateConfig& certificate, const InstallConfig& install,
                            const CertificateSpec& wanted);

  Trades& trades_;
  Store& store_;
  Vault& vault_;
  Deployment& deployment_;
  const Lease& lease_;
  ClaimedRecord& claimed_;
};

}  // namespace certferry
