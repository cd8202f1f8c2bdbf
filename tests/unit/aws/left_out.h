#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <string>

#include "replay.h"

// What the tests check of the published cases and what they leave out stands in docs/aws-conformance.md, each reason
// with its why. The page is the expectation: a case more, on either side, meets a test.
namespace certferry::aws::testing {

struct Tally {
  int checked = 0;
  std::map<std::string, int> left_out;  // by reason
};

inline std::string conformance_page() {
  const char* source = std::getenv("CERTFERRY_SOURCE");
  return file_text(std::string{source ? source : "."} + "/docs/aws-conformance.md").value_or("");
}

// The page has this row, and says of each reason why it is one.
inline void expect_on_page(const std::string& cases, const Tally& tally) {
  static const std::string page = conformance_page();
  std::string row = fmt::format("| {} | {} |", cases, tally.checked);
  const char* before = " ";
  for (const auto& [reason, count] : tally.left_out) {
    row += fmt::format("{}{} {}", before, count, reason);
    before = "; ";
    EXPECT_NE(page.find("\n| " + reason + " | "), std::string::npos)
        << "docs/aws-conformance.md does not say why: " << reason;
  }
  row += tally.left_out.empty() ? " none |" : " |";
  EXPECT_NE(page.find("\n" + row + "\n"), std::string::npos) << "docs/aws-conformance.md has no row\n" << row;
}

}  // namespace certferry::aws::testing
