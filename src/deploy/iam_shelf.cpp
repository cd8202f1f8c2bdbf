#include "deploy/iam_shelf.h"

#include <fmt/format.h>

#include "aws/errors.h"
#include "base/failure.h"
#include "base/limits/iam.h"
#include "base/limits/tls.h"
#include "deploy/object_name.h"
#include "outside/timed_step.h"

namespace certferry {
namespace {

constexpr const char* our_path = "/certferry/";
constexpr std::string_view resource_kind = "server-certificate/", our_resources = "server-certificate/certferry/";
constexpr int upload_tries = 3;  // of one whose outcome nobody heard

Chain chain_of(const aws::ServerCertificate& there) {
  return parse_chain(BytesView{there.body.value_or("") + "\n" + there.chain.value_or("")});
}

Failure name_taken(const std::string& name) {
  return {Failure::Kind::refused,
          fmt::format("IAM UploadServerCertificate on server certificate {}: another certificate has this name", name),
          fmt::format("Rename or delete the server certificate {} in IAM", name)};
}

Failure shelf_full(const Failure& failure) {
  return {Failure::Kind::refused,
          fmt::format("{} (quota ServerCertificatesPerAccount, {} unless raised)", failure.what(),
                      limits::iam::certificates_per_account),
          "Delete server certificates that nothing uses, or ask AWS to raise the quota \"Server certificates per "
          "account\" of IAM"};
}

// Of a server certificate; empty where it is none of IAM's.
std::optional<Arn> server_certificate_arn_in(const std::string& reference) {
  try {
    Arn arn = Arn::parse(reference);
    if (arn.service() == "iam" && arn.resource().starts_with(resource_kind)) return arn;
  } catch (const Failure&) {
    return {};
  }
  return {};
}

// The name at its end.
std::optional<std::string> name_in(const std::string& reference) {
  const auto arn = server_certificate_arn_in(reference);
  if (!arn) return {};
  return std::string{arn->resource().substr(arn->resource().rfind('/') + 1)};
}

}  // namespace

std::optional<std::string> server_certificate_account(const std::string& reference) {
  const auto arn = server_certificate_arn_in(reference);
  if (!arn) return {};
  return std::string{arn->account()};
}

IamShelf::IamShelf(Outside& outside, aws::Client& client, const std::string& partition, const std::string& account)
    : outside_(outside), client_(client), iam_(client), id_(id_of(partition, account)) {}

std::string IamShelf::id_of(const std::string& partition, const std::string& account) {
  return fmt::format("iam/{}/{}/certferry", partition, account);
}

std::optional<std::string> IamShelf::account_in(std::string_view id) {
  if (!id.starts_with("iam/")) return {};
  id.remove_prefix(4);
  const auto partition_end = id.find('/'), account_end = id.rfind('/');
  if (partition_end == std::string_view::npos || account_end <= partition_end) return {};
  const std::string partition{id.substr(0, partition_end)};
  std::string account{id.substr(partition_end + 1, account_end - partition_end - 1)};
  if ("iam/" + std::string{id} != id_of(partition, account)) return {};
  return account;
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
std::string IamShelf::reference_in(std::string_view id, std::string_view name) {
  const auto account = account_in(id);
  if (!account) return "";
  id.remove_prefix(4);
  const std::string_view partition = id.substr(0, id.find('/'));
  return fmt::format("arn:{}:iam::{}:{}{}", partition, *account, our_resources, name);
}

std::string IamShelf::name_for(const Issued& issued) const { return object_name(issued); }

Shelved IamShelf::shelved(const std::string& arn, const Issued& issued) const {
  return {id_, arn, name_for(issued), issued.fingerprint()};
}

Task<Shelved> IamShelf::put(const Issued& issued, const PrivateKey& key, std::optional<Shelved>) {
  std::optional<Shelved> put;
  const Work uploading = [&]() -> Task<> { put = co_await upload(issued, key); };
  co_await timed_step(outside_.log, outside_.clock, id_, "upload", uploading);
  known_.insert_or_assign(put->reference, issued.chain);
  co_return std::move(*put);
}

// IAM takes none that has not begun by its own clock, and says that it is malformed (aws/aws-sdk-go#2586). Not every CA
// dates back.
bool IamShelf::may_not_have_begun(const Failure& said, const Certificate& leaf) const {
  return said.code() == "MalformedCertificate" &&
         client_.service_time() < leaf.not_before() + limits::iam::not_begun_pause;
}

Task<Shelved> IamShelf::upload(const Issued& issued, const PrivateKey& key) {
  const std::string name = name_for(issued);
  const SteadyTime end = outside_.clock.steady() + limits::tls::not_before_tolerance;
  for (int tries = 1;;) {
    std::optional<Failure> said;
    try {
      const aws::ServerCertificate made =
          co_await iam_.upload(our_path, name, issued.chain.leaf_pem(), key.pem(), issued.chain.intermediates_pem());
      if (made.name == name && name_in(made.arn.text()) == name) co_return shelved(made.arn.text(), issued);
    } catch (const Failure& failure) {
      said = failure;
    }
    if (said && may_not_have_begun(*said, issued.chain.leaf) && outside_.clock.steady() < end) {
      co_await outside_.clock.sleep(limits::iam::not_begun_pause);
      continue;
    }
    const bool unheard = said && said->kind() == Failure::Kind::outcome_unknown;
    const bool full = said && said->code() == "LimitExceeded";
    const bool may_be_there = !said || unheard || full || said->code() == "EntityAlreadyExists";
    if (!may_be_there) throw *said;
    if (auto there = co_await find(issued)) co_return std::move(*there);
    if (full) throw shelf_full(*said);
    if (unheard && tries++ < upload_tries) continue;
    if (said) throw *said;
    throw Failure(
        Failure::Kind::transient,
        fmt::format("IAM GetServerCertificate on server certificate {}: not there right after its upload", name),
        "Run again in a minute");
  }
}

Task<std::optional<Shelved>> IamShelf::find(const Issued& issued) {
  const std::string name = name_for(issued);
  const auto there = co_await iam_.get(name);
  if (!there) co_return std::nullopt;
  if (chain_of(*there).leaf != issued.chain.leaf) throw name_taken(name);
  co_return shelved(there->arn.text(), issued);
}

Task<std::optional<Chain>> IamShelf::read(const std::string& reference) {
  if (const auto known = known_.find(reference); known != known_.end()) co_return known->second;
  const auto name = name_in(reference);
  if (!name) co_return std::nullopt;
  const Turn::Held held = co_await reading_[reference].take();
  if (const auto known = known_.find(reference); known != known_.end()) co_return known->second;
  const auto there = co_await iam_.get(*name);
  if (!there || there->arn.text() != reference) co_return std::nullopt;
  Chain chain = chain_of(*there);
  known_.insert_or_assign(reference, chain);
  co_return chain;
}

bool IamShelf::ours(const std::string& reference) const {
  return name_in(reference) && Arn::parse(reference).resource().starts_with(our_resources);
}

// Where nobody heard whether it was done, a look tells. So it does where it is refused: of one that is gone IAM knows
// no path, by which alone policies allow it.
Task<bool> IamShelf::removed(const std::string& name) {
  std::optional<Failure> said;
  try {
    co_return co_await iam_.remove(name) != aws::Iam::Removal::in_use;
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::outcome_unknown && !aws::lacks_permission(failure)) throw;
    said = failure;
  }
  if (co_await iam_.get(name)) throw Failure{*said};
  co_return true;
}

Task<bool> IamShelf::remove(const std::string& name, const std::string& reference) {
  if (reference.empty()) {
    const auto there = co_await iam_.get(name);
    if (!there) co_return true;
    if (there->path != our_path) co_return false;
  } else if (!ours(reference)) {
    co_return false;
  }
  const bool gone = co_await removed(name);
  if (gone) known_.erase(reference);
  co_return gone;
}

}  // namespace certferry
