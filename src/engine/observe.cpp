#include "engine/observe.h"

#include <algorithm>
#include <set>

#include "base/failure.h"
#include "base/limits/renewal.h"

namespace certferry {

Task<ObservedTarget> Observer::look(const CertificateConfig& certificate, const InstallConfig& install) {
  ObservedTarget seen{install.slot(), install.slot(), {}, "", "", true};
  try {
    Target* target = co_await deployment_.target(certificate, install);
    seen.id = std::string{target->id()};
    seen.name = target->name();
    seen.serving = co_await target->look();
    seen.name = target->name();  // it may have learned its port
  } catch (const Failure& failure) {
    seen.trouble = failure.what();
    seen.remedy = failure.next();
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

Task<ObservedCertificate> Observer::unconfigured(CertificateId id) {
  ObservedCertificate seen{std::move(id), {}, {}, {}, false};
  co_await read_record(seen);
  if (seen.record) seen.wanted = seen.record->specification;
  co_return seen;
}

Task<ObservedCertificate> Observer::certificate(const CertificateConfig& wanted) {
  ObservedCertificate seen{wanted.id, config_.spec(wanted), {}, {}, true};
  co_await read_record(seen);
  std::vector<std::optional<ObservedTarget>> targets(wanted.install.size());
  std::vector<Work> looks;
  for (std::size_t i = 0; i < wanted.install.size(); ++i)
    looks.push_back(
        [this, &wanted, &targets, i]() -> Task<> { targets[i] = co_await look(wanted, wanted.install[i]); });
  const auto ends = co_await all_settled(std::move(looks), limits::renewal::targets_at_once);
  for (const auto& end : ends) {
    if (end) std::rethrow_exception(end);
  }
  for (auto& target : targets) seen.targets.push_back(std::move(*target));
  co_return seen;
}

Task<std::vector<ObservedCertificate>> Observer::certificates(const std::vector<std::string>& only) {
  std::vector<const CertificateConfig*> wanted;
  std::set<CertificateId> configured;
  for (const CertificateConfig& certificate : config_.certificates) {
    configured.insert(certificate.id);
    if (only.empty() || std::ranges::find(only, certificate.id.text()) != only.end()) wanted.push_back(&certificate);
  }
  std::vector<std::optional<ObservedCertificate>> seen(wanted.size());
  std::vector<Work> looks;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    looks.push_back([this, &wanted, &seen, i]() -> Task<> { seen[i] = co_await certificate(*wanted[i]); });
  const auto ends = co_await all_settled(std::move(looks), limits::renewal::certificates_at_once);
  for (const auto& end : ends) {
    if (end) std::rethrow_exception(end);
  }
  std::vector<ObservedCertificate> all;
  for (auto& certificate : seen) all.push_back(std::move(*certificate));
  if (!only.empty()) co_return all;
  for (const CertificateId& id : co_await certificates_with_records(store_)) {
    if (!configured.contains(id)) all.push_back(co_await unconfigured(id));
  }
  co_return all;
}

}  // namespace certferry
