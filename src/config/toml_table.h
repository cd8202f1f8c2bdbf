#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/complaints.h"

namespace certferry {

template <class T>
struct Written {
  T value;
  Place place;
};
using Text = Written<std::string>;

struct KeyOf {
  std::string_view key, table;
};

// One table of a TOML document, read key by key. A value of another type is a complaint and an empty answer. The keys
// that were asked for are the ones that are known: finish() complains of all others and says which was meant.
class TomlTable {
 public:
  // Throws Failure (refused), naming file, line and column, for what is no TOML.
  static TomlTable parse(std::string_view toml, const std::string& file, Complaints& complaints);

  const Place& place() const { return place_; }
  bool has(std::string_view key) const;
  Place place_of(std::string_view key) const;  // its value's; the table's where it is absent
  std::optional<Text> text(std::string_view key);
  std::optional<Written<std::int64_t>> integer(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::vector<Text>> texts(std::string_view key);  // a list of strings
  std::optional<TomlTable> table(std::string_view key);
  std::vector<TomlTable> tables(std::string_view key);  // [[key]]
  // The keys that were meant by words that are none. elsewhere: keys that some other table has.
  std::set<std::string, std::less<>> finish(std::span<const KeyOf> elsewhere = {}) const;

 private:
  struct Node;
  TomlTable(std::shared_ptr<const Node> node, std::string name, Place place, Complaints& complaints);
  struct Found;
  std::optional<Found> find(std::string_view key);
  void wrong_type(const Found& found, std::string_view key, std::string_view wanted, std::string remedy) const;

  std::shared_ptr<const Node> node_;
  std::string name_;  // "[ca]", "" for the document
  Place place_;
  Complaints* complaints_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace certferry
