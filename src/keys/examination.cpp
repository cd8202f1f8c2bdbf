#include "keys/examination.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "keys/sealed_account_key.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

constexpr std::size_t probe_octets = 16;

// What would be stored, sealed and opened, and stored nowhere.
Task<bool> seals_and_opens(Outside& outside, aws::Client& client, AccountKeyPlace place) {
  Bytes probe(probe_octets, '\0');
  outside.entropy.fill(std::as_writable_bytes(std::span{probe}));
  const aws::Kms kms{client};
  const Bytes sealed = co_await seal_account_key(kms, place.kms_key, place.key, Secret{probe});
  const Secret opened = co_await unseal_account_key(kms, place.kms_key, place.key, sealed);
  co_return opened.reveal() == probe;
}

}  // namespace

Task<ExaminedAccountKey> examine_account_key(Outside& outside, AccountKeys& keys, aws::Client* client,
                                             AccountKeyPlace place) {
  const std::string where = place.key.empty() ? "in the state" : place.key;
  const auto told = [&](Verdict verdict, std::string found, std::string next = "") {
    return Finding{verdict, "account-key", "account key " + where, std::move(found), std::move(next)};
  };
  if (const auto key = co_await keys.open(place)) {
    const std::string thumbprint = key->public_part().thumbprint();
    co_return ExaminedAccountKey{told(Verdict::green, "read; its thumbprint is " + thumbprint), thumbprint};
  }
  if (!place.key.starts_with("s3://") || client == nullptr)
    co_return ExaminedAccountKey{told(Verdict::green, "none yet: apply makes it"), ""};
  if (!co_await seals_and_opens(outside, *client, place))
    co_return ExaminedAccountKey{
        told(Verdict::red, fmt::format("none yet, and {} does not open what it sealed", place.kms_key),
             "Use another KMS key; this one would lose the account key"),
        ""};
  co_return ExaminedAccountKey{
      told(Verdict::green, fmt::format("none yet: apply makes it; {} seals and opens for its place", place.kms_key)),
      ""};
}

}  // namespace certferry
