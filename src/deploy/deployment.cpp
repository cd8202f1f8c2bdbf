#include "deploy/deployment.h"

#include <fmt/format.h>
#include <set>

#include "aws/sts.h"
#include "base/failure.h"
#include "deploy/elb_target.h"
#include "deploy/files_shelf.h"
#include "deploy/files_target.h"
#include "deploy/iam_shelf.h"
#include "deploy/listener_target.h"
#include "deploy/object_name.h"
#include "deploy/references.h"

namespace certferry {

struct Deployment::State {
  Outside& outside;
  aws::Access& access;
  const Lease* lease = nullptr;  // null: nobody else can be at work
  Turn turn;                     // of who asks for the account
  std::string account;
  std::set<std::string> regions;
  std::unique_ptr<IamShelf> iam;
  std::map<std::string, std::unique_ptr<FilesShelf>> files;  // by directory
  std::map<std::string, std::unique_ptr<Target>> targets;    // by certificate and slot, or by id

  std::string region_of(const InstallConfig& install) const;
  void note_regions(const CertificateConfig& certificate);
  Task<IamShelf*> iam_shelf();
  FilesShelf& files_shelf(const std::string& directory);
  Task<std::unique_ptr<Target>> make(const CertificateConfig& certificate, const InstallConfig& install);
  Task<std::unique_ptr<Target>> make(const std::string& id);
};

Deployment::Deployment(Outside& outside, aws::Access& access)
    : state_(new State{outside, access, nullptr, {}, "", {access.region()}, {}, {}, {}}) {}

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
    if (std::string region = region_of(install); !region.empty()) regions.insert(std::move(region));
}

Task<IamShelf*> Deployment::State::iam_shelf() {
  const Turn::Held mine = co_await turn.take();
  if (!iam) {
    aws::Client& client = access.client();
    account = (co_await aws::Sts{client}.caller_identity()).account;
    if (account.empty())
      throw Failure(Failure::Kind::transient, "STS GetCallerIdentity: no account in the answer", "Run again");
    iam = std::make_unique<IamShelf>(outside, client, client.partition(), account);
  }
  co_return iam.get();
}

FilesShelf& Deployment::State::files_shelf(const std::string& directory) {
  auto shelf = std::make_unique<FilesShelf>(outside, directory, lease);
  return *files.try_emplace(shelf->directory(), std::move(shelf)).first->second;
}

Task<std::unique_ptr<Target>> Deployment::State::make(const CertificateConfig& certificate,
                                                      const InstallConfig& install) {
  Proving proving{install.verify, certificate.domains.empty() ? "" : sni_for(certificate.domains.front()),
                  certificate.key_type};
  if (const auto* where = std::get_if<FilesInstall>(&install.where))
    co_return std::make_unique<FilesTarget>(outside, files_shelf(where->directory), std::move(proving), *where);
  aws::Client& client = access.client_in(region_of(install));
  IamShelf& shelf = *co_await iam_shelf();
  if (const auto* where = std::get_if<ListenerInstall>(&install.where))
    co_return std::make_unique<ListenerTarget>(outside, client, shelf, std::move(proving), where->arn);
  ElbSlot slot{client.partition(), account, client.region(), std::get<ElbInstall>(install.where)};
  co_return std::make_unique<ElbTarget>(outside, client, shelf, std::move(proving), std::move(slot));
}

Task<std::unique_ptr<Target>> Deployment::State::make(const std::string& id) {
  const Proving proving{.verify = Verify::api};
  if (const auto directory = FilesShelf::directory_in(outside.host, id))
    co_return std::make_unique<FilesTarget>(outside, files_shelf(*directory), proving,
                                            FilesInstall{*directory, {}, ""});
  const auto arn = ListenerTarget::parse_id(id);
  const auto slot = ElbSlot::parse_id(id);
  if (!arn && !slot) co_return nullptr;
  const std::string region = arn ? std::string{arn->region()} : slot->region;
  IamShelf& shelf = *co_await iam_shelf();
  if (account != (arn ? arn->account() : slot->account))
    throw Failure(Failure::Kind::refused, fmt::format("our credentials are of account {}", account),
                  "Run certferry once with credentials of its account to have it looked at");
  regions.insert(region);
  aws::Client& client = access.client_in(region);
  if (arn) co_return std::make_unique<ListenerTarget>(outside, client, shelf, proving, *arn);
  co_return std::make_unique<ElbTarget>(outside, client, shelf, proving, *slot);
}

Task<Target*> Deployment::target(const CertificateConfig& certificate, const InstallConfig& install) {
  state_->note_regions(certificate);
  const std::string key = fmt::format("{} {} {}", certificate.id.text(), state_->region_of(install), install.slot());
  if (const auto known = state_->targets.find(key); known != state_->targets.end()) co_return known->second.get();
  auto made = co_await state_->make(certificate, install);
  // Somebody else may have made it meanwhile: that one is kept.
  co_return state_->targets.try_emplace(key, std::move(made)).first->second.get();
}

Task<Target*> Deployment::target(const std::string& id) {
  if (const auto known = state_->targets.find(id); known != state_->targets.end()) co_return known->second.get();
  auto made = co_await state_->make(id);
  if (!made) co_return nullptr;
  co_return state_->targets.try_emplace(id, std::move(made)).first->second.get();
}

bool Deployment::elsewhere(const std::string& id) const {
  return id.starts_with("files/") && !FilesShelf::directory_in(state_->outside.host, id);
}

Task<Shelf*> Deployment::shelf(const std::string& id) {
  if (id.starts_with("iam/")) {
    IamShelf* iam = co_await state_->iam_shelf();
    if (iam->id() == id) co_return iam;
    throw Failure(Failure::Kind::refused,
                  fmt::format("shelf {}: our credentials are of account {}", quoted(id), state_->account),
                  fmt::format("Run certferry once with credentials of the account in {}, or delete by hand what it "
                              "holds of certferry's",
                              quoted(id)));
  }
  const auto directory = FilesShelf::directory_in(state_->outside.host, id);
  if (!directory) co_return nullptr;
  co_return &state_->files_shelf(*directory);
}

Task<bool> Deployment::referenced(const std::string& reference, const std::string& shelf_id,
                                  const std::vector<std::string>& more_regions) {
  if (const auto directory = FilesShelf::directory_in(state_->outside.host, shelf_id))
    co_return co_await state_->files_shelf(*directory).live() == reference;
  std::set<std::string> regions = state_->regions;
  regions.insert(more_regions.begin(), more_regions.end());
  bool found = false;
  std::vector<Work> looks;
  for (const std::string& region : regions)
    looks.push_back([&, region]() -> Task<> {
      if (co_await referenced_in(state_->access.client_in(region), reference)) found = true;
    });
  const auto ends = co_await all_settled(std::move(looks));
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  co_return found;
}

}  // namespace certferry
