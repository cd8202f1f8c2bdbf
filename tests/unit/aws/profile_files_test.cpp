#include "aws/profile_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "base/failure.h"
#include "left_out.h"
#include "wire/json.h"

namespace certferry::aws {
namespace {

std::filesystem::path vectors_folder() {
  if (const char* given = std::getenv("CERTFERRY_VECTORS")) return given;
  const char* source = std::getenv("CERTFERRY_SOURCE");
  return std::filesystem::path{source ? source : "."} / "../shared/vectors";
}

using Plain = std::map<std::string, std::map<std::string, std::string>>;

Plain plain(const std::map<std::string, Profile, std::less<>>& profiles) {
  Plain out;
  for (const auto& [name, profile] : profiles) {
    out[name];
    for (const auto& [key, value] : profile) out[name][key] = value.text;
  }
  return out;
}

Plain expected(const Json* profiles) {
  Plain out;
  if (!profiles) return out;
  for (const auto& [name, profile] : profiles->as_object()) {
    out[name];
    for (const auto& [key, value] : profile.as_object()) out[name][key] = value.as_text();
  }
  return out;
}

ProfileFiles read(std::string_view config, std::string_view credentials = "") {
  return parse_profiles({.file = "config", .text = config}, {.file = "credentials", .text = credentials});
}

// Where each case that cannot be read is wrong.
const std::map<std::string, std::string> refused_files = {
    {"Profile definitions must end with brackets.", "config:1: a section's name without its ']'"},
    {"Properties must be defined in a profile.", "config:1: a property before the first section"},
    {"Property definitions must contain an equals sign.", "config:2: a property without '='"},
    {"Continuations cannot be used outside of a profile.", "config:1: a continuation line before the first section"},
    {"Continuations cannot be used outside of a property.",
     "config:2: a continuation line without a property to continue"},
    {"Continuations reset with profile definitions.", "config:4: a continuation line without a property to continue"},
    {"Sub-property definitions cannot have an empty name.", "config:3: a property without a name"},
    {"Invalid continuation", "config:4: a continuation line without a property to continue"},
};

std::string refusal_of(const std::string& config, const std::string& credentials) {
  try {
    read(config, credentials);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "read";
}

TEST(ProfileFiles, ReadWhatTheSharedParserCasesSay) {
  std::ifstream file{vectors_folder() / "credentials/profile-parser-tests.json"};
  if (!file) GTEST_SKIP() << "no vectors at " << vectors_folder() << "; set CERTFERRY_VECTORS";
  std::stringstream text;
  text << file.rdbuf();
  Json cases = Json::parse(text.str(), "the parser cases");
  int checked = 0;
  std::size_t refused = 0;
  for (const Json& test : cases.elements("tests")) {
    const std::string name = test.text("name").value_or("");
    SCOPED_TRACE(name);
    ++checked;
    std::string config = test.at("input").text("configFile").value_or("");
    std::string credentials = test.at("input").text("credentialsFile").value_or("");
    if (test.at("output").find("errorContaining")) {
      ++refused;
      EXPECT_TRUE(refused_files.contains(name));
      EXPECT_EQ(refusal_of(config, credentials), refused_files.at(name));
      continue;
    }
    const Json& output = test.at("output").at("config");
    ProfileFiles files = read(config, credentials);
    EXPECT_EQ(plain(files.profiles), expected(output.find("profiles")));
    EXPECT_EQ(plain(files.sso_sessions), expected(output.find("sso_sessions")));
  }
  EXPECT_EQ(refused, refused_files.size());
  testing::expect_on_page("shared files, parsed", {checked, {}});
}

TEST(ProfileFiles, KeepTheSettingsOfAServiceApart) {
  ProfileFiles files =
      read("[services local]\ns3 =\n  endpoint_url = http://localhost:9000 # test\nsts =\n  endpoint_url = x\n");
  EXPECT_EQ(files.services.at("local").at("s3").nested.at("endpoint_url"), "http://localhost:9000");
  EXPECT_EQ(files.services.at("local").at("sts").nested.at("endpoint_url"), "x");
}

TEST(ProfileFiles, SayWhereAValueStands) {
  ProfileFiles files = read("[profile shop]\nregion = eu-west-1\n", "\n[shop]\nregion = us-east-1\n");
  EXPECT_EQ(files.profiles.at("shop").at("region").text, "us-east-1");
  EXPECT_EQ(files.profiles.at("shop").at("region").place, "credentials:3");
}

TEST(ProfileFiles, SayWhatTheyIgnored) {
  ProfileFiles files =
      read("[shop]\nregion = x\n[default]\n[profile default]\nin valid = 1\n[proffile typo]\n", "[profile shop]\n");
  std::vector<std::string> said;
  for (const Ignored& part : files.ignored) said.push_back(part.said);
  EXPECT_EQ(said, (std::vector<std::string>{
                      "config:1: [shop] is no profile here: write [profile shop]",
                      "config:3: [default] gives way to [profile default]: leave one of the two",
                      "config:5: \"in valid\" is no name of a property: write it of letters, digits, _ and -",
                      "config:6: [proffile typo] is none that AWS's tools know: write [default], [profile NAME], "
                      "[sso-session NAME] "
                      "or [services NAME]",
                      "credentials:1: [profile shop] is no profile of a credentials file: write [NAME], without a word "
                      "before it or blanks"}));
}

TEST(ProfileFiles, NameTheFileAndLineOfASyntaxError) {
  try {
    read("[default]\n", "[default]\naws_secret_access_key wJalrXUtnFEMI\n");
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_STREQ(failure.what(), "credentials:2: a property without '='");
    EXPECT_EQ(failure.next(), "Write it as name = value");
  }
}

}  // namespace
}  // namespace certferry::aws
