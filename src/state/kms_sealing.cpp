#include <map>
#include <optional>

#include "base/failure.h"
#include "crypto/sealed.h"
#include "state/envelope.h"
#include "state/vault.h"

namespace certferry {
namespace {

// The name under which KMS binds a data key to where its secret lies; the `policy` command may demand it.
constexpr const char* context_name = "certferry";

class KmsSealing final : public Sealing {
 public:
  KmsSealing(Entropy& entropy, aws::Client& client, std::string kms_key)
      : entropy_(entropy), kms_(client), kms_key_(std::move(kms_key)) {}

  // The data key is not kept for opening: what is read back shows that KMS opens it, too, for us.
  Task<Bytes> seal(Secret plain, std::string context) override {
    aws::DataKey data_key = co_await kms_.generate_data_key(kms_key_, {{context_name, context}});
    co_return to_bytes(Envelope{.sealing = "kms",
                                .key = kms_key_,
                                .key_arn = std::move(data_key.sealed.key_arn),
                                .data_key = std::move(data_key.sealed.ciphertext),
                                .sealed = certferry::seal(data_key.plain, plain, context, entropy_)});
  }

  // With the key that the envelope names, so that secrets outlive a change of kms_key, and of the key behind an alias.
  // That lets nobody choose a key for us: the policy of the role allows our keys alone.
  Task<Secret> open(Bytes sealed, std::string context) override {
    Envelope envelope = parse_envelope(sealed, "kms", context);
    auto known = data_keys_.find(envelope.data_key);
    if (known == data_keys_.end()) {
      known = data_keys_.insert_or_assign(envelope.data_key, co_await data_key_of(envelope, context)).first;
    }
    co_return unseal(known->second, envelope.sealed, context);
  }

 private:
  Task<Secret> data_key_of(Envelope envelope, std::string context) {
    std::optional<Failure> failed;
    try {
      co_return co_await kms_.decrypt({envelope.key, envelope.key_arn}, envelope.data_key, {{context_name, context}});
    } catch (const Failure& failure) {
      failed = failure.within("sealed secret " + context);
    }
    throw Failure{*failed};
  }

  Entropy& entropy_;
  aws::Kms kms_;
  std::string kms_key_;
  std::map<Bytes, Secret> data_keys_;  // by ciphertext, of what was opened
};

}  // namespace

std::unique_ptr<Sealing> kms_sealing(Outside& outside, aws::Client& client, std::string kms_key) {
  return std::make_unique<KmsSealing>(outside.entropy, client, std::move(kms_key));
}

}  // namespace certferry
