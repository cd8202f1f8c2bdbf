// Walks the tree and holds it to the rules that correctness rests on (ARCHITECTURE.md). Each finding names what to use
// instead. Reads the sources only; nothing is compiled or run.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace certferry {
namespace {

namespace fs = std::filesystem;
using Rooms = std::set<std::string>;

const Rooms kGround{"base", "wire", "outside", "crypto"};

Rooms plus(Rooms rooms, const Rooms& more) {
  rooms.insert(more.begin(), more.end());
  return rooms;
}

// Which rooms a room may include, itself apart.
const std::map<std::string, Rooms>& include_table() {
  static const Rooms below_trades = plus(kGround, {"config", "plan", "state"});
  static const Rooms with_aws = plus(below_trades, {"aws"});
  static const Rooms below_engine = plus(with_aws, {"acme", "dns", "keys", "deploy", "probe"});
  static const Rooms everything = plus(below_engine, {"engine", "real", "sandbox", "sandbox/mounts"});
  static const std::map<std::string, Rooms> table{
      {"base", {}},
      {"wire", {"base"}},
      {"outside", {"base", "wire"}},
      {"crypto", {"base", "wire", "outside"}},
      {"config", {"base", "wire"}},
      {"plan", {"base", "wire", "crypto", "config"}},
      {"aws", kGround},
      {"state", plus(kGround, {"config", "plan", "aws"})},
      {"acme", below_trades},
      {"dns", with_aws},
      {"keys", with_aws},
      {"probe", with_aws},
      {"deploy", plus(with_aws, {"probe"})},
      {"engine", below_engine},
      {"cli", everything},
      {"real", {"base", "wire", "outside", "crypto"}},
      {"sandbox", kGround},
      {"sandbox/mounts", plus(kGround, {"sandbox", "real"})},
  };
  return table;
}

struct SourceFile {
  std::string path;  // from the root, with "/"
  std::string text;
  std::string room() const;
};

// "src/aws/iam.h" lives in aws, "sandbox/mounts/http.cpp" in sandbox/mounts; "" for what is in no room.
std::string room_of(std::string_view path) {
  if (path.starts_with("sandbox/mounts/")) return "sandbox/mounts";
  if (path.starts_with("sandbox/")) return "sandbox";
  if (!path.starts_with("src/")) return "";
  path.remove_prefix(4);
  auto slash = path.find('/');
  return slash == std::string_view::npos ? "" : std::string{path.substr(0, slash)};
}

std::string SourceFile::room() const { return room_of(path); }

fs::path source_root() {
  const char* set = std::getenv("CERTFERRY_SOURCE");
  return set ? fs::path{set} : fs::current_path();
}

// All C++ files below src, sandbox, tests and bench, in order.
const std::vector<SourceFile>& source_files() {
  static const std::vector<SourceFile> files = [] {
    std::vector<SourceFile> found;
    for (const char* top : {"src", "sandbox", "tests", "bench"}) {
      if (!fs::exists(source_root() / top)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(source_root() / top)) {
        auto extension = entry.path().extension();
        if (!entry.is_regular_file() || (extension != ".h" && extension != ".cpp")) continue;
        std::ifstream file{entry.path(), std::ios::binary};
        found.push_back({fs::relative(entry.path(), source_root()).generic_string(),
                         std::string{std::istreambuf_iterator<char>{file}, {}}});
      }
    }
    std::ranges::sort(found, {}, &SourceFile::path);
    return found;
  }();
  return files;
}

// The end of the string, character or raw string literal that begins at `at`.
std::size_t literal_end(std::string_view text, std::size_t at) {
  if (at > 0 && text[at] == '"' && text[at - 1] == 'R') {
    auto open = text.find('(', at);
    if (open == std::string_view::npos) return text.size();
    auto close = fmt::format("){}\"", text.substr(at + 1, open - at - 1));
    auto end = text.find(close, open);
    return end == std::string_view::npos ? text.size() : end + close.size();
  }
  for (auto end = at + 1; end < text.size(); ++end) {
    if (text[end] == '\\')
      ++end;
    else if (text[end] == text[at])
      return end + 1;
    else if (text[end] == '\n')
      return end;
  }
  return text.size();
}

bool is_word(char c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

enum class Part { code, comments };

// The file with everything but that part blanked; line ends stay where they are. Literals belong to neither.
std::string only(Part part, std::string_view text) {
  std::string result;
  auto keep = [&](std::string_view piece, bool shown) {
    for (char c : piece) result += shown || c == '\n' ? c : ' ';
  };
  for (std::size_t at = 0; at < text.size();) {
    bool digit_separator = text[at] == '\'' && at > 0 && is_word(text[at - 1]);
    std::size_t end = at + 1;
    bool comment = false, literal = false;
    if (text.substr(at, 2) == "//") {
      comment = true;
      end = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      comment = true;
      auto close = text.find("*/", at + 2);
      end = close == std::string_view::npos ? text.size() : close + 2;
    } else if (text[at] == '"' || (text[at] == '\'' && !digit_separator)) {
      literal = true;
      end = literal_end(text, at);
    }
    keep(text.substr(at, end - at), !literal && comment == (part == Part::comments));
    at = end;
  }
  return result;
}

// A pattern is looked for only in lines that hold one of the hints: the whole tree in well under a second.
struct Ban {
  std::vector<std::string_view> hints;
  std::string what;
  std::string instead;
};

std::vector<std::string> hits(const SourceFile& file, std::string_view text, const Ban& ban) {
  auto hinted = [&](std::string_view where) {
    return std::ranges::any_of(ban.hints, [&](std::string_view hint) { return where.find(hint) != where.npos; });
  };
  std::vector<std::string> found;
  if (!hinted(text)) return found;
  std::regex pattern{ban.what};
  for (std::size_t at = 0, number = 1; at < text.size(); ++number) {
    auto end = std::min(text.find('\n', at), text.size());
    std::string line{text.substr(at, end - at)};
    std::smatch hit;
    if (hinted(line) && std::regex_search(line, hit, pattern))
      found.push_back(fmt::format("{}:{}: {}: {}", file.path, number, hit.str(), ban.instead));
    at = end + 1;
  }
  return found;
}

void append(std::vector<std::string>& all, std::vector<std::string> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void expect_none(const std::vector<std::string>& findings) {
  EXPECT_TRUE(findings.empty()) << fmt::format("{} finding(s):\n{}", findings.size(), fmt::join(findings, "\n"));
}

// The rooms named by #include lines, with the line.
std::vector<std::pair<std::string, std::string>> included_rooms(const SourceFile& file) {
  std::vector<std::pair<std::string, std::string>> result;
  static const std::regex kInclude{R"re((?:^|\n)\s*#\s*include\s*"([^"]+)")re"};
  for (std::sregex_iterator hit{file.text.begin(), file.text.end(), kInclude}, end; hit != end; ++hit) {
    std::string header = (*hit)[1];
    std::string room = header.starts_with("sandbox/") ? room_of(header) : room_of("src/" + header);
    result.emplace_back(room, header);
  }
  return result;
}

std::vector<std::string> forbidden_includes(const SourceFile& file) {
  std::vector<std::string> findings;
  auto row = include_table().find(file.room());
  if (row == include_table().end()) {
    findings.push_back(fmt::format(
        "{}: no room \"{}\" is known: put it into a room of ARCHITECTURE.md, or the room into the table of this test",
        file.path, file.room()));
    return findings;
  }
  bool mounts_the_house = file.path == "src/cli/main.cpp";
  for (const auto& [room, header] : included_rooms(file)) {
    if (room == file.room() || row->second.contains(room)) continue;
    if (mounts_the_house && include_table().contains(room)) continue;
    findings.push_back(fmt::format(
        "{}: includes \"{}\": {} may include {}; move what is shared down, or pass it in from above", file.path, header,
        file.room(), row->second.empty() ? "no other room" : fmt::format("{}", fmt::join(row->second, ", "))));
  }
  return findings;
}

TEST(House, RoomsIncludeOnlyWhatTheTableAllows) {
  std::vector<std::string> findings;
  for (const auto& file : source_files())
    if (!file.room().empty() && file.path.find("/CMake") == std::string::npos)
      append(findings, forbidden_includes(file));
  expect_none(findings);
}

// What would make a run differ from the same run again. src/real and the mounts are where it comes from.
const std::vector<Ban> kOutside{
    {{"_clock"},
     R"(\b(?:system_clock|steady_clock|high_resolution_clock|utc_clock)\s*::\s*now\b)",
     "use Clock::now() or Clock::steady()"},
    {{"clock_gettime", "gettimeofday", "timespec_get"},
     R"(\b(?:clock_gettime|gettimeofday|timespec_get)\s*\()",
     "use Clock::now()"},
    {{"time"}, R"((?:^|std::|[^\w.>:]::|[\s(=,])time\s*\(\s*(?:nullptr|NULL|0|&))", "use Clock::now()"},
    {{"_timer"}, R"(\b(?:steady_timer|system_timer|deadline_timer|high_resolution_timer)\b)", "use Clock::sleep()"},
    {{"sleep"}, R"(\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep)\s*\()", "use Clock::sleep()"},
    {{"RAND_"}, R"(\bRAND_(?:priv_)?bytes(?:_ex)?\b)", "use Entropy::fill()"},
    {{"random", "getentropy", "rand"},
     R"(\brandom_device\b|\b(?:getrandom|getentropy|arc4random\w*)\s*\(|(?:^|[^\w.])s?rand\s*\()",
     "use Entropy::fill()"},
    {{"env"}, R"(\b(?:secure_)?getenv\b|\bsetenv\b|\benviron\b)", "use Host::environment()"},
    {{"curl", "CURL"}, R"(\bcurl_\w+|\bCURL\b)", "use Transport::send()"},
    {{"asio", "::", "getaddrinfo"},
     R"(\basio::(?:ip|local)::|\bgetaddrinfo\b|(?:^|[^\w.>:])::(?:socket|connect|bind)\s*\()",
     "use Transport or Resolver"},
    {{"stream", "fopen", "::"},
     R"(\b[io]?fstream\b|\bfopen\s*\(|(?:^|[^\w.>:])::(?:open|openat|unlink|rename)\s*\(|\bfilesystem::)",
     "use Host"},
    {{"fork", "exec", "spawn", "popen", "system"},
     R"(\bfork\s*\(|\bexec[lv][pe]*\s*\(|\bposix_spawnp?\b|\bpopen\s*\(|\bstd::system\s*\()",
     "use Host::run()"},
    {{"thread", "async"}, R"(\bstd::j?thread\b|\bstd::async\b|\bthread_pool\b)", "use Pool::run()"},
};

bool faces_outside(const SourceFile& file) {
  return file.room() == "real" || file.room() == "sandbox/mounts" || file.path == "src/cli/main.cpp";
}

TEST(House, OnlyTheRealRoomAndTheMountsFaceTheOutside) {
  std::vector<std::string> findings;
  for (const auto& file : source_files()) {
    if (file.room().empty() || faces_outside(file)) continue;
    std::string code = only(Part::code, file.text);
    for (const auto& ban : kOutside) append(findings, hits(file, code, ban));
  }
  expect_none(findings);
}

TEST(House, OnlyBaseAndTheRealRoomStartCoroutines) {
  const Ban ban{{"co_spawn", "use_awaitable", "async_initiate", "detached"},
                R"(\bco_spawn\b|\buse_awaitable\b|\basync_initiate\b|\basio::detached\b)",
                "use spawn, all_settled, race or Signal of base/task.h"};
  std::vector<std::string> findings;
  for (const auto& file : source_files()) {
    // The mounts are the outside of a simulated process: their waits are initiations of their own.
    if (file.room().empty() || faces_outside(file) || file.path == "src/base/task.cpp") continue;
    if (file.room() == "sandbox") continue;
    append(findings, hits(file, only(Part::code, file.text), ban));
  }
  expect_none(findings);
}

TEST(House, HasNoDrawers) {
  static const std::regex kDrawer{R"((?:^|[_/.])(?:utils?|utilit(?:y|ies)|helpers?|managers?|common|misc)(?:[_/.]|$))"};
  std::vector<std::string> findings;
  for (const auto& file : source_files())
    if (std::regex_search(file.path, kDrawer))
      findings.push_back(file.path + ": is a drawer; name the file after the one idea it holds");
  expect_none(findings);
}

TEST(House, TestsLookAtTheWorldAndNeitherWatchCallsNorSleep) {
  const Ban bans[]{{{"EXPECT_CALL", "ON_CALL", "MOCK_METHOD"},
                    R"(\b(?:EXPECT_CALL|ON_CALL|MOCK_METHOD)\b)",
                    "assert what the world is like afterwards, in the sandbox or a plain fake"},
                   {{"sleep"},
                    R"(\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep)\s*\()",
                    "use virtual time, or wait for what you expect within a deadline"}};
  std::vector<std::string> findings;
  for (const auto& file : source_files()) {
    if (!file.path.starts_with("tests/")) continue;
    std::string code = only(Part::code, file.text);
    for (const auto& ban : bans) append(findings, hits(file, code, ban));
  }
  expect_none(findings);
}

TEST(House, EveryPostponedThingHasItsIssue) {
  const Ban ban{{"TO"
                 "DO",
                 "FIX"
                 "ME",
                 "XX"
                 "X",
                 "HA"
                 "CK"},
                R"(\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#[0-9]+\)))",
                "open an issue and name it, as in TODO"
                "(#12)"};
  std::vector<std::string> findings;
  for (const auto& file : source_files()) append(findings, hits(file, only(Part::comments, file.text), ban));
  expect_none(findings);
}

std::string readme_of(const std::string& folder) {
  std::ifstream file{source_root() / folder / "README.md", std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// Every header; a source without one is named too, since nothing else tells of it.
std::set<std::string> files_to_name(const std::string& folder) {
  std::set<std::string> all, names;
  for (const auto& file : source_files())
    if (file.path.starts_with(folder + "/")) {
      std::string name = file.path.substr(folder.size() + 1);
      // sandbox/mounts has a door plate of its own.
      if (folder != "sandbox" || !name.starts_with("mounts/")) all.insert(name);
    }
  for (const auto& name : all) {
    fs::path header = fs::path{name}.replace_extension(".h");
    if (name.ends_with(".h") || !all.contains(header.generic_string())) names.insert(fs::path{name}.filename());
  }
  return names;
}

bool has_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    auto after = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (after == text.size() || !is_word(text[after]))) return true;
  }
  return false;
}

// "failure.h" as a word of its own anywhere, or "failure" in the first cell of a table's row.
bool names_file(std::string_view readme, std::string_view file) {
  if (has_word(readme, file)) return true;
  auto stem = fs::path{file}.stem().string();
  for (auto row = readme.find('|'); row != std::string_view::npos; row = readme.find("\n|", row)) {
    row = readme.find('|', row) + 1;
    if (has_word(readme.substr(row, readme.find('|', row) - row), stem)) return true;
  }
  return false;
}

std::vector<std::string> door_plate_findings(const std::string& folder) {
  std::string readme = readme_of(folder);
  if (readme.empty())
    return {
        fmt::format("{}/README.md is missing: say what the room is for, what it may include, which three files to read "
                    "first, what never to do, and one line for each file",
                    folder)};
  std::vector<std::string> findings;
  auto lines = std::ranges::count(readme, '\n');
  if (lines > 40) findings.push_back(fmt::format("{}/README.md has {} lines: keep it to 40", folder, lines));
  for (const auto& name : files_to_name(folder))
    if (!names_file(readme, name))
      findings.push_back(fmt::format("{}/README.md does not name {}: add a line for it", folder, name));
  return findings;
}

TEST(House, EveryRoomHasADoorPlateThatNamesItsFiles) {
  std::set<std::string> folders;
  for (const auto& file : source_files()) {
    std::string room = file.room();
    if (!room.empty()) folders.insert(room.starts_with("sandbox") ? room : "src/" + room);
  }
  std::vector<std::string> findings;
  for (const auto& folder : folders) append(findings, door_plate_findings(folder));
  expect_none(findings);
}

// The rules themselves, tried on text that breaks them.
TEST(Tidy, SeesCodeOnlyOutsideOfCommentsAndLiterals) {
  std::string text = "a(\"getenv\"); // getenv\n/* getenv\n */ getenv; 1'000; '\"'; R\"x(getenv\")x\"; last";
  std::string code = only(Part::code, text);
  EXPECT_EQ(std::ranges::count(code, '\n'), 2);
  EXPECT_EQ(code.find("getenv"), code.rfind("getenv"));
  EXPECT_NE(code.find("last"), std::string::npos);
  EXPECT_NE(only(Part::comments, text).find("// getenv"), std::string::npos);
}

TEST(Tidy, FindsARoomThatReachesUpOrSideways) {
  EXPECT_EQ(forbidden_includes({"src/wire/x.cpp", "#include \"base/time.h\"\n#include <vector>\n"}).size(), 0U);
  EXPECT_EQ(forbidden_includes({"src/base/x.cpp", "#include \"wire/url.h\"\n"}).size(), 1U);
  EXPECT_EQ(forbidden_includes({"src/acme/x.cpp", "\n  #  include \"aws/iam.h\"\n"}).size(), 1U);
  EXPECT_EQ(forbidden_includes({"src/dns/x.cpp", "#include \"acme/order.h\"\n"}).size(), 1U);
  EXPECT_EQ(forbidden_includes({"src/deploy/x.cpp", "#include \"probe/look.h\"\n"}).size(), 0U);
  EXPECT_EQ(forbidden_includes({"sandbox/x.cpp", "#include \"real/curl.h\"\n"}).size(), 1U);
  EXPECT_EQ(
      forbidden_includes({"sandbox/mounts/x.cpp", "#include \"real/curl.h\"\n#include \"sandbox/world.h\"\n"}).size(),
      0U);
  EXPECT_EQ(forbidden_includes({"src/drawer/x.cpp", ""}).size(), 1U);
}

std::size_t outside_hits(const std::string& code) {
  std::size_t count = 0;
  for (const auto& ban : kOutside) count += !hits({"src/x/x.cpp", code}, only(Part::code, code), ban).empty();
  return count;
}

TEST(Tidy, FindsWhatFacesTheOutside) {
  for (const char* code :
       {"auto t = std::chrono::system_clock::now();", "long t = time(nullptr);", "std::random_device d;",
        "RAND_bytes(p, 3);", "std::getenv(n);", "boost::asio::ip::tcp::socket s;", "curl_easy_init();",
        "std::ifstream f{p};", "int s = ::socket(1, 2, 3);", "std::thread t;", "asio::steady_timer t;"})
    EXPECT_EQ(outside_hits(code), 1U) << code;
  for (const char* code :
       {"clock.now();", "seconds(3);", "lifetime(0);", "host.environment(n);", "std::chrono::sys_days d;",
        "call.time (x);", "operand(1);", "std::this_thread::get_id();", "runtime(NULL);", "zone.bind(x);"})
    EXPECT_EQ(outside_hits(code), 0U) << code;
}

TEST(Tidy, FindsANameOnADoorPlateOnlyAsAWord) {
  EXPECT_TRUE(names_file("| url.h | x |", "url.h"));
  EXPECT_FALSE(names_file("| order_url.h | x |", "url.h"));
  EXPECT_TRUE(names_file("text\n| `url` | x |\n", "url.h"));
  EXPECT_FALSE(names_file("| other | url |\n", "url.h"));
}

}  // namespace
}  // namespace certferry
