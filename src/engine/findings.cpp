#include "engine/findings.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

constexpr std::size_t subjects_shown = 3;

std::string painted(Verdict verdict, bool colour) {
  std::string word = fmt::format("{:<6}", name(verdict));
  if (!colour) return word;
  const int code = verdict == Verdict::green ? 32 : verdict == Verdict::yellow ? 33 : 31;  // ECMA-48, SGR
  return fmt::format("\x1b[{}m{}\x1b[0m", code, word);
}

long count(const Findings& findings, Verdict verdict) {
  return std::ranges::count(findings, verdict, &Finding::verdict);
}

bool alike(const Finding& one, const Finding& other) {
  return one.verdict != Verdict::green && one.verdict == other.verdict && one.check == other.check &&
         one.found == other.found && one.next == other.next;
}

// "challenge _acme-challenge.a.example, _acme-challenge.b.example and 5 more"
std::string joined_subjects(const std::vector<std::string>& subjects) {
  std::string text = subjects.front();
  for (std::size_t i = 1; i < std::min(subjects.size(), subjects_shown); ++i) text += ", " + subjects[i];
  if (subjects.size() > subjects_shown) text += fmt::format(" and {} more", subjects.size() - subjects_shown);
  return text;
}

}  // namespace

Verdict worst(const Findings& findings) {
  Verdict worst = Verdict::green;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

std::string to_text(const Findings& findings, bool colour) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}  {}: {}\n", painted(finding.verdict, colour), finding.subject, finding.found);
    if (!finding.next.empty()) text += fmt::format("        -> {}\n", finding.next);
  }
  return text + fmt::format("{} red, {} yellow, {} green\n", count(findings, Verdict::red),
                            count(findings, Verdict::yellow), count(findings, Verdict::green));
}

Json to_json(const Findings& findings) {
  Json rows = Json::array();
  for (const Finding& finding : findings)
    rows.push_back(Json::object({{"verdict", name(finding.verdict)},
                                 {"check", finding.check},
                                 {"subject", finding.subject},
                                 {"found", finding.found},
                                 {"next", finding.next}}));
  return Json::object({{"findings", std::move(rows)},
                       {"green", count(findings, Verdict::green)},
                       {"yellow", count(findings, Verdict::yellow)},
                       {"red", count(findings, Verdict::red)}});
}

Task<Findings> looked(std::string check, std::string subject, std::function<Task<Findings>()> look, Verdict failed) {
  try {
    co_return co_await look();
  } catch (const Failure& failure) {
    co_return Findings{{failed, std::move(check), std::move(subject), failure.what(), failure.next()}};
  }
}

Findings gathered(const Findings& findings) {
  Findings gathered;
  std::vector<std::vector<std::string>> subjects;
  for (const Finding& finding : findings) {
    const auto same = std::ranges::find_if(gathered, [&](const Finding& one) { return alike(one, finding); });
    if (same == gathered.end()) {
      gathered.push_back(finding);
      subjects.push_back({finding.subject});
    } else {
      auto& alike_ones = subjects[static_cast<std::size_t>(same - gathered.begin())];
      if (std::ranges::find(alike_ones, finding.subject) == alike_ones.end()) alike_ones.push_back(finding.subject);
    }
  }
  for (std::size_t i = 0; i < gathered.size(); ++i) gathered[i].subject = joined_subjects(subjects[i]);
  return gathered;
}

}  // namespace certferry
