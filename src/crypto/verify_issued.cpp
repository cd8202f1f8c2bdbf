#include "crypto/verify_issued.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/tls.h"
#include "crypto/subject_names.h"

namespace certferry {
namespace {

std::string listed(const std::vector<DomainName>& names) {
  std::string text;
  for (const DomainName& name : names) text += (text.empty() ? "" : ", ") + name.text();
  return quoted(text.empty() ? "none" : text);
}

// `what` completes "the certificate ...".
Failure objection_to(const Issued& issued, Failure::Kind kind, std::string_view what, std::string_view next) {
  return Failure(kind, fmt::format("Verifying the certificate from {}: {}", quoted(issued.url), what),
                 std::string{next});
}

constexpr std::string_view report_to_ca = "Report it to the CA, or use another; nothing was installed.";

// What a download cannot mend: the order gives this leaf for as long as it is there.
Failure unfit_leaf(const Issued& issued, std::string_view what) {
  return objection_to(issued, Failure::Kind::dead_generation, what, report_to_ca);
}

void verify_names(const Issued& issued, const std::vector<DomainName>& wanted) {
  const AlternativeNames found = subject_alternative_names(issued.chain.leaf.get());
  const auto expected = sorted_names(wanted);
  if (found.names != expected)
    throw unfit_leaf(issued, fmt::format("it is for {}; wanted was {}", listed(found.names), listed(expected)));
  if (found.others > 0)
    throw unfit_leaf(
        issued, fmt::format("it is also for {} that are no DNS names; wanted was {}", found.others, listed(expected)));
}

// Why the leaf is no certificate for a server; empty where it is one.
std::string_view objection_to_leaf(const Certificate& leaf) {
  if (leaf.is_ca()) return "it is a CA's own certificate; wanted was a server's";
  if (leaf.self_signed()) return "it is self-signed; wanted was one that a CA signed";
  if (!leaf.allows_server_auth()) return "its extended key usage lacks serverAuth";
  if (!leaf.authority_key_id()) return "it has no authority key identifier";
  return {};
}

void verify_order(const Issued& issued) {
  const Certificate* before = &issued.chain.leaf;
  for (const Certificate& one : issued.chain.intermediates) {
    if (!before->issued_by(one))
      throw objection_to(issued, Failure::Kind::refused,
                         fmt::format("its chain is out of order or lacks a link: \"{}\" did not sign \"{}\"",
                                     quoted(one.subject(), 100), quoted(before->subject(), 100)),
                         report_to_ca);
    if (!one.is_ca())
      throw objection_to(issued, Failure::Kind::refused,
                         fmt::format("its chain holds \"{}\", which is no CA", quoted(one.subject(), 100)),
                         report_to_ca);
    before = &one;
  }
}

void verify_dates(const Issued& issued, WallTime now) {
  const Certificate& leaf = issued.chain.leaf;
  const bool begun = now + limits::tls::not_before_tolerance >= leaf.not_before(), over = now > leaf.not_after();
  if (begun && !over) return;
  // It lay at the CA for longer than it lived; one that has not begun is there to be fetched when it has.
  const auto kind = over ? Failure::Kind::dead_generation : Failure::Kind::transient;
  throw objection_to(
      issued, kind,
      fmt::format("it is valid from {} to {}, and now is {}", iso8601(leaf.not_before()), iso8601(leaf.not_after()),
                  iso8601(now)),
      over ? "Run certferry again, which begins a new order; and compare this machine's clock with the CA's."
           : "Compare this machine's clock with the CA's.");
}

}  // namespace

void verify_issued(const Issued& issued, const PublicKey& key, const std::vector<DomainName>& names, WallTime now) {
  if (issued.chain.leaf.public_key() != key)
    throw unfit_leaf(issued, "it is for another key than the one that was sent");
  verify_names(issued, names);
  if (const auto objection = objection_to_leaf(issued.chain.leaf); !objection.empty())
    throw unfit_leaf(issued, objection);
  verify_order(issued);
  verify_dates(issued, now);  // last: what has not begun alone passes with time
}

}  // namespace certferry
