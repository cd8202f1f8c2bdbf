#include "aws/profile_files.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "wire/ini.h"

namespace certferry::aws {
namespace {

bool acceptable_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-/.%@:+"}.contains(c);
  });
}

// "profile  shop" as ("profile", "shop"); ("default", "") where there is one word.
std::pair<std::string_view, std::string_view> words_of(std::string_view section) {
  std::size_t blank = section.find_first_of(" \t");
  if (blank == std::string_view::npos) return {section, {}};
  return {section.substr(0, blank), section.substr(section.find_first_not_of(" \t", blank))};
}

// As the AWS CLI reads the name of a section: "shop" of "\"shop\"".
std::string_view without_quotes(std::string_view name) {
  const bool quotes = name.size() >= 2 && (name.front() == '"' || name.front() == '\'') && name.back() == name.front();
  return quotes ? name.substr(1, name.size() - 2) : name;
}

class ProfileMerge {
 public:
  ProfileFiles take() { return std::move(files_); }

  void add_config(std::string_view file, const std::vector<IniSection>& sections) {
    bool displaced = std::ranges::any_of(sections, [](const IniSection& section) {
      return words_of(section.name) == std::pair<std::string_view, std::string_view>{"profile", "default"};
    });
    for (const IniSection& section : sections) {
      auto [kind, name] = words_of(section.name);
      if (section.name == "default" && displaced) {
        ignore(file, section, "gives way to [profile default]: leave one of the two");
      } else if (section.name == "default") {
        merge(file, section, files_.profiles["default"]);
      } else if (kind == "profile" && acceptable_name(name)) {
        merge(file, section, files_.profiles[std::string{name}]);
      } else if (kind == "sso-session" && acceptable_name(name)) {
        merge(file, section, files_.sso_sessions[std::string{name}]);
      } else if (kind == "services" && acceptable_name(name)) {
        merge(file, section, files_.services[std::string{name}]);
      } else if (kind == "profile" || kind == "sso-session" || kind == "services") {
        ignore(file, section, "is not read: certferry takes names of letters, digits and _-/.%@:+ alone");
      } else if (acceptable_name(section.name)) {
        ignore(file, section, fmt::format("is no profile here: write [profile {}]", section.name));
      } else {
        ignore(file, section,
               "is none that AWS's tools know: write [default], [profile NAME], [sso-session NAME] or [services NAME]");
      }
    }
  }

  void add_credentials(std::string_view file, const std::vector<IniSection>& sections) {
    for (const IniSection& section : sections) {
      if (acceptable_name(section.name)) {
        merge(file, section, files_.profiles[section.name]);
      } else {
        ignore(file, section, "is no profile of a credentials file: write [NAME], without a word before it or blanks");
      }
    }
  }

 private:
  void ignore(std::string_view file, const IniSection& section, std::string_view why) {
    const auto [kind, name] = words_of(section.name);
    const std::string_view meant = kind == "profile" ? without_quotes(name) : std::string_view{section.name};
    files_.ignored.push_back(
        {fmt::format("{}:{}: [{}] {}", file, section.line, quoted(section.name, 80), why), std::string{meant}});
  }

  void merge(std::string_view file, const IniSection& section, Profile& into) {
    for (const IniProperty& property : section.properties) {
      std::string place = fmt::format("{}:{}", file, property.line);
      if (!acceptable_name(property.name)) {
        files_.ignored.push_back(
            {fmt::format("{}: \"{}\" is no name of a property: write it of letters, digits, _ and -", place,
                         quoted(property.name, 80)),
             ""});
        continue;
      }
      ProfileValue value{.text = property.value, .nested = {}, .place = std::move(place)};
      for (const IniProperty& inner : property.nested) value.nested[inner.name] = inner.value;
      into.insert_or_assign(property.name, std::move(value));
    }
  }

  ProfileFiles files_;
};

}  // namespace

ProfileFiles parse_profiles(const ProfileText& config, const ProfileText& credentials) {
  ProfileMerge merged;
  merged.add_config(config.file, parse_ini(config.text, config.file));
  merged.add_credentials(credentials.file, parse_ini(credentials.text, credentials.file));
  return merged.take();
}

}  // namespace certferry::aws
