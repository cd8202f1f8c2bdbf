#include "engine/observe.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "config/keys_taken.h"
#include "engine/shared_targets.h"

namespace certferry {
namespace {

// All of them; what one of them throws is thrown.
Task<> all_done(std::vector<Work> works, std::size_t at_once) {
  for (const auto& end : co_await all_settled(std::move(works), at_once)) {
    if (end) std::rethrow_exception(end);
  }
}

}  // namespace

Task<> Observer::look_for_place(Target& target, ObservedTarget& seen) {
  try {
    co_await target.require_place();
  } catch (const Failure& failure) {
    seen.no_place = failure.what();
    seen.remedy = failure.next();
  }
}

Task<ObservedTarget> Observer::look(const CertificateConfig& certificate, const InstallConfig& install) {
  ObservedTarget seen{install.slot(), name_of(install), {}, "", "", true};
  seen.refuses = keys_refused(install);
  try {
    Target* target = co_await deployment_.target(certificate, install);
    seen.id = std::string{target->id()};
    seen.name = target->name();
    seen.reloaded_by = target->reloaded_by();
    seen.serving = co_await target->look();
    seen.name = target->name();  // it may have learned its port
    co_await look_for_place(*target, seen);
  } catch (const Failure& failure) {
    seen.trouble = failure.what();
    seen.remedy = failure.next();
    seen.refused = failure.kind() == Failure::Kind::refused;
    seen.absent = failure.code() == no_slot_code;
  }
  co_return seen;
}

// One that cannot be read is trouble for its certificate, and for no other.
Task<> Observer::read_record(ObservedCertificate& seen) {
  try {
    if (auto stored = co_await load_record(store_, seen.id)) seen.record = std::move(stored->record);
  } catch (const Failure& failure) {
    seen.trouble = failure.what();
    seen.remedy = failure.next();
  }
}

// What of ours is served where there is no record may be another certificate's, or that of one which was forgotten: a
// state that knows it was not lost.
Task<> Observer::find_givers(ObservedCertificate& seen) {
  const auto ours = [](const ObservedTarget& target) {
    return target.serving && target.serving->ours && target.serving->certificate();
  };
  if (seen.record || seen.at_rest || !seen.trouble.empty() || std::ranges::none_of(seen.targets, ours)) co_return;
  try {
    for (const std::string& shelf : co_await shelves_with_ledgers(store_)) {
      for (const ShelfEntry& entry : co_await ShelfLedger{store_, shelf}.entries()) {
        for (ObservedTarget& target : seen.targets)
          if (ours(target) && target.serving->certificate()->leaf.fingerprint() == entry.fingerprint)
            target.given_for = entry.certificate.text();
      }
    }
  } catch (const Failure& failure) {
    seen.trouble = failure.what();
    seen.remedy = failure.next();
  }
}

Task<> Observer::look_at_targets(const CertificateConfig& wanted, ObservedCertificate& seen) {
  std::vector<std::optional<ObservedTarget>> targets(wanted.install.size());
  std::vector<Work> looks;
  for (std::size_t i = 0; i < wanted.install.size(); ++i)
    looks.push_back(
        [this, &wanted, &targets, i]() -> Task<> { targets[i] = co_await look(wanted, wanted.install[i]); });
  co_await all_done(std::move(looks), limits::renewal::targets_at_once);
  for (auto& target : targets) seen.targets.push_back(std::move(*target));
}

// Not among those that were looked at because they are configured for this certificate.
bool Observer::may_be_unconfigured(const ObservedCertificate& seen, const std::string& target) const {
  return std::ranges::find(seen.targets, target, &ObservedTarget::id) == seen.targets.end() &&
         !deployment_.elsewhere(target);
}

// By Target::id(), the certificate that each is configured for. Empty where it cannot be told: of some target the id is
// not known, which is that one's trouble.
Task<std::optional<std::map<std::string, std::string>>> Observer::configured_targets() {
  std::map<std::string, std::string> all;
  try {
    for (const CertificateConfig& certificate : config_.certificates)
      for (const InstallConfig& install : certificate.install)
        all.emplace((co_await deployment_.target(certificate, install))->id(), certificate.id.text());
  } catch (const Failure&) {
    co_return std::nullopt;
  }
  co_return all;
}

Task<ObservedTarget> Observer::look_at_unconfigured(const std::string& id, std::string given_to) {
  ObservedTarget seen{id, id, {}, "", "", false};
  seen.given_to = std::move(given_to);
  try {
    Target* target = co_await deployment_.target(id);
    if (!target) {
      seen.trouble = "this version of certferry knows no such kind of target";
      seen.remedy = "Run the version that installed there, or a newer one";
      co_return seen;
    }
    seen.name = target->name();
    seen.serving = (co_await target->look_if_there()).value_or(Serving{});
    seen.name = target->name();
  } catch (const Failure& failure) {
    seen.trouble = failure.what();
    seen.remedy = failure.next();
  }
  co_return seen;
}

Task<> Observer::look_at_unconfigured(ObservedCertificate& seen) {
  std::erase_if(seen.targets, [](const ObservedTarget& target) { return !target.configured; });
  if (!seen.record) co_return;
  std::vector<std::string> ids;
  for (const auto& [id, known] : seen.record->targets)
    if (may_be_unconfigured(seen, id)) ids.push_back(id);
  if (ids.empty()) co_return;
  const auto configured = co_await configured_targets();
  if (!configured) co_return;
  std::vector<std::optional<ObservedTarget>> targets(ids.size());
  std::vector<Work> looks;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto other = configured->find(ids[i]);
    if (other != configured->end() && other->second == seen.id.text()) continue;
    looks.push_back([this, &ids, &targets, i, given_to = other == configured->end() ? "" : other->second]() -> Task<> {
      targets[i] = co_await look_at_unconfigured(ids[i], given_to);
    });
  }
  co_await all_done(std::move(looks), limits::renewal::targets_at_once);
  for (auto& target : targets)
    if (target) seen.targets.push_back(std::move(*target));
}

Task<ObservedCertificate> Observer::certificate(const CertificateConfig& wanted) {
  ObservedCertificate seen{wanted.id, config_.spec(wanted), {}, {}, true};
  co_await read_record(seen);
  co_await look_at_targets(wanted, seen);
  co_await find_givers(seen);
  co_return seen;
}

// The index is looked at beside the targets: neither waits for the other.
Task<> Observer::look_at_all(const Request& request, std::vector<ObservedCertificate>& all) {
  std::vector<const CertificateConfig*> wanted;
  for (const CertificateConfig& certificate : config_.certificates) {
    if (!request.only.empty() && !std::ranges::count(request.only, certificate.id.text())) continue;
    wanted.push_back(&certificate);
    all.push_back(ObservedCertificate{certificate.id, config_.spec(certificate), {}, {}, true});
  }
  std::vector<Work> looks;
  if (request.only.empty()) looks.push_back([this]() -> Task<> { co_await index_.look(); });
  for (std::size_t i = 0; i < wanted.size(); ++i)
    looks.push_back([this, &wanted, &all, i]() -> Task<> { co_await look_at_targets(*wanted[i], all[i]); });
  co_await all_done(std::move(looks), limits::renewal::certificates_at_once);
  co_await refuse_shared_targets(outside_.host, config_, all);
}

Task<> Observer::recall(const Request& request, WallTime now, ObservedCertificate& seen) {
  const AtRest* known = request.only.empty() ? index_.find(seen.id) : nullptr;
  const auto unconfigured = [&](const auto& target) { return may_be_unconfigured(seen, target.first); };
  if (known && suffices(*known, seen, request, now) && std::ranges::none_of(known->targets, unconfigured))
    seen.at_rest = *known;
  else
    co_await read_record(seen);
  co_await find_givers(seen);
  co_await look_at_unconfigured(seen);
  if (seen.configured) co_return;
  if (seen.at_rest) seen.wanted = seen.at_rest->specification;
  if (seen.record) seen.wanted = seen.record->specification;
}

Task<std::vector<ObservedCertificate>> Observer::not_named(const Request& request,
                                                           const std::vector<ObservedCertificate>& named) {
  std::vector<ObservedCertificate> others;
  if (request.only.empty() || std::ranges::none_of(named, has_failed)) co_return others;
  try {
    co_await index_.look();
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    outside_.log.warn(fmt::format("who else fails with the same names is not known: {}", failure.what()));
    co_return others;
  }
  for (const auto& [id, generation] : index_.certificates())
    if (!std::ranges::count(named, id, &ObservedCertificate::id) && !index_.find(id))
      others.push_back(ObservedCertificate{id, {}, {}, {}, false});
  std::vector<Work> reads;
  for (ObservedCertificate& other : others)
    reads.push_back([this, &other]() -> Task<> {
      co_await read_record(other);
      if (other.record) other.wanted = other.record->specification;
    });
  co_await all_done(std::move(reads), limits::renewal::certificates_at_once);
  co_return others;
}

Task<std::vector<ObservedCertificate>> Observer::certificates(const Request& request, WallTime now) {
  std::vector<ObservedCertificate> all;
  co_await look_at_all(request, all);
  if (request.only.empty()) {
    std::set<CertificateId> configured;
    for (const ObservedCertificate& seen : all) configured.insert(seen.id);
    for (const auto& [id, generation] : index_.certificates())
      if (!configured.contains(id)) {
        all.push_back(ObservedCertificate{id, {}, {}, {}, false});
        all.back().named_elsewhere = !config_.names_all;
      }
  }
  std::vector<Work> reads;
  for (ObservedCertificate& seen : all)
    reads.push_back([this, &request, &seen, now]() -> Task<> { co_await recall(request, now, seen); });
  co_await all_done(std::move(reads), limits::renewal::certificates_at_once);
  co_return all;
}

}  // namespace certferry
