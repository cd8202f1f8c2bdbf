#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace certferry {

// What a look at one thing that certferry stands on came to: `doctor` makes a row of each.
struct Finding {
  enum class Verdict {
    green,   // as it should be
    yellow,  // works, or cannot be told: somebody should know
    red,     // apply would fail over it
  };
  Verdict verdict;
  std::string check;    // one word for programs: "identity", "zone", "caa"
  std::string subject;  // for people: "zone example.com"
  std::string found;    // what was found; foreign text through quoted()
  std::string next;     // what to do, one imperative sentence; "" where nothing is
  // What `found` lists, where it may be long: it stands there joined by ", ", and people are shown the first few.
  std::vector<std::string> listed = {};
  bool operator==(const Finding&) const = default;
};

constexpr std::string_view name(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::green:
      return "green";
    case Finding::Verdict::yellow:
      return "yellow";
    case Finding::Verdict::red:
      break;
  }
  return "red";
}

}  // namespace certferry
