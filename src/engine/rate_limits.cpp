#include "engine/rate_limits.h"

#include <fmt/format.h>
#include <set>

#include "base/limits/letsencrypt.h"
#include "plan/schedule.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

// What the record says of failures that hold the next try back; green where it says nothing.
Finding held_back(const Record& record, WallTime now) {
  const FailureRecord& failures = record.failures;
  Finding finding{Verdict::green, "rate-limit", "rate limits of " + record.id.text(), "no failure holds it back", ""};
  if (failures.count == 0 || !failures.not_before || !pauses(*failures.not_before, now)) return finding;
  finding.verdict = Verdict::yellow;
  finding.found = fmt::format("{} failures in a row hold the next try back until {}; the last: {}", failures.count,
                              humane(*failures.not_before), failures.what);
  finding.next = failures.remedy();
  return finding;
}

// How many of the same names were issued lately, for whichever certificate, beside what the CA allows.
void count_issued(Finding& finding, const Record& record, const std::map<CertificateId, Record>& records,
                  WallTime now) {
  const auto& rate = limits::letsencrypt::certificates_per_name_set;
  int issued = 0;
  for (const auto& [id, one] : records)
    if (one.specification.names == record.specification.names)
      issued += issued_since(one, now - rate.burst * rate.refill);
  finding.found +=
      fmt::format("; {} of {} for these names used in a week, as far as the state knows", issued, rate.burst);
  if (issued < rate.burst || finding.verdict != Verdict::green) return;
  finding.verdict = Verdict::yellow;
  finding.next = "Wait with `apply --renew`: Let's Encrypt makes no exception from this limit";
}

// How many generations the history tells of that went on then or later: each places one order at most.
int generations_since(const Record& record, WallTime then) {
  constexpr std::string_view word = "generation ";
  std::set<std::string> told;  // "generation 7"
  for (const HistoryEntry& entry : record.history)
    if (entry.at >= then && entry.what.starts_with(word))
      told.insert(entry.what.substr(0, entry.what.find(' ', word.size())));
  return static_cast<int>(told.size());
}

// What is used of one limit by several certificates, and how many more of them are to come.
struct Use {
  int used = 0;
  int to_come = 0;  // that have none yet
};

Finding use_finding(const std::string& whose, const std::string& of_what, const Use& use, int most) {
  Finding finding{Verdict::green, "rate-limit", "rate limits of " + whose,
                  fmt::format("at most {} of {} {} used, as far as the state knows", use.used, most, of_what), ""};
  if (use.to_come > 0) finding.found += fmt::format("; {} configured certificates are still to come", use.to_come);
  if (use.used + use.to_come <= most) return finding;
  finding.verdict = Verdict::yellow;
  finding.next = "Configure the others later: what is over the limit is refused, and tried again as it allows";
  return finding;
}

std::set<DomainName> registered_domains(const CertificateConfig& certificate) {
  std::set<DomainName> domains;
  for (const DomainName& name : certificate.domains) domains.insert(registered_domain(name.without_wildcard()));
  return domains;
}

// Of the limits that certificates share.
Findings examine_shared(const Config& config, const std::map<CertificateId, Record>& records, WallTime now) {
  const auto& by_domain = limits::letsencrypt::certificates_per_registered_domain;
  const auto& by_account = limits::letsencrypt::new_orders_per_account;
  std::map<DomainName, Use> domains;
  Use orders;
  for (const CertificateConfig& certificate : config.certificates) {
    const auto record = records.find(certificate.id);
    const bool known = record != records.end();
    const int to_come = known && record->second.newest ? 0 : 1;
    orders.to_come += to_come;
    if (known) orders.used += generations_since(record->second, now - by_account.burst * by_account.refill);
    for (const DomainName& domain : registered_domains(certificate)) {
      domains[domain].to_come += to_come;
      if (known) domains[domain].used += issued_since(record->second, now - by_domain.burst * by_domain.refill);
    }
  }
  Findings findings;
  for (const auto& [domain, use] : domains)
    findings.push_back(use_finding(domain.text(), "certificates under it in a week", use, by_domain.burst));
  findings.push_back(use_finding("the account", "orders in three hours", orders, by_account.burst));
  return findings;
}

}  // namespace

Findings examine_rate_limits(const Config& config, const std::map<CertificateId, Record>& records, WallTime now) {
  const bool letsencrypt = config.ca.url == directory_url("letsencrypt");
  Findings findings;
  for (const auto& [id, record] : records) {
    Finding finding = held_back(record, now);
    if (letsencrypt) count_issued(finding, record, records, now);
    findings.push_back(std::move(finding));
  }
  if (!letsencrypt) return findings;
  for (Finding& finding : examine_shared(config, records, now)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace certferry
