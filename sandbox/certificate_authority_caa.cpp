#include <algorithm>
#include <fmt/format.h>
#include <sstream>

#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/world.h"

// CAA as a CA looks at it, at the moment of a validation.
namespace certferry::sandbox {
namespace {

constexpr const char* own_identity = "ca.sandbox.test";  // as the directory's caaIdentities
constexpr int longest_caa_cname_chain = 8;
constexpr int critical = 128;

std::string squeezed(const std::string& text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != ' ' && c != '\t'; });
  return out;
}

std::string lowered(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// One record, taken apart.
struct CaaRecord {
  int flags = 0;
  std::string tag, value;
};

CaaRecord caa_record(const Bytes& data) {
  std::istringstream words{data};
  CaaRecord record;
  words >> record.flags >> record.tag >> std::ws;
  std::getline(words, record.value);
  record.tag = lowered(record.tag);
  return record;
}

bool method_listed(const std::string& list) {
  std::istringstream methods{list};
  for (std::string method; std::getline(methods, method, ',');)
    if (method == "dns-01") return true;
  return false;
}

// "ca.sandbox.test; accounturi=…; validationmethods=…" for this account's dns-01.
bool admits(const std::string& value, const std::string& account) {
  std::istringstream parts{value};
  std::string part;
  std::getline(parts, part, ';');
  if (lowered(squeezed(part)) != own_identity) return false;
  int accounts = 0, methods = 0;
  while (std::getline(parts, part, ';')) {
    part = squeezed(part);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string::npos) return false;
    const std::string tag = lowered(part.substr(0, equals)), said = part.substr(equals + 1);
    if (tag == "accounturi" && (++accounts > 1 || said != account)) return false;
    if (tag == "validationmethods" && (++methods > 1 || !method_listed(said))) return false;
  }
  return true;
}

std::vector<CaaRecord> records_at(World& world, std::string name, WallTime when) {
  std::vector<CaaRecord> found;
  for (int step = 0; step <= longest_caa_cname_chain; ++step) {
    dns::Message query;
    query.questions.push_back({name, dns::Type::caa});
    const std::string asked = name;
    for (const dns::Record& record : world.zones().answer(query, when).answers) {
      if (record.type == dns::Type::caa) found.push_back(caa_record(record.data));
      if (record.type == dns::Type::cname) name = record.data;
    }
    if (!found.empty() || name == asked) break;
  }
  return found;
}

}  // namespace

std::optional<CaProblem> CertificateAuthority::caa_objection(const CaAuthorization& proof, WallTime when) const {
  std::vector<CaaRecord> set;
  for (std::optional<DomainName> at = proof.identifier; at && set.empty(); at = at->parent())
    set = records_at(world_, at->text(), when);
  const auto tagged = [&](const char* tag) {
    return std::ranges::any_of(set, [&](const CaaRecord& record) { return record.tag == tag; });
  };
  const bool not_understood = std::ranges::any_of(set, [](const CaaRecord& record) {
    return record.flags >= critical && record.tag != "issue" && record.tag != "issuewild" && record.tag != "iodef";
  });
  const std::string tag = proof.wildcard && tagged("issuewild") ? "issuewild" : "issue";
  const bool admitted = !tagged(tag.c_str()) || std::ranges::any_of(set, [&](const CaaRecord& record) {
    return record.tag == tag && admits(record.value, proof.account);
  });
  if (admitted && !not_understood) return {};
  return CaProblem{403, "caa", fmt::format("CAA record for {} prevents issuance", proof.identifier.text())};
}

}  // namespace certferry::sandbox
