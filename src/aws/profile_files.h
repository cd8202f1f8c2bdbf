#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certferry::aws {

// One setting of a profile, and where it stands, so that an error can say so.
struct ProfileValue {
  std::string text;
  std::map<std::string, std::string, std::less<>> nested;  // sub-properties: of "s3 =", of a service in [services x]
  std::string place;                                       // "~/.aws/config:12"
};
using Profile = std::map<std::string, ProfileValue, std::less<>>;  // by name, lower case

// A section or a property that does not count.
struct Ignored {
  std::string said;     // "~/.aws/config:3: [foo] is no profile here: write [profile foo]"
  std::string profile;  // that a section may have been meant for: "foo"
};

// The shared config and credentials files as one, taken apart (AWS SDKs and Tools Reference Guide, "Shared config and
// credentials files").
struct ProfileFiles {
  std::map<std::string, Profile, std::less<>> profiles;
  std::map<std::string, Profile, std::less<>> sso_sessions;
  std::map<std::string, Profile, std::less<>> services;
  std::vector<Ignored> ignored;
};

// A file's text and what to call it; an absent file is an empty text.
struct ProfileText {
  std::string_view file;
  std::string_view text;
};

// In the config file profiles are [default] and [profile x], and [profile default] displaces [default]; in the
// credentials file they are [x]. Sections of one name are merged; of two properties the later counts, and the
// credentials file's before the config file's. Sections and properties with names that the tools do not accept are
// ignored. Throws Failure (refused) with file and line where the syntax is broken.
ProfileFiles parse_profiles(const ProfileText& config, const ProfileText& credentials);

}  // namespace certferry::aws
