#include "aws/kms.h"

#include <fmt/format.h>
#include <optional>
#include <vector>

#include "aws/errors.h"
#include "aws/json_protocol.h"
#include "base/failure.h"
#include "base/limits/kms.h"
#include "wire/base64.h"

namespace certferry::aws {
namespace {

constexpr JsonDialect kms_dialect{"1.1", "TrentService"};

Json context_json(const EncryptionContext& context) {
  Json out = Json::object();
  for (const auto& [key, value] : context) out[key] = value;
  return out;
}

// key: "" where the ciphertext says which.
Call kms_call(std::string operation, const std::string& key, const EncryptionContext& context, Json input) {
  if (!context.empty()) input["EncryptionContext"] = context_json(context);
  if (!key.empty()) input["KeyId"] = key;
  return json_call("kms", kms_dialect, std::move(operation), key.empty() ? "the key that sealed it" : "key " + key,
                   input);
}

Bytes blob_in(const Call& call, const http::Response& answer, std::string_view member) {
  std::optional<Bytes> bytes = parse_base64(json_answer(call, answer).text(member).value_or(""));
  if (!bytes || bytes->empty()) throw unfit_answer(call, fmt::format("the answer has no {}", member));
  return std::move(*bytes);
}

Encrypted encrypted_in(const Call& call, const http::Response& answer) {
  return {blob_in(call, answer, "CiphertextBlob"), json_answer(call, answer).text("KeyId").value_or("")};
}

// What `region` calls a multi-Region key that has this ARN in another one; empty where it is none such.
// source: KMS developer guide, "Multi-Region keys": related keys share an id, which begins with mrk-, 2026-11-29
std::optional<Arn> replica_of(const std::string& key_arn, std::string_view region) {
  try {
    const Arn arn = Arn::parse(key_arn);
    if (arn.service() != "kms" || arn.region() == region || !arn.resource().starts_with("key/mrk-")) return {};
    return Arn::parse(fmt::format("arn:{}:kms:{}:{}:{}", arn.partition(), region, arn.account(), arn.resource()));
  } catch (const Failure&) {
    return {};  // an id, or nothing
  }
}

Failure not_by_replica(const Failure& why, const std::string& sealed_by, const Arn& replica) {
  Failure said = why.within(fmt::format("it was sealed by {}, of another region", quoted(sealed_by, 200)));
  if (said.code() != "NotFoundException") return said;
  return Failure{said.kind(), said.what(),
                 fmt::format("Replicate the KMS key into {}, or run in {} again", replica.region(),
                             quoted(Arn::parse(sealed_by).region(), 60))}
      .with_code(said.code());
}

}  // namespace

Task<DataKey> Kms::generate_data_key(const std::string& key, const EncryptionContext& context) {
  Call call = kms_call("GenerateDataKey", key, context, Json::object({{"KeySpec", "AES_256"}}));
  http::Response answer = co_await client_.send(call);
  co_return DataKey{Secret{blob_in(call, answer, "Plaintext")}, encrypted_in(call, answer)};
}

Task<Encrypted> Kms::encrypt(const std::string& key, const Secret& plain, const EncryptionContext& context) {
  if (plain.reveal().size() > limits::kms::plaintext_longest)
    throw Failure(Failure::Kind::refused, "KMS Encrypt on key " + key + ": more than 4,096 bytes",
                  "Seal larger values with a data key");
  Call call = kms_call("Encrypt", key, context, Json::object({{"Plaintext", base64(plain.reveal())}}));
  http::Response answer = co_await client_.send(call);
  co_return encrypted_in(call, answer);
}

Task<Secret> Kms::decrypt(const SealingKmsKey& key, const Bytes& ciphertext, const EncryptionContext& context) {
  std::vector<std::string> names{key.name};
  if (key.arn != key.name) names.push_back(key.arn);
  std::optional<Failure> failed;
  for (const std::string& name : names) {
    try {
      co_return co_await decrypt_by(name, ciphertext, context);
    } catch (const Failure& failure) {
      if (failure.code() != "IncorrectKeyException" && failure.code() != "NotFoundException") throw;
      failed = failure;
    }
  }
  const std::optional<Arn> replica = replica_of(key.arn, client_.region());
  if (!replica || failed->code() != "NotFoundException") throw Failure{*failed};
  try {
    co_return co_await decrypt_by(replica->text(), ciphertext, context);
  } catch (const Failure& failure) {
    throw not_by_replica(failure, key.arn, *replica);
  }
}

Task<Secret> Kms::decrypt_by(const std::string& key, const Bytes& ciphertext, const EncryptionContext& context) {
  Call call = kms_call("Decrypt", key, context, Json::object({{"CiphertextBlob", base64(ciphertext)}}));
  http::Response answer = co_await client_.send(call);
  co_return Secret{blob_in(call, answer, "Plaintext")};
}

Task<Arn> Kms::key_arn(const std::string& key) {
  Call call = kms_call("DescribeKey", key, {}, Json::object());
  http::Response answer = co_await client_.send(call);
  try {
    co_return Arn::parse(Json::parse(answer.body, "the answer").at("KeyMetadata").at("Arn").as_text());
  } catch (const Failure&) {
    throw unfit_answer(call, "the answer has no key's ARN");
  }
}

}  // namespace certferry::aws
