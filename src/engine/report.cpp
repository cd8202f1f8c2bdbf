#include "engine/report.h"

#include <algorithm>
#include <fmt/format.h>

namespace certferry {

std::string_view name(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::issued:
      return "issued";
    case Outcome::Kind::installed:
      return "installed";
    case Outcome::Kind::kept:
      return "kept";
    case Outcome::Kind::held:
      return "held";
    case Outcome::Kind::waiting:
      return "waiting";
    case Outcome::Kind::removed:
      return "removed";
    case Outcome::Kind::failed:
      return "failed";
  }
  return "failed";
}

Outcome outcome_of(const Action& action, Outcome::Kind kind) {
  return {kind, action.certificate, action.target, action.reason, action.remedy, action.target_name, action.unproven};
}

bool Report::failed() const {
  return std::ranges::any_of(outcomes, [](const Outcome& outcome) { return outcome.kind == Outcome::Kind::failed; });
}

bool Report::calls_for_somebody() const {
  const auto stands = [](const Action& action) {
    return action.kind == Action::Kind::keep && action.configured && !action.target.empty();
  };
  return emergency() || std::ranges::any_of(plan.all(), [&](const Action& action) {
           return !action.remedy.empty() && !stands(action);
         });
}

bool Report::unproven() const { return std::ranges::any_of(outcomes, &Outcome::unproven); }

void tell_what_is_kept(Report& report) {
  if (!report.plan.anything()) return;
  for (const CertificatePlan& certificate : report.plan.certificates) {
    const auto& issue = certificate.issue;
    if (issue && issue->kind == Action::Kind::keep && !issue->remedy.empty())
      report.outcomes.push_back(Outcome{Outcome::Kind::kept, issue->certificate, "", issue->reason, issue->remedy});
  }
}

std::string to_text(const Report& report) {
  std::string text;
  for (const Outcome& outcome : report.outcomes) {
    const std::string& subject = !outcome.target_name.empty() ? outcome.target_name
                                 : !outcome.target.empty()    ? outcome.target
                                                              : outcome.certificate;
    text += fmt::format("{:<9} {}: {}\n", name(outcome.kind), subject, without_subject(outcome.what, subject));
    if (!outcome.next.empty()) text += fmt::format("          -> {}\n", outcome.next);
  }
  for (const auto& [id, name] : report.endangered)
    text += fmt::format("{} is left with a certificate that has expired or is about to.\n", name);
  if (report.without)
    text += "A certificate is wanted, and there is none yet that is valid and that its CA lets stand.\n";
  if (report.unproven()) text += "A certificate is in place that is not proven to be served.\n";
  if (report.ca_requests + report.aws_requests > 0)
    text += fmt::format("{} requests to the CA, {} of them polls; {} to AWS\n", report.ca_requests, report.ca_polls,
                        report.aws_requests);
  return text;
}

Json to_json(const Report& report) {
  Json outcomes = Json::array();
  for (const Outcome& outcome : report.outcomes) {
    Json entry = Json::object({{"outcome", std::string{name(outcome.kind)}}, {"what", outcome.what}});
    if (!outcome.certificate.empty()) entry["certificate"] = outcome.certificate;
    if (!outcome.target.empty()) entry["target"] = outcome.target;
    if (!outcome.next.empty()) entry["next"] = outcome.next;
    outcomes.push_back(std::move(entry));
  }
  Json endangered = Json::array();
  for (const auto& [id, name] : report.endangered) endangered.push_back(id);
  return Json::object(
      {{"plan", to_json(report.plan)},
       {"outcomes", std::move(outcomes)},
       {"failed", report.failed()},
       {"emergency", report.emergency()},
       {"endangered", std::move(endangered)},
       {"without", report.without},
       {"unproven", report.unproven()},
       {"requests",
        Json::object({{"ca", report.ca_requests}, {"ca_polls", report.ca_polls}, {"aws", report.aws_requests}})}});
}

}  // namespace certferry
