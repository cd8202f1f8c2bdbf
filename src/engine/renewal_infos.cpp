#include "engine/renewal_infos.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/acme.h"
#include "base/limits/renewal.h"
#include "plan/schedule.h"
#include "state/records.h"

namespace certferry {

// Not after its expiry, nor once it is to be replaced anyway (section 4.3.1).
bool RenewalInfos::wants_asking(const ObservedCertificate& seen, WallTime now) const {
  if (!seen.configured || !seen.record || !seen.record->newest || seen.record->open_generation) return false;
  const Record::Newest& newest = *seen.record->newest;
  if (newest.specification != seen.wanted || seen.wanted.directory != directory_) return false;
  if (now >= due_at(newest.issued.chain.leaf, newest.renewal_info)) return false;
  return !newest.renewal_info || time_to_ask(newest.renewal_info->ask_again, now);
}

Task<> RenewalInfos::ask(std::vector<ObservedCertificate>& seen, Keep keep, WallTime now) {
  std::vector<Work> works;
  for (ObservedCertificate& certificate : seen) {
    if (!wants_asking(certificate, now)) continue;
    works.push_back([this, &certificate, keep]() -> Task<> {
      if (silent_) co_return;
      const Work asking = [&]() -> Task<> { co_await ask_about(certificate, keep); };
      const Work patience = [&]() -> Task<> { co_await outside_.clock.sleep(limits::acme::renewal_info_patience); };
      if (co_await race(asking, patience) == 1) silent_ = true;
    });
  }
  for (const auto& end : co_await all_settled(std::move(works), limits::renewal::certificates_at_once)) {
    if (end) std::rethrow_exception(end);
  }
}

Task<> RenewalInfos::ask_about(ObservedCertificate& seen, Keep keeping) {
  Record::Newest& newest = *seen.record->newest;
  try {
    RenewalInfo told = co_await ca_.renewal_info(newest.issued.chain.leaf);
    if (!told.window && newest.renewal_info) {
      told.window = newest.renewal_info->window;
      told.explanation_url = newest.renewal_info->explanation_url;
    }
    newest.renewal_info = std::move(told);
  } catch (const Failure& failure) {
    silent_ = true;
    outside_.log.info(fmt::format("{}: the CA did not say when to renew it: {}", seen.id.text(), failure.what()));
    co_return;
  }
  if (keeping == Keep::no) co_return;
  try {
    co_await keep(seen.id, newest);
  } catch (const Failure& failure) {  // the claim writes it down with what follows from it; else the next run asks
    outside_.log.warn(fmt::format("{}: when the CA wants it renewed was not kept: {}", seen.id.text(), failure.what()));
  }
}

// One write of a record that nobody has claimed: a claim that is taken meanwhile makes it conflict, and stands.
Task<> RenewalInfos::keep(const CertificateId& id, const Record::Newest& told) {
  std::optional<StoredRecord> stored = co_await load_record(store_, id);
  if (!stored || !stored->record.newest || stored->record.newest->issued != told.issued) co_return;
  const std::string& holder = stored->record.claim.instance;
  if (!holder.empty() && co_await instances_.alive(holder)) co_return;
  Record changed = std::move(stored->record);
  changed.newest->renewal_info = told.renewal_info;
  co_await store_.put(record_key(id), to_json(changed).dump(), stored->version);
}

}  // namespace certferry
