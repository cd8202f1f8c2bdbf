#include "liveness.h"

#include <algorithm>
#include <fmt/format.h>

#include "sandbox/certificate_authority.h"

namespace certferry::simulation {
namespace {

// null: of somebody else's.
const sandbox::CaCertificate* of_our_ca(Estate& estate, const Certificate& leaf) {
  const auto& all = estate.world().ca().certificates;
  const auto found = std::ranges::find_if(all, [&](const auto& entry) { return entry.second.chain.leaf == leaf; });
  return found == all.end() ? nullptr : &found->second;
}

bool any_valid_for(Estate& estate, const CertificateConfig& wanted) {
  const auto names = names_as_text(wanted.domains);
  return std::ranges::any_of(estate.world().ca().certificates, [&](const auto& entry) {
    const Certificate& leaf = entry.second.chain.leaf;
    return names_as_text(leaf.names()) == names && leaf.not_after() > estate.simulated->time().now();
  });
}

struct Place {
  std::string name;
  std::optional<Certificate> shown;
};

Place look_at(Estate& estate, const InstallConfig& install) {
  if (const auto* elb = std::get_if<ElbInstall>(&install.where))
    return {elb->load_balancer, estate.shown_by(elb->load_balancer)};
  if (const auto* listener = std::get_if<ListenerInstall>(&install.where)) {
    const std::string name = estate.load_balancer_of(listener->arn.text());
    return {name, estate.shown_by(name)};
  }
  const std::string& directory = std::get<FilesInstall>(install.where).directory;
  const auto* live = estate.simulated->machine().find(directory + "/live/cert.pem");
  if (live == nullptr) return {directory, {}};
  return {directory, parse_chain(BytesView{live->content}).leaf};
}

std::string objection_to(Estate& estate, const Place& place, const CertificateConfig& wanted) {
  if (!place.shown) return fmt::format("{} shows nothing", place.name);
  const Certificate& leaf = *place.shown;
  if (names_as_text(leaf.names()) != names_as_text(wanted.domains) || leaf.self_signed())
    return fmt::format("{} does not show {}", place.name, wanted.id.text());
  const sandbox::CaCertificate* ours = of_our_ca(estate, leaf);
  if (ours == nullptr) return fmt::format("{} shows a certificate that is not of our CA", place.name);
  if (ours->revoked) return fmt::format("{} shows a revoked certificate", place.name);
  if (leaf.not_after() <= estate.simulated->time().now())
    return fmt::format("{} shows an expired certificate", place.name);
  return "";
}

std::vector<std::string> directories_left_over(Estate& estate) {
  constexpr std::string_view generations = "/generations/", whole = "/fullchain.pem";
  const auto& machine = estate.simulated->machine();
  std::vector<std::string> left;
  for (const auto& [path, node] : machine.nodes) {
    const auto at = path.find(generations);
    if (at == std::string::npos || !path.ends_with(whole)) continue;
    if (machine.resolved(path.substr(0, at) + "/live") + std::string{whole} != path) left.push_back(path);
  }
  return left;
}

std::vector<std::string> ledgers_that_tell_of_records(Estate& estate) {
  std::vector<std::string> left;
  for (const auto& [key, value] : estate.watch->stored())
    if (key.starts_with("zone/") && !object_of(value).elements("entries").empty()) left.push_back(key);
  return left;
}

bool touched_files_since(const sandbox::SimulatedWorld& world, long effect) {
  const auto& names = world.effect_names();
  return std::any_of(names.begin() + effect, names.end(), [](const std::string& name) {
    return name.starts_with("link /") || name.starts_with("replace /") || name.starts_with("make directory /") ||
           name.starts_with("remove /") || name.starts_with("run ");
  });
}

}  // namespace

std::vector<std::string> names_as_text(const std::vector<DomainName>& names) {
  std::vector<std::string> texts;
  for (const DomainName& name : names) texts.push_back(name.text());
  std::ranges::sort(texts);
  return texts;
}

std::vector<std::string> becomes_quiet(Estate& estate, int days_most) {
  auto& world = *estate.simulated;
  for (int day = 0; day < days_most; ++day) {
    const auto orders = estate.world().ca().orders.size();
    const long effects = world.effects();
    const auto changes = estate.changes_of([&] { estate.apply_with_restarts(); });
    const bool disturbed = world.crash_points_since(effects) > 0;
    if (changes == 0 && !touched_files_since(world, effects) && orders == estate.world().ca().orders.size() &&
        !disturbed && day > 0)
      return {};
    estate.pass(hours(25));  // longer than what was replaced is kept
  }
  return {fmt::format("it was not quiet after {} days", days_most)};
}

std::vector<std::string> not_well(Estate& estate, const std::set<std::string>& ailing) {
  std::vector<std::string> wrong;
  if (ailing.empty())
    for (const std::string& failure : estate.failures()) wrong.push_back("the last run failed: " + failure);
  for (const CertificateConfig& wanted : estate.all_wanted()) {
    if (ailing.contains(wanted.id.text())) continue;
    if (!any_valid_for(estate, wanted)) wrong.push_back(fmt::format("{} has no valid certificate", wanted.id.text()));
    for (const InstallConfig& install : wanted.install)
      if (std::string why = objection_to(estate, look_at(estate, install), wanted); !why.empty())
        wrong.push_back(std::move(why));
  }
  auto theirs = estate.simulated->third_parties().values();
  for (const std::string& record : estate.challenge_records())
    if (theirs.erase(record) == 0) wrong.push_back("a record is left: " + record);
  for (const std::string& record : theirs) wrong.push_back("a record of somebody else is gone: " + record);
  for (const std::string& name : estate.server_certificates_left_over())
    wrong.push_back("a certificate is left: " + name);
  for (const std::string& path : directories_left_over(estate)) wrong.push_back("a generation is left: " + path);
  for (const std::string& key : ledgers_that_tell_of_records(estate)) wrong.push_back(key + " still tells of a record");
  return wrong;
}

}  // namespace certferry::simulation
