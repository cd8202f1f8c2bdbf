#include "config/toml_table.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "config/nearest.h"
#include "config/toml_parser.h"

namespace certferry {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

Place place_in(const std::string& file, const toml::source_region& region) {
  return Place{file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

std::string_view type_in_words(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// The first character of a line (from 1) that may stand in no string; 0 where there is none.
unsigned control_character(std::string_view toml, std::size_t line) {
  for (; line > 1; --line) toml.remove_prefix(std::min(toml.find('\n'), toml.size() - 1) + 1);
  toml = toml.substr(0, toml.find('\n'));
  if (toml.ends_with('\r')) toml.remove_suffix(1);
  const auto found = std::ranges::find_if(toml, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
  return found == toml.end() ? 0 : static_cast<unsigned>(*found);
}

Failure no_toml(std::string_view toml, const std::string& file, const toml::parse_error& error) {
  const std::string place = place_in(file, error.source()).text();
  // So it calls the end of a line within a string, too.
  const bool control = error.description().contains("unescaped control characters");
  if (const unsigned found = control ? control_character(toml, error.source().begin.line) : 0)
    return {Failure::Kind::refused, fmt::format("{}: the control character U+{:04X} stands in a string", place, found),
            fmt::format("Remove it, or write \\u{:04X} between double quotation marks", found)};
  return {Failure::Kind::refused, fmt::format("{}: {}", place, quoted(error.description())),
          fmt::format("{}; docs/configuration.md has an example",
                      control ? "Close the string with a quotation mark" : "Correct the TOML there")};
}

}  // namespace

struct TomlTable::Node {
  std::shared_ptr<const toml::table> document;  // kept while any of its tables is
  const toml::table* table;
};

struct TomlTable::Found {
  const toml::node* node;
  Place place;
};

TomlTable::TomlTable(std::shared_ptr<const Node> node, std::string name, Place place, Complaints& complaints)
    : node_(std::move(node)), name_(std::move(name)), place_(std::move(place)), complaints_(&complaints) {}

TomlTable TomlTable::parse(std::string_view toml, const std::string& file, Complaints& complaints) {
  if (toml.size() > kLargestFile) {
    throw Failure(Failure::Kind::refused, fmt::format("{}: it is larger than {} KiB", file, kLargestFile / 1024),
                  "Point --config at certferry's configuration");
  }
  try {
    auto document = std::make_shared<const toml::table>(toml::parse(toml, std::string_view{file}));
    const toml::table* root = document.get();
    return TomlTable{std::make_shared<const Node>(Node{std::move(document), root}), "", Place{file, 1, 1}, complaints};
  } catch (const toml::parse_error& error) {
    throw no_toml(toml, file, error);
  }
}

bool TomlTable::has(std::string_view key) const { return node_->table->contains(key); }

Place TomlTable::place_of(std::string_view key) const {
  const toml::node* found = node_->table->get(key);
  return found ? place_in(place_.file, found->source()) : place_;
}

std::optional<TomlTable::Found> TomlTable::find(std::string_view key) {
  known_.emplace(key);
  const toml::node* found = node_->table->get(key);
  if (!found) return {};
  return Found{found, place_in(place_.file, found->source())};
}

void TomlTable::wrong_type(const Found& found, std::string_view key, std::string_view wanted,
                           std::string remedy) const {
  complaints_->add(found.place, fmt::format("{} is {} and must be {}", key, type_in_words(*found.node), wanted),
                   std::move(remedy));
}

std::optional<Text> TomlTable::text(std::string_view key) {
  const auto found = find(key);
  if (!found) return {};
  if (const auto* value = found->node->as_string()) return Text{value->get(), found->place};
  wrong_type(*found, key, "a string", fmt::format("Write {} = \"...\"", key));
  return {};
}

std::optional<Written<std::int64_t>> TomlTable::integer(std::string_view key) {
  const auto found = find(key);
  if (!found) return {};
  if (const auto* value = found->node->as_integer()) return Written<std::int64_t>{value->get(), found->place};
  wrong_type(*found, key, "a whole number", fmt::format("Write {} = 443, without quotation marks", key));
  return {};
}

std::optional<bool> TomlTable::boolean(std::string_view key) {
  const auto found = find(key);
  if (!found) return {};
  if (const auto* value = found->node->as_boolean()) return value->get();
  wrong_type(*found, key, "true or false", fmt::format("Write {} = true, without quotation marks", key));
  return {};
}

std::optional<std::vector<Text>> TomlTable::texts(std::string_view key) {
  const auto found = find(key);
  if (!found) return {};
  const std::string remedy = fmt::format("Write {} = [\"...\", \"...\"]", key);
  const auto* array = found->node->as_array();
  if (!array) {
    wrong_type(*found, key, "a list of strings", remedy);
    return {};
  }
  std::vector<Text> texts;
  for (const toml::node& element : *array) {
    const Found at{&element, place_in(place_.file, element.source())};
    if (const auto* value = element.as_string())
      texts.push_back({value->get(), at.place});
    else
      wrong_type(at, fmt::format("an element of {}", key), "a string", remedy);
  }
  if (texts.empty() && !array->empty()) return {};  // none that could be read, which is said: it is not empty
  return texts;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) {
  const auto found = find(key);
  if (!found) return {};
  if (const auto* table = found->node->as_table())
    return TomlTable{std::make_shared<const Node>(Node{node_->document, table}), fmt::format("[{}]", key), found->place,
                     *complaints_};
  wrong_type(*found, key, "a table", fmt::format("Write [{}] on a line of its own, and its keys below", key));
  return {};
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  const auto found = find(key);
  if (!found) return {};
  const std::string path =
      name_.starts_with("[[") ? fmt::format("{}.{}", name_.substr(2, name_.size() - 4), key) : std::string{key};
  const std::string remedy = fmt::format("Write [[{}]] on a line of its own, once for each", path);
  const auto* array = found->node->as_array();
  if (!array) {
    wrong_type(*found, key, "a list of tables", remedy);
    return {};
  }
  std::vector<TomlTable> tables;
  for (const toml::node& element : *array) {
    const Found at{&element, place_in(place_.file, element.source())};
    if (const auto* table = element.as_table())
      tables.push_back(TomlTable{std::make_shared<const Node>(Node{node_->document, table}),
                                 fmt::format("[[{}]]", path), at.place, *complaints_});
    else
      wrong_type(at, fmt::format("an element of {}", key), "a table", remedy);
  }
  return tables;
}

std::set<std::string, std::less<>> TomlTable::finish(std::span<const KeyOf> elsewhere) const {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  std::set<std::string, std::less<>> meant_ones;
  for (const auto& [key, value] : *node_->table) {
    if (known_.contains(key.str())) continue;
    std::string list;
    for (std::string_view word : known) list += fmt::format("{}{}", list.empty() ? "" : ", ", word);
    const auto belongs = std::ranges::find(elsewhere, key.str(), &KeyOf::key);
    const auto meant = belongs == elsewhere.end() ? nearest(key.str(), known) : std::nullopt;
    if (meant) meant_ones.emplace(*meant);
    complaints_->add(place_in(place_.file, key.source()),
                     fmt::format("unknown {} \"{}\"{}{}", value.is_table() && name_.empty() ? "table" : "key",
                                 quoted(key.str(), 100), name_.empty() ? "" : " in ", name_),
                     belongs != elsewhere.end() ? fmt::format("Write it below {}", belongs->table)
                     : meant                    ? fmt::format("Write \"{}\"", *meant)
                                                : fmt::format("Use one of {}", list));
  }
  return meant_ones;
}

}  // namespace certferry
