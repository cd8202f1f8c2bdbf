#include "state/examination.h"

#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/s3.h"
#include "base/failure.h"
#include "base/limits/doctor.h"
#include "state/random_token.h"
#include "wire/json.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

constexpr const char* trials = "doctor/";
constexpr int trial_format = 1;

Bytes trial_value(WallTime now, int turn) {
  return Json::object({{"format", trial_format}, {"at", iso8601(now)}, {"turn", turn}}).dump();
}

std::optional<WallTime> written_at(const Store::Entry& entry, const std::string& key) {
  const auto at = Json::parse(entry.value, key).text("at");
  return at ? parse_iso8601(*at) : std::nullopt;
}

// Why we are not allowed to remove what is there; empty where we are.
Task<std::optional<Failure>> refused_removal(Work removal) {
  try {
    co_await removal();
  } catch (const Failure& failure) {
    if (!aws::lacks_permission(failure)) throw;
    co_return failure;
  }
  co_return std::nullopt;
}

// The object that an examination writes: a fresh one, or one that another left, with its version.
struct TrialObject {
  Store::Key key;
  std::optional<Store::Version> taken;
};

// Removes the test objects of examinations that are over. Where that is not allowed, one of them is taken again, lest
// each examination leave one more.
Task<TrialObject> trial_object(Outside& outside, Store& store) {
  const WallTime now = outside.clock.now();
  TrialObject trial{trials + random_token(outside.entropy), std::nullopt};
  for (const Store::Key& key : co_await store.list(trials)) {
    const auto entry = co_await store.get(key);
    if (!entry) continue;
    const auto at = written_at(*entry, key);
    if (at && now - *at < limits::doctor::trial_lives) continue;
    const auto stays = co_await refused_removal([&]() -> Task<> { co_await store.remove(key, entry->version); });
    if (!stays || trial.taken) continue;
    const auto taken = co_await store.put(key, trial_value(now, 1), entry->version);
    if (const auto* version = std::get_if<Store::Version>(&taken)) trial = {key, *version};
  }
  co_return trial;
}

// What a store lets pass that it ought to refuse; "" where there is nothing.
Task<std::string> wrongly_accepted(Store& store, TrialObject trial, WallTime now) {
  const auto& [key, taken] = trial;
  std::optional<Store::Version> first = taken;
  if (!first) {
    const auto created = co_await store.put(key, trial_value(now, 1), std::nullopt);
    if (std::holds_alternative<Conflict>(created)) co_return "it says that a fresh name is taken";
    first = std::get<Store::Version>(created);
  }
  if (std::holds_alternative<Store::Version>(co_await store.put(key, trial_value(now, 2), std::nullopt)))
    co_return "it writes over what is there, though If-None-Match forbids it";
  const auto replaced = co_await store.put(key, trial_value(now, 3), first);
  const auto* second = std::get_if<Store::Version>(&replaced);
  if (second == nullptr) co_return "it refuses to replace what is there, though If-Match names it";
  if (std::holds_alternative<Store::Version>(co_await store.put(key, trial_value(now, 4), first)))
    co_return "it replaces what somebody else has written, though If-Match names something older";
  bool removed = false;
  co_await refused_removal(
      [&]() -> Task<> { removed = std::holds_alternative<Done>(co_await store.remove(key, *first)); });
  co_return removed ? "it removes what somebody else has written, though If-Match names something older" : "";
}

// Whatever is there by now.
Task<> remove_trial(Store& store, std::string key) {
  if (const auto entry = co_await store.get(key)) co_await store.remove(key, entry->version);
}

// What may not be removed is said to be of long ago: nobody uses it, and the next examination takes it again.
Task<> give_up_trial(Store& store, std::string key) {
  if (const auto entry = co_await store.get(key)) co_await store.put(key, trial_value(WallTime{}, 0), entry->version);
}

}  // namespace

Task<Finding> examine_conditional_writes(Outside& outside, Store& store) {
  const WallTime now = outside.clock.now();
  const TrialObject trial = co_await trial_object(outside, store);
  const Store::Key& key = trial.key;
  std::string wrong;
  std::exception_ptr failed;
  try {
    wrong = co_await wrongly_accepted(store, trial, now);
  } catch (const Failure&) {
    failed = std::current_exception();
  }
  std::optional<Failure> stays;
  if (!failed) stays = co_await refused_removal([&]() -> Task<> { co_await remove_trial(store, key); });
  if (failed) {
    try {
      co_await remove_trial(store, key);
    } catch (const Failure&) {
      // The first failure says why; what may be left, the next examination removes.
    }
    std::rethrow_exception(failed);
  }
  if (stays) co_await give_up_trial(store, key);
  Finding finding{Verdict::green, "state", "state " + store.place(), "", ""};
  const std::string left = fmt::format("the test object {}{}", store.place(), key);
  if (wrong.empty() && stays) {
    finding.verdict = Verdict::yellow;
    finding.found = fmt::format(
        "it is reached, and conditional writes work, but nothing may be removed ({}): apply goes on, keys of former "
        "certificates stay, and so does {}",
        stays->what(), left);
    finding.next = stays->next();
    co_return finding;
  }
  if (wrong.empty()) {
    finding.found = "it is reached, and conditional writes work (tried with a test object, which is removed again)";
    co_return finding;
  }
  finding.verdict = Verdict::red;
  finding.found =
      fmt::format("{}: two instances could do the same work at once{}", wrong, stays ? "; " + left + " stays" : "");
  finding.next = "Keep the state in Amazon S3 itself, or in one that honours conditional writes";
  co_return finding;
}

Task<std::optional<Finding>> examine_versions(aws::Client& client, std::string bucket) {
  const std::string subject = "versions of bucket " + bucket;
  bool kept = false;
  try {
    kept = co_await aws::S3{client}.versioned(bucket);
  } catch (const Failure& failure) {
    if (failure.code() != "NoSuchBucket") throw;
    co_return std::nullopt;
  }
  if (kept) co_return Finding{Verdict::green, "versions", subject, "kept: what is lost by mistake can be had back", ""};
  co_return Finding{Verdict::yellow, "versions", subject,
                    "not kept: what is overwritten or deleted by mistake is lost, keys among it",
                    fmt::format("Type: aws s3api put-bucket-versioning --bucket {} --versioning-configuration "
                                "Status=Enabled",
                                bucket)};
}

Task<Finding> examine_sealing(Entropy& entropy, Sealing& seals, Sealing& opens, std::string kms_key,
                              std::string context) {
  const std::string probe = random_token(entropy);
  const Bytes sealed = co_await seals.seal(Secret{probe}, context);
  const Secret opened = co_await opens.open(sealed, context);
  const std::string subject = "KMS key " + kms_key;
  if (opened.reveal() != probe)
    co_return Finding{Verdict::red, "kms", subject, "what it opens is not what was sealed",
                      "Use another key; this one would lose every secret"};
  co_return Finding{Verdict::green, "kms", subject,
                    fmt::format("seals and opens with the encryption context certferry={} (nothing is kept)", context),
                    ""};
}

}  // namespace certferry
