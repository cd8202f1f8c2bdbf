#include "deploy/deployment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

#include "aws/sts.h"
#include "base/failure.h"
#include "deploy/descriptions.h"
#include "deploy/elb_target.h"
#include "deploy/files_shelf.h"
#include "deploy/files_target.h"
#include "deploy/iam_shelf.h"
#include "deploy/listener_target.h"
#include "deploy/object_name.h"
#include "deploy/references.h"
#include "deploy/reloads.h"
#include "deploy/role.h"

namespace certferry {

namespace {

using RoleTaken = std::optional<aws::RoleSettings>;

// What one identity reaches: the account is asked for when it is needed.
struct Reach {
  std::string account;
  std::set<std::string> regions;  // where listeners are looked at before a delete
  bool installs = false;          // something configured is installed by it
  std::unique_ptr<IamShelf> iam;
};

}  // namespace

struct Deployment::State {
  Outside& outside;
  aws::Access& access;
  const Lease* lease = nullptr;                              // null: nobody else can be at work
  bool identifies = false;                                   // directories
  Turn turn;                                                 // of who asks for an account
  std::map<RoleTaken, Reach> reaches;                        // our own identity's, and that of every role
  std::map<std::string, std::unique_ptr<FilesShelf>> files;  // by directory
  Reloads reloads;
  std::map<const aws::Client*, Descriptions> described;    // by identity and region
  std::map<std::string, std::unique_ptr<Target>> targets;  // by certificate and slot, or by id
  References references;

  std::string region_of(const InstallConfig& install) const;
  void note_regions(const CertificateConfig& certificate);
  Task<Reach*> reach(const RoleTaken& role);
  Task<std::vector<RoleTaken>> roles_in(std::string account);
  Failure out_of_reach(const std::string& what, const std::string& account) const;
  FilesShelf& files_shelf(const std::string& directory);
  std::unique_ptr<Target> make(const Arn& listener, aws::Client& client, Shelf& shelf, Proving proving);
  std::unique_ptr<Target> make(ElbSlot slot, aws::Client& client, Shelf& shelf, Proving proving);
  Task<std::unique_ptr<Target>> make(const CertificateConfig& certificate, const InstallConfig& install);
  Task<std::unique_ptr<Target>> make(const std::string& id);
  Task<std::map<std::string, RoleTaken>> places_of(std::string shelf_id, std::vector<std::string> more_regions);
};

Deployment::Deployment(Outside& outside, aws::Access& access)
    : state_(new State{
          outside, access, nullptr, false, {}, {}, {}, Reloads{outside.host}, {}, {}, References{outside.clock}}) {
  state_->reaches[std::nullopt].regions.insert(access.region());
}

Deployment::Deployment(Outside& outside, aws::Access& access, const Config& config, const Lease& lease)
    : Deployment(outside, access) {
  state_->lease = &lease;
  for (const CertificateConfig& certificate : config.certificates) state_->note_regions(certificate);
}

Deployment::~Deployment() = default;

// "" where it is not in AWS.
std::string Deployment::State::region_of(const InstallConfig& install) const {
  if (std::holds_alternative<FilesInstall>(install.where)) return "";
  if (const auto* listener = std::get_if<ListenerInstall>(&install.where)) return std::string{listener->arn.region()};
  return install.region.empty() ? access.region() : install.region;
}

void Deployment::State::note_regions(const CertificateConfig& certificate) {
  for (const InstallConfig& install : certificate.install)
    if (std::string region = region_of(install); !region.empty()) {
      Reach& by = reaches[role_taken(install.role)];
      by.regions.insert(std::move(region));
      by.installs = true;
    }
}

// With its account, which a role's ARN names, and its shelf.
Task<Reach*> Deployment::State::reach(const RoleTaken& role) {
  const Turn::Held mine = co_await turn.take();
  Reach& found = reaches[role];
  if (!found.iam) {
    aws::Client& client = access.client_as(role);
    found.account =
        role ? std::string{Arn::parse(role->role).account()} : (co_await aws::Sts{client}.caller_identity()).account;
    if (found.account.empty())
      throw Failure(Failure::Kind::transient, "STS GetCallerIdentity: no account in the answer", "Run again");
    found.iam = std::make_unique<IamShelf>(outside, client, client.partition(), found.account);
  }
  co_return &found;
}

// Which of our identities are of this account, first those that install something there: the others need not be
// allowed anything. Asks every one's account: whoever looks whether anything refers to a certificate must miss none
// (I4).
Task<std::vector<RoleTaken>> Deployment::State::roles_in(std::string account) {
  std::vector<RoleTaken> all, installing, others;
  for (const auto& [role, reach] : reaches) all.push_back(role);
  for (const RoleTaken& role : all) {
    const Reach& found = *co_await reach(role);
    if (found.account == account) (found.installs ? installing : others).push_back(role);
  }
  installing.insert(installing.end(), others.begin(), others.end());
  co_return installing;
}

FilesShelf& Deployment::State::files_shelf(const std::string& directory) {
  auto shelf = std::make_unique<FilesShelf>(outside, directory, lease);
  return *files.try_emplace(shelf->directory(), std::move(shelf)).first->second;
}

std::unique_ptr<Target> Deployment::State::make(const Arn& listener, aws::Client& client, Shelf& shelf,
                                                Proving proving) {
  Descriptions& there = described.try_emplace(&client, client).first->second;
  return std::make_unique<ListenerTarget>(outside, client, there, shelf, std::move(proving), listener);
}

std::unique_ptr<Target> Deployment::State::make(ElbSlot slot, aws::Client& client, Shelf& shelf, Proving proving) {
  Descriptions& there = described.try_emplace(&client, client).first->second;
  return std::make_unique<ElbTarget>(outside, client, there, shelf, std::move(proving), std::move(slot));
}

Task<std::unique_ptr<Target>> Deployment::State::make(const CertificateConfig& certificate,
                                                      const InstallConfig& install) {
  Proving proving{install.verify, certificate.domains.empty() ? "" : sni_for(certificate.domains.front()),
                  certificate.key_type};
  if (const auto* where = std::get_if<FilesInstall>(&install.where)) {
    FilesShelf& shelf = files_shelf(where->directory);
    if (identifies) co_await shelf.identify();
    co_return std::make_unique<FilesTarget>(outside, shelf, reloads, std::move(proving), *where);
  }
  const RoleTaken role = role_taken(install.role);
  aws::Client& client = access.client_as(role, region_of(install));
  Reach& there = *co_await reach(role);
  if (const auto* where = std::get_if<ListenerInstall>(&install.where))
    co_return make(where->arn, client, *there.iam, std::move(proving));
  ElbSlot slot{client.partition(), there.account, client.region(), std::get<ElbInstall>(install.where)};
  co_return make(std::move(slot), client, *there.iam, std::move(proving));
}

Task<std::unique_ptr<Target>> Deployment::State::make(const std::string& id) {
  const Proving proving{.verify = Verify::api};
  if (const auto directory = FilesShelf::directory_in(outside.host, id))
    co_return std::make_unique<FilesTarget>(outside, files_shelf(*directory), reloads, proving,
                                            FilesInstall{*directory, {}, ""});
  const auto arn = ListenerTarget::parse_id(id);
  const auto slot = ElbSlot::parse_id(id);
  if (!arn && !slot) co_return nullptr;
  const std::string region = arn ? std::string{arn->region()} : slot->region;
  const std::string account = arn ? std::string{arn->account()} : slot->account;
  const auto roles = co_await roles_in(account);
  if (roles.empty()) throw out_of_reach("", account);
  Reach& there = *co_await reach(roles.front());
  there.regions.insert(region);
  aws::Client& client = access.client_as(roles.front(), region);
  if (arn) co_return make(*arn, client, *there.iam, proving);
  co_return make(*slot, client, *there.iam, proving);
}

// what: before which it is said, "" for nothing.
Failure Deployment::State::out_of_reach(const std::string& what, const std::string& account) const {
  std::set<std::string> known;
  for (const auto& [role, reach] : reaches)
    if (!reach.account.empty()) known.insert(reach.account);
  return {
      Failure::Kind::refused,
      fmt::format("{}our credentials are of account{} {}", what, known.size() == 1 ? "" : "s", fmt::join(known, ", ")),
      fmt::format("Run certferry once with credentials of account {0}; where nobody has any, `certferry forget "
                  "--account {0}` ends it",
                  account)};
}

// Where something may refer to what lies on this shelf: regions, each with an identity of the shelf's account.
Task<std::map<std::string, RoleTaken>> Deployment::State::places_of(std::string shelf_id,
                                                                    std::vector<std::string> more_regions) {
  const std::string account = IamShelf::account_in(shelf_id).value_or("");
  const auto roles = co_await roles_in(account);
  if (roles.empty()) throw out_of_reach(fmt::format("shelf {}: ", quoted(shelf_id)), account);
  std::map<std::string, RoleTaken> places;
  for (const std::string& region : more_regions) places.emplace(region, roles.front());
  for (const RoleTaken& role : roles)
    for (const std::string& region : reaches[role].regions)
      places.emplace(region, reaches[role].installs ? role : roles.front());
  co_return places;
}

std::string name_of(const InstallConfig& install) {
  struct {
    std::string operator()(const ElbInstall& elb) const { return ElbTarget::name_of(elb); }
    std::string operator()(const ListenerInstall& listener) const { return ListenerTarget::name_of(listener.arn); }
    std::string operator()(const FilesInstall& files) const { return FilesTarget::name_of(files.directory); }
  } name;
  return std::visit(name, install.where);
}

std::string shelf_name(const Host& host, const std::string& id) {
  if (const auto directory = FilesShelf::directory_in(host, id)) return FilesTarget::name_of(*directory);
  if (const auto account = IamShelf::account_in(id)) return "IAM of account " + *account;
  return "files of another machine";
}

std::string reference_on(const Host& host, const std::string& shelf, const std::string& name) {
  if (const auto directory = FilesShelf::directory_in(host, shelf)) return FilesShelf::place_in(*directory, name);
  return IamShelf::reference_in(shelf, name);
}

Task<Target*> Deployment::target(const CertificateConfig& certificate, const InstallConfig& install) {
  state_->note_regions(certificate);
  const std::string key = fmt::format("{} {} {} {}", certificate.id.text(), state_->region_of(install), install.slot(),
                                      install.role ? install.role->arn : "");
  if (const auto known = state_->targets.find(key); known != state_->targets.end()) co_return known->second.get();
  auto made = co_await state_->make(certificate, install);
  // Somebody else may have made it meanwhile: that one is kept.
  co_return state_->targets.try_emplace(key, std::move(made)).first->second.get();
}

void Deployment::identify_directories() { state_->identifies = true; }

Task<Target*> Deployment::target(const std::string& id) {
  if (const auto known = state_->targets.find(id); known != state_->targets.end()) co_return known->second.get();
  auto made = co_await state_->make(id);
  if (!made) co_return nullptr;
  co_return state_->targets.try_emplace(id, std::move(made)).first->second.get();
}

Task<bool> Deployment::reaches(std::string account) { co_return !(co_await state_->roles_in(account)).empty(); }

bool Deployment::elsewhere(const std::string& id) const {
  return id.starts_with("files/") && !FilesShelf::directory_in(state_->outside.host, id);
}

Task<Shelf*> Deployment::shelf(const std::string& id) {
  if (const auto account = IamShelf::account_in(id)) {
    const auto roles = co_await state_->roles_in(*account);
    if (!roles.empty()) co_return (co_await state_->reach(roles.front()))->iam.get();
    throw state_->out_of_reach(fmt::format("shelf {}: ", quoted(id)), *account);
  }
  const auto directory = FilesShelf::directory_in(state_->outside.host, id);
  if (!directory) co_return nullptr;
  co_return &state_->files_shelf(*directory);
}

Task<bool> Deployment::referenced(const std::string& reference, const std::string& shelf_id,
                                  const std::vector<std::string>& more_regions) {
  if (const auto directory = FilesShelf::directory_in(state_->outside.host, shelf_id))
    co_return co_await state_->files_shelf(*directory).live() == reference;
  bool found = false;
  std::vector<Work> looks;
  for (const auto& [region, role] : co_await state_->places_of(shelf_id, more_regions))
    looks.push_back([&, role, region]() -> Task<> {
      if (co_await state_->references.to(reference, state_->access.client_as(role, region))) found = true;
    });
  const auto ends = co_await all_settled(std::move(looks));
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  co_return found;
}

void Deployment::forget_references(SteadyTime until) { state_->references.forget(until); }

}  // namespace certferry
