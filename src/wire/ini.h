#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace certferry {

// One "name = value". Its continuation lines (those that begin with a blank) belong to `value`, each after a line feed.
// Where the value on its own line is empty they are sub-properties, "name = value" each, and stand in `nested` too.
struct IniProperty {
  std::string name;   // lower case: names are compared without case
  std::string value;  // surrounding blanks and a comment after a blank removed
  int line = 0;       // from 1
  std::vector<IniProperty> nested;
};

// What stands between one "[name]" and the next, in order; sections and properties of one name are all kept.
struct IniSection {
  std::string name;  // between the brackets, surrounding blanks removed: "profile shop"
  int line = 0;
  std::vector<IniProperty> properties;
  const IniProperty* find(std::string_view name) const;  // the last of that name, which is the one that counts
};

// Reads the syntax of AWS's shared config and credentials files (AWS SDKs and Tools Reference Guide, "Shared config and
// credentials files"): # and ; begin a comment at the start of a line, after a blank, and after a section's bracket;
// blank lines are skipped; a byte order mark and CRLF are accepted. Which names mean something is the reader's
// business. `file` is what errors call the text: throws Failure (refused) that begins "file:line: ". Values may be
// secrets and never stand in it. At most `limit` bytes.
std::vector<IniSection> parse_ini(std::string_view text, std::string_view file, std::size_t limit = 1 << 20);

}  // namespace certferry
