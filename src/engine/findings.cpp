#include "engine/findings.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

constexpr std::size_t subjects_shown = 3, listed_shown = 5;

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

// "a, b and 5 more"
std::string first_of(const std::vector<std::string>& all, std::size_t shown) {
  if (all.size() <= shown) return fmt::format("{}", fmt::join(all, ", "));
  return fmt::format("{} and {} more", fmt::join(all.begin(), all.begin() + static_cast<long>(shown), ", "),
                     all.size() - shown);
}

std::string shown_found(const Finding& finding) {
  if (finding.listed.size() <= listed_shown) return finding.found;
  const std::string whole = fmt::format("{}", fmt::join(finding.listed, ", "));
  std::string shown = finding.found;
  if (const auto at = shown.find(whole); at != std::string::npos)
    shown.replace(at, whole.size(), first_of(finding.listed, listed_shown));
  return shown;
}

}  // namespace

Verdict worst(const Findings& findings) {
  Verdict worst = Verdict::green;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

std::string to_text(const Findings& findings, bool colour, bool quiet) {
  const Findings rows = gathered(findings);
  if (quiet && worst(rows) == Verdict::green) return "";
  std::string text;
  for (const Finding& row : rows) {
    if (quiet && row.verdict == Verdict::green) continue;
    text += fmt::format("{}  {}: {}\n", painted(row.verdict, colour), row.subject, shown_found(row));
    if (!row.next.empty()) text += fmt::format("        -> {}\n", row.next);
  }
  return text + fmt::format("{} red, {} yellow, {} green\n", count(rows, Verdict::red), count(rows, Verdict::yellow),
                            count(rows, Verdict::green));
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

Findings each_once(const Findings& findings) {
  Findings once;
  for (const Finding& finding : findings)
    if (std::ranges::find(once, finding) == once.end()) once.push_back(finding);
  return once;
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
  for (std::size_t i = 0; i < gathered.size(); ++i) gathered[i].subject = first_of(subjects[i], subjects_shown);
  return gathered;
}

}  // namespace certferry
