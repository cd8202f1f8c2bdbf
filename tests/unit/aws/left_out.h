#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "replay.h"

// What the tests check of the published cases and what they leave out stands in docs/aws-conformance.md, each reason
// with its why. The page is the expectation: a case more, on either side, meets a test.
namespace certferry::aws::testing {

struct Tally {
  int checked = 0;
  std::map<std::string, std::vector<std::string>> left_out;  // the cases' names, where they have one, by reason
};

inline std::string conformance_page() {
  const char* source = std::getenv("CERTFERRY_SOURCE");
  return file_text(std::string{source ? source : "."} + "/docs/aws-conformance.md").value_or("");
}

// The page has this line, word for word.
inline void expect_line(const std::string& line) {
  static const std::string page = conformance_page();
  EXPECT_NE(page.find("\n" + line + "\n"), std::string::npos) << "docs/aws-conformance.md has no line\n" << line;
}

// The page has this row, says of each reason why it is one, and names the cases that have names.
inline void expect_on_page(const std::string& cases, const Tally& tally) {
  static const std::string page = conformance_page();
  std::string row = fmt::format("| {} | {} |", cases, tally.checked);
  const char* before = " ";
  for (const auto& [reason, names] : tally.left_out) {
    row += fmt::format("{}{} {}", before, names.size(), reason);
    before = "; ";
    EXPECT_NE(page.find("\n| " + reason + " | "), std::string::npos)
        << "docs/aws-conformance.md does not say why: " << reason;
    if (!names.front().empty()) expect_line(fmt::format("| {} | {} | {} |", cases, reason, fmt::join(names, ", ")));
  }
  expect_line(row + (tally.left_out.empty() ? " none |" : " |"));
}

}  // namespace certferry::aws::testing
