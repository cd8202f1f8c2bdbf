#include "wire/ini.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {
namespace {

constexpr std::string_view ini_blanks = " \t\r\f\v";

std::string_view stripped(std::string_view text) {
  std::size_t first = text.find_first_not_of(ini_blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(ini_blanks) - first + 1);
}

bool begins_comment(std::string_view text) { return text.starts_with('#') || text.starts_with(';'); }

// Without a comment that follows a blank.
std::string_view uncommented(std::string_view text) {
  for (std::size_t at = text.find_first_of("#;"); at != std::string_view::npos; at = text.find_first_of("#;", at + 1))
    if (at == 0 || ini_blanks.contains(text[at - 1])) return stripped(text.substr(0, at));
  return stripped(text);
}

std::string lower_name(std::string_view text) {
  std::string lower{text};
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

class IniReader {
 public:
  explicit IniReader(std::string_view file) : file_(file) {}

  void read(std::string_view line) {
    ++line_;
    std::string_view content = stripped(line);
    if (content.empty() || begins_comment(content)) return;
    if (ini_blanks.contains(line.front())) {
      continuation(content);
    } else if (content.starts_with('[')) {
      section(content);
    } else {
      if (sections_.empty()) refuse("a property before the first section", "Put a line such as [default] above it");
      sections_.back().properties.push_back(property(content));
      nests_ = sections_.back().properties.back().value.empty();
      continues_ = true;
    }
  }

  std::vector<IniSection> take() { return std::move(sections_); }

  [[noreturn]] void refuse(std::string_view why, std::string next) const {
    throw Failure(Failure::Kind::refused, fmt::format("{}:{}: {}", file_, line_, why), std::move(next));
  }

 private:
  void section(std::string_view content) {
    content = stripped(content.substr(0, content.find_first_of("#;")));
    if (!content.ends_with(']')) refuse("a section's name without its ']'", "End the section's name with ]");
    std::string_view name = stripped(content.substr(1, content.size() - 2));
    sections_.push_back({.name = std::string{name}, .line = line_, .properties = {}});
    continues_ = false;
  }

  void continuation(std::string_view content) {
    if (sections_.empty()) refuse("a continuation line before the first section", "Remove the blanks before it");
    if (!continues_) refuse("a continuation line without a property to continue", "Remove the blanks before it");
    IniProperty& continued = sections_.back().properties.back();
    if (nests_) continued.nested.push_back(property(content));
    continued.value += "\n";
    continued.value += content;
  }

  IniProperty property(std::string_view content) const {
    std::string_view bare = uncommented(content);
    std::size_t equals = bare.find('=');
    if (equals == std::string_view::npos) refuse("a property without '='", "Write it as name = value");
    std::string_view name = stripped(bare.substr(0, equals));
    if (name.empty()) refuse("a property without a name", "Write it as name = value");
    return {
        .name = lower_name(name), .value = std::string{stripped(bare.substr(equals + 1))}, .line = line_, .nested = {}};
  }

  std::string_view file_;
  int line_ = 0;
  std::vector<IniSection> sections_;
  bool continues_ = false;  // the last line that counted belongs to a property
  bool nests_ = false;      // and that property's own line has no value
};

}  // namespace

const IniProperty* IniSection::find(std::string_view name_wanted) const {
  auto found = std::ranges::find(properties.rbegin(), properties.rend(), name_wanted, &IniProperty::name);
  return found == properties.rend() ? nullptr : &*found;
}

std::vector<IniSection> parse_ini(std::string_view text, std::string_view file, std::size_t limit) {
  IniReader reader{file};
  if (text.size() > limit)
    throw Failure(Failure::Kind::refused, fmt::format("{}: {} bytes, over the limit of {}", file, text.size(), limit),
                  fmt::format("Check that {} is the file you mean", file));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    reader.read(line);
  }
  return reader.take();
}

}  // namespace certferry
