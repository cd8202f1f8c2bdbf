#include "plan/permit.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "plan/schedule.h"

namespace certferry {
namespace {

constexpr const char* drops_names = "--drop-names";

// Whether the chain leads to no root. One that begins in a moment, by a clock that is slow, is judged as begun.
bool untrusted(const Chain& chain, const Roots& roots, WallTime now) {
  return roots.objection(chain, std::max(now, chain.leaf.not_before())).has_value();
}

bool covers_some(const Certificate& certificate, const CertificateSpec& wanted) {
  return std::ranges::any_of(wanted.names, [&](const DomainName& name) { return certificate.covers(name); });
}

// Names of the served certificate that the wanted one would not cover.
std::vector<std::string> names_lost(const Certificate& served, const CertificateSpec& wanted) {
  std::vector<std::string> lost;
  for (const DomainName& name : served.names()) {
    const bool kept = std::ranges::any_of(wanted.names, [&](const DomainName& ours) {
      return name == ours || (!name.wildcard() && name.covered_by(ours));
    });
    if (!kept) lost.push_back(name.text());
  }
  return lost;
}

std::string described(const Certificate& certificate) {
  return fmt::format("a certificate of {} until {}", quoted(certificate.issuer(), 80),
                     iso8601(certificate.not_after()));
}

// What would show which names it covers.
std::string reading_takes(const Serving& serving) {
  if (serving.reference.contains(":iam:")) return "allow iam:GetServerCertificate on it";
  if (serving.reference.starts_with('/'))
    return serving.reference.ends_with("/live") ? "let certferry read it, or move it away"
                                                : "let certferry read it, or remove the link `live` that leads to it";
  return "open its port to this machine, that a handshake may show it (none is made where verify is \"api\")";
}

std::optional<Held> held_for_names(const Serving& serving, Standing as, const CertificateSpec& wanted,
                                   const PermitOptions& options) {
  if (as != Standing::trusted || options.drop_names) return {};
  const Chain* served = serving.certificate();
  if (!served && serving.ours) return {};
  if (!served)
    return Held{fmt::format("it serves {}, which cannot be read{}, and may cover further names",
                            quoted(serving.reference, 300), serving.note.empty() ? "" : " (" + serving.note + ")"),
                reading_takes(serving), false, drops_names};
  const auto lost = names_lost(served->leaf, wanted);
  if (lost.empty()) return {};
  const std::string damage = serving.damaged ? fmt::format(" (and is damaged: {})", serving.note) : "";
  return Held{fmt::format("it serves {} that also covers {}{}", described(served->leaf), fmt::join(lost, ", "), damage),
              fmt::format("add {} to `domains`", fmt::join(lost, ", ")), true, drops_names};
}

// A configuration of both would be refused, for a slot serves one; here the other one is not named.
std::optional<Held> held_for_another(const Serving& serving, const CertificateSpec& wanted, const Roots& roots,
                                     WallTime now, const PermitOptions& options) {
  const Chain* served = serving.certificate();
  if (!options.named_alone || options.drop_names || !serving.ours || !served) return {};
  if (now >= served->leaf.not_after() || untrusted(*served, roots, now)) return {};
  const auto lost = names_lost(served->leaf, wanted);
  if (lost.empty()) return {};
  return Held{
      fmt::format("it serves another certificate of ours, {}, for {}", described(served->leaf), fmt::join(lost, ", ")),
      fmt::format("add --domain {}, or name another place", fmt::join(lost, " --domain ")), false, drops_names};
}

std::optional<Held> held_for_trust(const Serving& former, Standing as, const Issued& next, const Roots& roots,
                                   WallTime now, const PermitOptions& options) {
  const bool worth_keeping = as == Standing::trusted || (as == Standing::test && !former.ours);
  if (!worth_keeping || options.install_untrusted || !untrusted(next.chain, roots, now)) return {};
  const Chain* served = former.certificate();
  const std::string kept = served ? described(served->leaf) : "a certificate that could not be read";
  const std::string issuer = quoted(next.chain.leaf.issuer(), 80);
  if (next.chain.intermediates.empty())
    return Held{fmt::format("it serves {}; the new one, of {}, came without the certificates that lead to a root", kept,
                            issuer),
                "order another with --renew; if the CA gives no chain at all, use another CA"};
  return Held{fmt::format("it serves {}; the new one is of a test CA ({})", kept, issuer),
              "set [ca] directory = \"letsencrypt\"", false, "--install-untrusted"};
}

// An older certificate of ours never takes the place of a newer one: of a state that was put back, say, or where
// somebody else was faster. One that was issued later may end earlier: whoever ordered it had a reason, and lifetimes
// fall. Nor is one kept that has another key than is wanted, where this has the wanted one.
std::optional<Held> held_for_age(const Serving& former, Standing as, const Issued& next, const CertificateSpec& wanted,
                                 WallTime now) {
  const Chain* served = former.certificate();
  if (!former.ours || !served || former.damaged || as == Standing::placeholder || as == Standing::nothing) return {};
  const Certificate &theirs = served->leaf, &ours = next.chain.leaf;
  const bool newer = theirs.not_before() > ours.not_before() && theirs.not_after() > ours.not_after();
  if (theirs.names() != wanted.names || !newer || now >= emergency_at(theirs)) return {};
  const bool for_its_key = ours.public_key().type() == wanted.key_type && theirs.public_key().type() != wanted.key_type;
  if (for_its_key) return {};
  return Held{fmt::format("it serves {}, issued later than this one, which ends {}", described(theirs),
                          iso8601(ours.not_after())),
              "leave it, or order another with --renew if it must go"};
}

WallTime due_by_the_record(const Issued& next, const Record& record) {
  const bool newest = record.newest && record.newest->issued == next;
  return due_at(next.chain.leaf, newest ? record.newest->renewal_info : std::nullopt);
}

bool newest_is_wanted_early(const Issued& next, const Record& record) {
  const auto& newest = record.newest;
  return newest && newest->issued == next && wanted_early(next.chain.leaf, newest->renewal_info);
}

bool covers_all(const Certificate& certificate, const CertificateSpec& wanted) {
  return std::ranges::all_of(wanted.names, [&](const DomainName& name) { return certificate.covers(name); });
}

// What is due itself, and has no successor, takes the place of nothing that is as good and lasts longer: there it would
// end, perhaps before anybody can renew it. Where the CA wants it replaced early, it takes that
// of none that lasts a while.
std::optional<Held> held_for_its_end(const Serving& former, Standing as, const Issued& next,
                                     const CertificateSpec& wanted, const Record& record, const Roots& roots,
                                     WallTime now) {
  const Chain* served = former.certificate();
  if (!served || former.damaged || now < due_by_the_record(next, record)) return {};
  if (as != (untrusted(next.chain, roots, now) ? Standing::test : Standing::trusted)) return {};
  const Certificate &theirs = served->leaf, &ours = next.chain.leaf;
  const bool by_the_ca = newest_is_wanted_early(next, record);
  const bool better = theirs.not_after() > ours.not_after() || (by_the_ca && now < emergency_at(theirs));
  if (!better || !covers_all(theirs, wanted)) return {};
  const std::string why = by_the_ca ? "the CA wants this one replaced" : "this one ends " + iso8601(ours.not_after());
  return Held{fmt::format("it serves {}; {}, and its successor is not there yet", described(theirs), why),
              "mend what keeps its successor from being issued, which is put there then"};
}

}  // namespace

std::string remedy_of(const Held& held, const CertificateId& id) {
  if (held.waived_by.empty()) return held.remedy;
  return fmt::format("{}; or run apply as before with `--only {} {}`", held.remedy, id.text(), held.waived_by);
}

Standing standing(const Serving& serving, const CertificateSpec& wanted, const Roots& roots, WallTime now) {
  const Chain* chain = serving.certificate();
  if (!chain && serving.damaged) return Standing::nothing;
  if (!chain) return serving.unreadable || !serving.reference.empty() ? Standing::trusted : Standing::nothing;
  const Certificate& leaf = chain->leaf;
  if (leaf.self_signed() || now >= leaf.not_after() || !covers_some(leaf, wanted)) return Standing::placeholder;
  return untrusted(*chain, roots, now) ? Standing::test : Standing::trusted;
}

bool given(const Record& record, const std::string& target, const Fingerprint& served) {
  const auto issued = [&](const std::optional<Record::Newest>& one) {
    return one && one->issued.fingerprint() == served;
  };
  const auto known = record.targets.find(target);
  const bool bound = known != record.targets.end() && known->second.was_given(served);
  return bound || issued(record.newest) || issued(record.previous);
}

std::optional<Held> permit(const Serving& former, const Issued& next, const CertificateSpec& wanted,
                           const Record& record, const std::string& target, const Roots& roots, WallTime now,
                           const PermitOptions& options) {
  if (former.certificate() && former.certificate()->leaf == next.chain.leaf) return {};
  if (!on(Guard::permit)) return {};
  const Standing as = standing(former, wanted, roots, now);
  if (auto held = held_for_trust(former, as, next, roots, now, options)) return held;
  if (auto held = permit_before_order(former, wanted, &record, target, roots, now, options)) return held;
  if (auto held = held_for_age(former, as, next, wanted, now)) return held;
  return held_for_its_end(former, as, next, wanted, record, roots, now);
}

std::optional<Held> permit_key(const Issued& next, const std::vector<KeyType>& refused) {
  const auto type = next.chain.leaf.public_key().type();
  if (!type || std::ranges::count(refused, *type) == 0) return {};
  return Held{
      fmt::format("it does not take the key of this certificate, {}, and its successor is not there yet", name(*type)),
      "mend what keeps its successor from being issued, which is put there then"};
}

std::optional<Held> permit_before_order(const Serving& former, const CertificateSpec& wanted, const Record* record,
                                        const std::string& target, const Roots& roots, WallTime now,
                                        const PermitOptions& options) {
  const Chain* served = former.certificate();
  if (record && served && given(*record, target, served->leaf.fingerprint())) return {};
  if (auto held = held_for_another(former, wanted, roots, now, options)) return held;
  return held_for_names(former, standing(former, wanted, roots, now), wanted, options);
}

}  // namespace certferry
