#include "sandbox/server_certificates.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "crypto/pem.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/policy_simulator.h"
#include "sandbox/security_tokens.h"
#include "sandbox/strikes.h"
#include "sandbox/world.h"

namespace certferry::sandbox {
namespace {

constexpr Duration late_certificate = minutes(4);

constexpr QueryService kIam{"iam", "https://iam.amazonaws.com/doc/2010-05-08/"};
constexpr std::size_t kNameMost = 128, kPathMost = 512, kBodyMost = 16'384, kChainMost = 2'097'152;

[[noreturn]] void refuse_member(std::string_view member, std::string_view value, std::string_view constraint) {
  throw Refusal{400, "ValidationError",
                fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}", value,
                            member, constraint)};
}

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"_+=,.@-"}.contains(c);
}

void check_certificate_name(const std::string& name) {
  if (name.empty() || name.size() > kNameMost)
    refuse_member("serverCertificateName", name, "Member must have length between 1 and 128");
  if (!std::ranges::all_of(name, name_character))
    refuse_member("serverCertificateName", name, "Member must satisfy regular expression pattern: [\\w+=,.@-]+");
}

void check_certificate_path(const std::string& path, std::string_view member) {
  bool printable = std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
  if (path.empty() || path.size() > kPathMost || !printable || path.front() != '/' || path.back() != '/')
    refuse_member(member, path, "Member must satisfy regular expression pattern: (/)|(/[!-~]+/)");
}

void check_length(std::string_view member, const std::string& value, std::size_t most) {
  if (value.size() > most)
    refuse_member(member, "...", fmt::format("Member must have length less than or equal to {}", most));
}

[[noreturn]] void refuse_malformed(std::string message) {
  throw Refusal{400, "MalformedCertificate", std::move(message)};
}

Certificate parsed_leaf(const std::string& pem) {
  try {
    return Certificate::from_pem(pem);
  } catch (const Failure&) {
    refuse_malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.");
  }
}

// A key is a secret of nobody here: the block's octets are read at once, which spares OpenSSL's slow decoder.
PrivateKey parsed_key(const std::string& pem) {
  try {
    if (const auto blocks = parse_pem(pem, PemText::skipped);
        blocks.size() == 1 && blocks.front().label == "PRIVATE KEY")
      return PrivateKey::from_der(Secret{blocks.front().content});
    return PrivateKey::from_pem(Secret{pem});
  } catch (const Failure&) {
    refuse_malformed("Unable to parse key; the body must contain a PEM-encoded private key that is not encrypted.");
  }
}

Chain parsed_chain_of(const Certificate& leaf, const std::string& intermediates) {
  if (intermediates.empty()) return {leaf, {}};
  Chain chain{leaf, {}};
  try {
    Chain rest = parse_chain(intermediates);
    chain.intermediates.push_back(rest.leaf);
    std::ranges::copy(rest.intermediates, std::back_inserter(chain.intermediates));
  } catch (const Failure&) {
    refuse_malformed("Unable to parse certificate chain. Please ensure the chain is in PEM format.");
  }
  const Certificate* below = &leaf;
  for (std::size_t index = 0; index < chain.intermediates.size(); ++index) {
    if (!below->issued_by(chain.intermediates[index]))
      refuse_malformed(fmt::format(
          "Unable to validate certificate chain. The certificate chain must start with the immediate signing "
          "certificate, followed by any intermediaries in order. The index within the chain of the invalid "
          "certificate is: {}",
          index));
    below = &chain.intermediates[index];
  }
  return chain;
}

// Parsed as IAM does: dates, chain in order, and that the key is the certificate's.
Presented parsed_upload(const QueryCall& call, WallTime now) {
  std::string body = call.required("CertificateBody"), key_pem = call.required("PrivateKey");
  std::string chain_pem = call.text("CertificateChain");
  check_length("certificateBody", body, kBodyMost);
  check_length("privateKey", key_pem, kBodyMost);
  check_length("certificateChain", chain_pem, kChainMost);
  Certificate leaf = parsed_leaf(body);
  PrivateKey key = parsed_key(key_pem);
  if (!(key.public_part() == leaf.public_key()))
    throw Refusal{400, "KeyPairMismatch", "The public key certificate and the private key do not match."};
  if (now < leaf.not_before() || now >= leaf.not_after())
    refuse_malformed("The certificate is not valid at this time: its NotBefore is ahead, or its NotAfter has passed.");
  return {parsed_chain_of(leaf, chain_pem), std::move(key)};
}

std::string arn_in(const std::string& account, const std::string& path, const std::string& name) {
  return fmt::format("arn:aws:iam::{}:server-certificate{}{}", account, path, name);
}

bool is_of(const SimulatedServerCertificate& certificate, const std::string& account) {
  return Arn::parse(certificate.arn).account() == account;
}

[[noreturn]] void refuse_absent(const std::string& name) {
  throw Refusal{404, "NoSuchEntity", fmt::format("The Server Certificate with name {} cannot be found.", name)};
}

[[noreturn]] void refuse_duplicate(const std::string& name) {
  throw Refusal{409, "EntityAlreadyExists", fmt::format("The Server Certificate with name {} already exists.", name)};
}

void write_metadata(XmlWriter& xml, std::string_view element, const SimulatedServerCertificate& certificate) {
  xml.open(element);
  xml.text("Path", certificate.path).text("ServerCertificateName", certificate.name);
  xml.text("ServerCertificateId", certificate.id).text("Arn", certificate.arn);
  xml.text("UploadDate", iso8601(std::chrono::floor<std::chrono::seconds>(certificate.uploaded)));
  xml.text("Expiration", iso8601(certificate.content.chain.leaf.not_after()));
  xml.close();
}

void write_tags(XmlWriter& xml, const std::map<std::string, std::string>& tags) {
  xml.open("Tags");
  for (const auto& [key, value] : tags) xml.open("member").text("Key", key).text("Value", value).close();
  xml.close();
}

std::map<std::string, std::string> tags_of(const QueryCall& call) {
  std::map<std::string, std::string> tags;
  for (int index = 1; auto key = call.find(fmt::format("Tags.member.{}.Key", index)); ++index)
    tags[*key] = call.text(fmt::format("Tags.member.{}.Value", index));
  return tags;
}

}  // namespace

http::Response ServerCertificates::handle(const http::Request& request, WallTime now) {
  return answer_query(world_, kIam, request, now, [&](const QueryCall& call, XmlWriter& result) -> Outcome {
    const std::string account = world_.sts().account_of(request);
    if (call.action() == "SimulatePrincipalPolicy") return simulate_principal_policy(world_, call, result);
    if (call.action() == "GetRole") return world_.sts().tell_role(call, account, result);
    if (call.action() == "UploadServerCertificate") return upload(call, account, result, now);
    if (call.action() == "ListServerCertificates") return list(call, account, result);
    if (call.action() == "GetServerCertificate") return get(call, account, result);
    if (call.action() == "UpdateServerCertificate") return update(call, account);
    if (call.action() == "DeleteServerCertificate") return remove(call, account, now);
    if (call.action() == "GetAccountSummary") return summarize(account, result);
    throw Refusal{400, "InvalidAction",
                  fmt::format("Could not find operation {} for version 2010-05-08", call.action())};
  });
}

Outcome ServerCertificates::upload(const QueryCall& call, const std::string& account, XmlWriter& result, WallTime now) {
  std::string name = call.required("ServerCertificateName");
  std::string path = call.find("Path").value_or("/");
  check_certificate_name(name);
  check_certificate_path(path, "path");
  Presented content = parsed_upload(call, now);
  if (find(account, name) != by_name.end()) refuse_duplicate(name);
  if (count_of(account) >= world_.settings().server_certificate_quota)
    throw Refusal{409, "LimitExceeded",
                  fmt::format("Cannot exceed quota for ServerCertificatesPerAccount: {}",
                              world_.settings().server_certificate_quota)};
  const WallTime found_from = strikes(world_, &Faults::certificate_late) ? now + late_certificate : now;
  SimulatedServerCertificate added{
      name,       path,         world_.random_id("ASCA", 17), arn_in(account, path, name), std::move(content),
      found_from, tags_of(call)};
  write_metadata(result, "ServerCertificateMetadata", added);
  write_tags(result, added.tags);
  by_name.emplace(name, std::move(added));
  return {name, true};
}

Outcome ServerCertificates::list(const QueryCall& call, const std::string& account, XmlWriter& result) const {
  std::string prefix = call.find("PathPrefix").value_or("/");
  if (prefix.empty() || prefix.front() != '/')
    refuse_member("pathPrefix", prefix, "Member must satisfy regular expression pattern: \\u002F[\\u0021-\\u007F]*");
  std::size_t page = call.page_size("MaxItems", 100, 1000), written = 0;
  std::string next;
  result.open("ServerCertificateMetadataList");
  for (auto entry = by_name.lower_bound(item_of_marker(call.text("Marker"))); entry != by_name.end(); ++entry) {
    if (!is_of(entry->second, account) || !entry->second.path.starts_with(prefix)) continue;
    if (written == page) {
      next = entry->first;
      break;
    }
    write_metadata(result, "member", entry->second);
    ++written;
  }
  result.close().text("IsTruncated", next.empty() ? "false" : "true");
  if (!next.empty()) result.text("Marker", page_marker(next));
  return {prefix, false};
}

Outcome ServerCertificates::get(const QueryCall& call, const std::string& account, XmlWriter& result) {
  const SimulatedServerCertificate& certificate = named(call, account)->second;
  result.open("ServerCertificate");
  write_metadata(result, "ServerCertificateMetadata", certificate);
  result.text("CertificateBody", certificate.content.chain.leaf_pem());
  if (!certificate.content.chain.intermediates.empty())
    result.text("CertificateChain", certificate.content.chain.intermediates_pem());
  write_tags(result, certificate.tags);
  result.close();
  return {certificate.name, false};
}

Outcome ServerCertificates::update(const QueryCall& call, const std::string& account) {
  const auto found = named(call, account);
  const std::string name = found->first;
  std::string renamed = call.find("NewServerCertificateName").value_or(name);
  std::string moved = call.find("NewPath").value_or(found->second.path);
  check_certificate_name(renamed);
  check_certificate_path(moved, "newPath");
  if (renamed != name && find(account, renamed) != by_name.end()) refuse_duplicate(renamed);
  SimulatedServerCertificate certificate = std::move(found->second);
  by_name.erase(found);
  certificate.name = renamed;
  certificate.path = moved;
  certificate.arn = arn_in(account, moved, renamed);
  by_name.emplace(renamed, std::move(certificate));
  return {name, true};
}

Outcome ServerCertificates::remove(const QueryCall& call, const std::string& account, WallTime now) {
  const auto found = named(call, account);
  const std::string name = found->first;
  std::string arn = found->second.arn;
  const bool in_use = !user_of(arn, now, false).empty();
  if (std::string user = user_of(arn, now, true); notices_use && !user.empty()) {
    if (in_use) refused_in_use.push_back(arn);
    throw Refusal{
        409, "DeleteConflict",
        fmt::format("Certificate: {} is currently in use by {}. Please remove it first before deleting it from "
                    "IAM.",
                    found->second.id, user)};
  }
  if (in_use) deleted_in_use.push_back(arn);
  take_away(found);
  return {name, true};
}

Outcome ServerCertificates::summarize(const std::string& account, XmlWriter& result) const {
  result.open("SummaryMap");
  auto entry = [&](std::string_view key, std::size_t value) {
    result.open("entry").text("key", key).text("value", std::to_string(value)).close();
  };
  entry("ServerCertificates", count_of(account));
  entry("ServerCertificatesQuota", world_.settings().server_certificate_quota);
  result.close();
  return {};
}

ServerCertificates::Table::iterator ServerCertificates::find(const std::string& account, const std::string& name) {
  const auto [first, last] = by_name.equal_range(name);
  const auto found = std::find_if(first, last, [&](const auto& entry) { return is_of(entry.second, account); });
  return found != last ? found : by_name.end();
}

ServerCertificates::Table::iterator ServerCertificates::named(const QueryCall& call, const std::string& account) {
  const std::string name = call.required("ServerCertificateName");
  const auto found = find(account, name);
  if (found == by_name.end()) refuse_absent(name);
  return found;
}

std::size_t ServerCertificates::count_of(const std::string& account) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(by_name, [&](const auto& entry) { return is_of(entry.second, account); }));
}

const SimulatedServerCertificate* ServerCertificates::by_arn(const std::string& arn) const {
  const auto [first, last] = by_name.equal_range(arn.substr(arn.rfind('/') + 1));
  const auto found = std::find_if(first, last, [&](const auto& entry) { return entry.second.arn == arn; });
  return found != last ? &found->second : nullptr;
}

const SimulatedServerCertificate* ServerCertificates::copy_of(const std::string& arn) const {
  if (const auto* there = by_arn(arn)) return there;
  const auto found = deleted_.find(arn);
  return found != deleted_.end() ? &found->second : nullptr;
}

void ServerCertificates::take_away(Table::iterator certificate) {
  const std::string arn = certificate->second.arn;
  deleted_.insert_or_assign(arn, std::move(certificate->second));
  by_name.erase(certificate);
}

void ServerCertificates::remove_by_hand(const std::string& name) { take_away(by_name.find(name)); }

const SimulatedServerCertificate* ServerCertificates::visible(const std::string& arn, WallTime now) const {
  const auto* found = by_arn(arn);
  return found && found->uploaded + world_.settings().certificate_visible_after <= now ? found : nullptr;
}

std::string ServerCertificates::put(const std::string& path, const std::string& name, Presented content,
                                    const std::string& account) {
  check_certificate_name(name);
  check_certificate_path(path, "path");
  const std::string& owner = account.empty() ? world_.settings().account : account;
  std::string arn = arn_in(owner, path, name);
  WallTime long_ago = world_.now() - world_.settings().certificate_visible_after;
  if (const auto former = find(owner, name); former != by_name.end()) by_name.erase(former);
  by_name.emplace(name, SimulatedServerCertificate{
                            name, path, world_.random_id("ASCA", 17), arn, std::move(content), long_ago, {}});
  return arn;
}

std::string ServerCertificates::user_of(const std::string& arn, WallTime now, bool lingering) const {
  if (std::string user = world_.classic().user_of(arn); !user.empty()) return user;
  if (std::string user = world_.load_balancers().user_of(arn); !user.empty()) return user;
  auto let_go = released_.find(arn);
  bool lingers = let_go != released_.end() && now < let_go->second + world_.settings().release_lag;
  return lingering && lingers ? "a load balancer that has let it go" : "";
}

}  // namespace certferry::sandbox
