#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"

namespace certferry {

// What is wrong with a configuration, gathered so that one run tells all of it.
class Complaints {
 public:
  // what: a sentence without its end; remedy: one imperative sentence.
  void add(const Place& place, std::string what, std::string remedy);
  bool any() const { return !complaints_.empty(); }
  // Throws Failure (refused) where there is any: in the order of the file, one a line, with the remedy in `next` where
  // there is one, else at the end of each line.
  void throw_if_any(const std::string& source) const;

 private:
  struct Complaint {
    Place place;
    std::string what, remedy;
  };
  std::vector<Complaint> complaints_;
};

}  // namespace certferry
