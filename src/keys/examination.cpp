#include "keys/examination.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/s3_place.h"
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

// Asks S3 to write there if what is there has an ETag that nothing has: a PUT that comes to nothing, and that who may
// not write is refused. True where it was written all the same, as an imitation of S3 does that passes over conditions:
// then it is removed again.
Task<bool> written_against_condition(aws::Client& client, AccountKeyPlace place) {
  const S3Place where = S3Place::parse(place.key).value();
  aws::S3 s3{client};
  const auto put = co_await s3.put(where.bucket, where.key, Bytes{}, "\"certferry-doctor\"");
  const auto* written = std::get_if<std::string>(&put);
  if (written == nullptr) co_return false;
  co_await s3.remove(where.bucket, where.key, *written);
  co_return true;
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
  if (!in_s3(place.key) || client == nullptr)
    co_return ExaminedAccountKey{told(Verdict::green, "none yet: apply makes it"), ""};
  if (!co_await seals_and_opens(outside, *client, place))
    co_return ExaminedAccountKey{
        told(Verdict::red, fmt::format("none yet, and {} does not open what it sealed", place.kms_key),
             "Use another KMS key; this one would lose the account key"),
        ""};
  if (co_await written_against_condition(*client, place))
    co_return ExaminedAccountKey{
        told(Verdict::red, "none yet, and S3 writes there though If-Match names what is not there",
             "Keep the account key in Amazon S3 itself, or in one that honours conditional writes"),
        ""};
  co_return ExaminedAccountKey{
      told(Verdict::green,
           fmt::format("none yet: apply makes it; {} seals and opens for its place, which may be written",
                       place.kms_key)),
      ""};
}

}  // namespace certferry
