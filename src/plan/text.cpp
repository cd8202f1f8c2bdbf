#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "plan/plan.h"

namespace certferry {
namespace {

std::string_view sign(Action::Kind kind) {
  switch (kind) {
    case Action::Kind::issue:
      return "+";
    case Action::Kind::install:
      return "~";
    case Action::Kind::retire:
    case Action::Kind::withdraw:
      return "-";
    case Action::Kind::hold:
      return "!";
    case Action::Kind::trouble:
      return "x";
    default:
      return " ";
  }
}

std::string line(const Action& action, std::string_view indent, std::string_view subject) {
  std::string text = fmt::format("{}{} {:<8} {}: {}\n", indent, sign(action.kind), name(action.kind), subject,
                                 without_subject(action.reason, subject));
  if (!action.remedy.empty()) text += fmt::format("{}           -> {}\n", indent, action.remedy);
  return text;
}

std::string sum(const Plan& plan) {
  std::map<Action::Kind, int> counts;
  for (const Action& action : plan.all()) ++counts[action.kind];
  std::string text =
      fmt::format("{} to issue, {} to install, {} to remove", counts[Action::Kind::issue],
                  counts[Action::Kind::install], counts[Action::Kind::retire] + counts[Action::Kind::withdraw]);
  if (counts[Action::Kind::hold]) text += fmt::format(", {} held back", counts[Action::Kind::hold]);
  if (counts[Action::Kind::trouble]) text += fmt::format(", {} in trouble", counts[Action::Kind::trouble]);
  return text;
}

// Whether nothing is done though something would have to be.
std::string_view headline(const Plan& plan) {
  if (plan.anything()) return "Plan";
  const bool kept_from = std::ranges::any_of(plan.all(), [](const Action& action) {
    return action.kind == Action::Kind::hold || action.kind == Action::Kind::trouble;
  });
  return kept_from ? "Nothing is done" : "Nothing to do";
}

}  // namespace

std::string_view without_subject(std::string_view what, std::string_view subject) {
  const bool named = what.starts_with(subject) && what.substr(subject.size()).starts_with(": ");
  return named ? what.substr(subject.size() + 2) : what;
}

std::string to_text(const Plan& plan, WallTime) {
  std::string text;
  for (const CertificatePlan& certificate : plan.certificates) {
    if (certificate.issue) text += line(*certificate.issue, "", certificate.id.text());
    for (const Action& action : certificate.targets) text += line(action, "  ", action.shown_target());
  }
  for (const Action& action : plan.removals) text += line(action, "", action.target);
  return text + fmt::format("{}: {}.\n", headline(plan), sum(plan));
}

Json to_json(const Plan& plan) {
  Json actions = Json::array();
  for (const Action& action : plan.all()) {
    Json entry = Json::object({{"action", std::string{name(action.kind)}}, {"reason", action.reason}});
    if (!action.certificate.empty()) entry["certificate"] = action.certificate;
    if (!action.target.empty()) entry["target"] = action.target;
    if (!action.remedy.empty()) entry["remedy"] = action.remedy;
    if (!action.configured) entry["configured"] = false;
    if (action.not_before) entry["not_before"] = iso8601(*action.not_before);
    actions.push_back(std::move(entry));
  }
  return Json::object({{"changes", plan.anything()}, {"actions", std::move(actions)}});
}

}  // namespace certferry
