#include "secrets_oracle.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>

#include "read_key.h"
#include "wire/base64.h"
#include "wire/plain_run.h"
#include "wire/url.h"

namespace certferry::simulation {
namespace {

constexpr unsigned private_mode = 0600;
constexpr std::size_t shortest_needle = 12;

// Base64 of whatever holds `octets` has one of these in it: what comes before shifts them by no, one or two octets, and
// the characters at both ends are shared with their neighbours.
std::vector<std::string> inside_of_base64(BytesView octets, std::string (*encoded)(BytesView)) {
  std::vector<std::string> forms;
  for (const std::size_t before : {0U, 1U, 2U}) {
    std::string text = encoded(Bytes(before, '\0') + Bytes{octets});
    while (text.ends_with('=')) text.pop_back();
    forms.push_back(text.substr(before == 0 ? 0 : before + 1, text.size() - (before == 0 ? 0 : before + 1) - 1));
  }
  return forms;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

// A PEM's lines as one, whether their ends are octets or JSON's escapes of them.
std::string without_line_ends(std::string_view text) {
  std::string joined;
  joined.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char* const run = text.data() + at;
    const auto plain = static_cast<std::size_t>(end_of_plain_run(run, text.data() + text.size()) - run);
    joined.append(run, plain);
    at += plain;
    if (at == text.size()) break;
    if (text[at] != '\n' && text[at] != '\r' && text[at] != '\\') {
      joined += text[at++];
      continue;
    }
    const bool escape = text[at] == '\\';
    const bool ends_line = !escape || (at + 1 < text.size() && (text[at + 1] == 'n' || text[at + 1] == 'r'));
    if (!ends_line) joined += text[at];
    at += escape && ends_line ? 2 : 1;
  }
  return joined;
}

// Where any of many needles stands (after Wu and Manber, 1994): in any place, the four octets at one of the multiples
// of `stride` are among those with which the needle begins, so that no other place of a text need be looked at.
class Search {
 public:
  explicit Search(const std::set<Bytes>& needles) : first_(table_size, none) {
    for (const Bytes& needle : needles) {
      if (needle.size() < shortest_needle) continue;
      for (std::size_t offset = 0; offset < stride; ++offset) {
        std::uint32_t& first = first_[slot(needle.data() + offset)];
        parts_.push_back({&needle, offset, first});
        first = static_cast<std::uint32_t>(parts_.size() - 1);
      }
    }
  }
  bool finds_in(BytesView text) const {
    for (std::size_t i = 0; i + part_octets <= text.size(); i += stride)
      for (std::uint32_t part = first_[slot(text.data() + i)]; part != none; part = parts_[part].next)
        if (stands_at(text, i, parts_[part])) return true;
    return false;
  }

 private:
  static constexpr std::size_t part_octets = 4, stride = shortest_needle - part_octets + 1;
  static constexpr std::size_t table_bits = 14, table_size = std::size_t{1} << table_bits;
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Part {
    const Bytes* needle;
    std::size_t offset;  // of the part in it
    std::uint32_t next;  // of those in one slot
  };

  static std::size_t slot(const char* at) {
    std::uint32_t octets = 0;
    std::memcpy(&octets, at, part_octets);
    return (octets * std::uint32_t{0x9e3779b1}) >> (32 - table_bits);
  }
  static bool stands_at(BytesView text, std::size_t at, const Part& part) {
    return at >= part.offset && text.substr(at - part.offset, part.needle->size()) == *part.needle;
  }
  std::vector<std::uint32_t> first_;  // by slot
  std::vector<Part> parts_;
};

// The one place where a session's token belongs, over TLS.
bool is_session_token(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name == "x-amz-security-token";
}

// The one place where a private key belongs: IAM's upload, over TLS.
std::string body_without_the_upload(const http::Request& request) {
  if (!request.body.contains("Action=UploadServerCertificate")) return request.body;
  std::string rest;
  for (const auto& [name, value] : parse_query(request.body, true))
    if (name != "PrivateKey") rest += name + "=" + value + "\n";
  return rest;
}

}  // namespace

void SecretsOracle::add_secret(BytesView secret) {
  needles_.insert(Bytes{secret});
  needles_.insert(hex(secret));
  needles_.insert(upper(hex(secret)));
  for (const auto encoded : {base64, base64url})
    for (std::string& form : inside_of_base64(secret, encoded)) needles_.insert(std::move(form));
}

void SecretsOracle::add_private_key(BytesView pkcs8) {
  if (!private_keys_.insert(Bytes{pkcs8}).second) return;
  for (const Bytes& number : read_key(pkcs8)->secret_numbers) add_secret(number);
}

void SecretsOracle::keep(std::string where, std::string text) { kept_.emplace_back(std::move(where), std::move(text)); }

void SecretsOracle::stored(const std::string& key, const Bytes& value) {
  keep(fmt::format("{} as it was stored after effect {}", key, simulated_.effects() - 1), value);
}

void SecretsOracle::shown(std::string text) {
  keep(fmt::format("what was shown after effect {}", simulated_.effects() - 1), std::move(text));
}

void SecretsOracle::sent(const http::Request& request) {
  constexpr std::size_t fields_take = 1024;
  std::string text;
  text.reserve(request.url.text().size() + fields_take + request.body.size());
  text.append(request.method).append(" ").append(request.url.text()).append("\n");
  const bool in_clear = !request.url.text().starts_with("https:");
  for (const auto& [name, value] : request.headers.fields())
    if (in_clear || !is_session_token(name)) text.append(name).append(": ").append(value).append("\n");
  text += in_clear ? request.body : body_without_the_upload(request);
  keep(fmt::format("a request to {} {} after effect {}", request.url.host(), request.url.path(),
                   simulated_.effects() - 1),
       std::move(text));
}

std::vector<std::string> SecretsOracle::leaks() const {
  std::vector<std::string> found;
  std::set<Bytes> needles = needles_;
  needles.insert("PRIVATE KEY-----");
  const Search search{needles};
  const auto look = [&](const std::string& where, std::string_view text) {
    const bool in_lines = text.contains('\n') || text.contains("\\n");
    if (search.finds_in(text) || (in_lines && search.finds_in(without_line_ends(text))))
      found.push_back("a secret stands in " + where);
  };
  for (const auto& [where, text] : kept_) look(where, text);
  for (const std::string& line : simulated_.trace().lines()) look("the trace: " + line.substr(0, line.find(' ')), line);
  for (std::size_t process = 0; process < simulated_.processes(); ++process)
    for (const std::string& line : simulated_.said(process)) look(fmt::format("the log of process {}", process), line);
  for (const auto& [name, machine] : simulated_.machines()) {
    for (const auto& [path, node] : machine.nodes)
      if (node.mode != private_mode) look(path, node.content);
    for (const Command& command : machine.commands)
      for (const std::string& word : command.argv) look("a command", word);
  }
  return found;
}

}  // namespace certferry::simulation
