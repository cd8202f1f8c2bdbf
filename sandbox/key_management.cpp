#include "sandbox/key_management.h"

#include <fmt/format.h>
#include <optional>

#include "base/failure.h"
#include "crypto/sealed.h"
#include "sandbox/world.h"
#include "wire/base64.h"

namespace certferry::sandbox {
namespace {

constexpr std::string_view kBlobWord = "sandbox-kms-1";
constexpr std::size_t kPlaintextMost = 4096, kCiphertextMost = 6144, kDataKeyMost = 1024;

void append_counted(Bytes& to, std::string_view part) {
  to += fmt::format("{}:", part.size());
  to += part;
}

std::optional<std::string> take_counted(std::string_view& from) {
  auto colon = from.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon > 6) return {};
  std::size_t size = 0;
  for (char c : from.substr(0, colon)) {
    if (c < '0' || c > '9') return {};
    size = size * 10 + static_cast<std::size_t>(c - '0');
  }
  from.remove_prefix(colon + 1);
  if (size > from.size()) return {};
  std::string part{from.substr(0, size)};
  from.remove_prefix(size);
  return part;
}

// What the blob is bound to: the key and every pair of the context, in the order of its keys.
Bytes bound_to(const std::string& key_id, const Json& input) {
  Bytes context;
  append_counted(context, key_id);
  const Json* pairs = input.find("EncryptionContext");
  if (!pairs || !pairs->is_object()) return context;
  for (const auto& [name, value] : pairs->as_object()) {
    if (!value.is_string()) throw Refusal{400, "ValidationException", "EncryptionContext must be strings"};
    append_counted(context, name);
    append_counted(context, value.as_text());
  }
  return context;
}

Bytes blob_of(const std::string& key_id, const Secret& secret, const Secret& plain, const Json& input,
              Entropy& entropy) {
  Bytes blob;
  append_counted(blob, kBlobWord);
  append_counted(blob, key_id);
  return blob + seal(secret, plain, bound_to(key_id, input), entropy);
}

Bytes required_octets(const Json& input, std::string_view member, std::size_t most) {
  auto text = input.text(member);
  auto octets = text ? parse_base64(*text) : std::nullopt;
  if (!octets || octets->empty() || octets->size() > most)
    throw Refusal{
        400, "ValidationException",
        fmt::format("1 validation error detected: Value at '{}' failed to satisfy constraint: Member must have "
                    "length between 1 and {}",
                    member, most)};
  return *octets;
}

std::string required_member(const Json& input, std::string_view member) {
  auto text = input.text(member);
  if (!text || text->empty())
    throw Refusal{
        400, "ValidationException",
        fmt::format("1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must "
                    "not be null",
                    member)};
  return *text;
}

std::size_t data_key_size(const Json& input) {
  auto spec = input.text("KeySpec");
  auto size = input.integer("NumberOfBytes");
  if (spec.has_value() == size.has_value())
    throw Refusal{400, "ValidationException", "Please specify either number of bytes or key spec."};
  if (spec == "AES_256") return 32;
  if (spec == "AES_128") return 16;
  if (!size || *size < 1 || *size > static_cast<std::int64_t>(kDataKeyMost))
    throw Refusal{400, "ValidationException", "KeySpec or NumberOfBytes is out of range"};
  return static_cast<std::size_t>(*size);
}

Bytes random_octets(World& world, std::size_t size) {
  Bytes octets(size, '\0');
  world.entropy().fill(std::as_writable_bytes(std::span{octets}));
  return octets;
}

}  // namespace

http::Response KeyManagement::handle(const http::Request& request, WallTime now) {
  return answer_json(
      world_, "kms", request, now, [&](const std::string& operation, const Json& input, Outcome& outcome) {
        if (denied)
          throw Refusal{
              400, "AccessDeniedException",
              fmt::format("User is not authorized to perform: kms:{} because no identity-based policy allows it",
                          operation)};
        const std::string region = world_.asked_region().empty() ? world_.settings().region : world_.asked_region();
        if (operation == "Encrypt") return encrypt(input, region, outcome);
        if (operation == "Decrypt") return decrypt(input, region, outcome);
        if (operation == "GenerateDataKey") return data_key(input, region, outcome, true);
        if (operation == "GenerateDataKeyWithoutPlaintext") return data_key(input, region, outcome, false);
        if (operation == "DescribeKey") return describe(input, region, outcome);
        throw Refusal{400, "UnknownOperationException", "This sandbox does not know the operation."};
      });
}

void KeyManagement::add(const std::string& alias) {
  std::string digits = hex(random_octets(world_, 16));
  std::string id = fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                               digits.substr(16, 4), digits.substr(20));
  add_key(id, {world_.settings().region});
  aliases_[alias] = id;
}

std::string KeyManagement::add_multi_region(std::set<std::string> replicas) {
  const std::string id = "mrk-" + hex(random_octets(world_, 16));
  replicas.insert(world_.settings().region);
  add_key(id, std::move(replicas));
  return id;
}

void KeyManagement::add_key(const std::string& id, std::set<std::string> regions) {
  keys_.emplace(id, Key{id, Secret{random_octets(world_, 32)}, std::move(regions)});
}

std::string KeyManagement::arn(const std::string& id, const std::string& region) const {
  return fmt::format("arn:aws:kms:{}:{}:key/{}", region, world_.settings().account, id);
}

// An alias is of the world's region alone.
const KeyManagement::Key& KeyManagement::key_named(const std::string& reference, const std::string& region) const {
  std::string name = reference;
  std::string home = fmt::format("arn:aws:kms:{}:", region);
  if (name.starts_with("arn:aws:kms:") && !name.starts_with(home))
    throw Refusal{400, "NotFoundException", fmt::format("Invalid arn {}", region)};
  home += world_.settings().account + ":";
  if (name.starts_with(home)) name = name.substr(home.size());
  if (name.starts_with("key/")) name = name.substr(4);
  auto alias = region == world_.settings().region ? aliases_.find(name) : aliases_.end();
  if (name.starts_with("alias/") && alias == aliases_.end())
    throw Refusal{400, "NotFoundException", fmt::format("Alias {}{} is not found.", home, name)};
  if (alias != aliases_.end()) name = alias->second;
  auto found = keys_.find(name);
  if (found == keys_.end() || !found->second.regions.contains(region))
    throw Refusal{400, "NotFoundException", fmt::format("Key '{}key/{}' does not exist", home, name)};
  return found->second;
}

const KeyManagement::Key* KeyManagement::sealing_key(BytesView blob) const {
  const auto word = take_counted(blob);
  const auto found = keys_.find(take_counted(blob).value_or(""));
  return word != kBlobWord || found == keys_.end() ? nullptr : &found->second;
}

std::optional<std::string> KeyManagement::key_arn(const Json& input, const std::string& region) const {
  if (region.empty()) return key_arn(input, world_.settings().region);
  try {
    if (const auto named = input.text("KeyId")) return arn(key_named(*named, region).id, region);
    const Key* key = sealing_key(required_octets(input, "CiphertextBlob", kCiphertextMost));
    return key == nullptr || !key->regions.contains(region) ? std::nullopt : std::optional{arn(key->id, region)};
  } catch (const Refusal&) {
    return {};
  }
}

Json KeyManagement::encrypt(const Json& input, const std::string& region, Outcome& outcome) const {
  const Key& key = key_named(required_member(input, "KeyId"), region);
  outcome.object = key.id;
  Secret plain{required_octets(input, "Plaintext", kPlaintextMost)};
  return Json::object({{"CiphertextBlob", base64(blob_of(key.id, key.secret, plain, input, world_.entropy()))},
                       {"KeyId", arn(key.id, region)},
                       {"EncryptionAlgorithm", "SYMMETRIC_DEFAULT"}});
}

Json KeyManagement::decrypt(const Json& input, const std::string& region, Outcome& outcome) const {
  Bytes blob = required_octets(input, "CiphertextBlob", kCiphertextMost);
  const std::optional<std::string> said = input.text("KeyId");
  const Key* named = said ? &key_named(*said, region) : nullptr;
  const Key* key = sealing_key(blob);
  if (key == nullptr || !key->regions.contains(region)) throw Refusal{400, "InvalidCiphertextException", ""};
  outcome.object = key->id;
  if (named != nullptr && named != key)
    throw Refusal{400, "IncorrectKeyException",
                  "The key ID in the request does not identify a CMK that can perform this operation."};
  std::string_view rest = blob;
  take_counted(rest), take_counted(rest);
  try {
    Secret plain = unseal(key->secret, rest, bound_to(key->id, input));
    return Json::object({{"Plaintext", base64(plain.reveal())},
                         {"KeyId", arn(key->id, region)},
                         {"EncryptionAlgorithm", "SYMMETRIC_DEFAULT"}});
  } catch (const Failure&) {
    throw Refusal{400, "InvalidCiphertextException", ""};
  }
}

Secret KeyManagement::opened(BytesView ciphertext, const Json& encryption_context) const {
  Outcome unheard;
  const Json answer =
      decrypt(Json::object({{"CiphertextBlob", base64(ciphertext)}, {"EncryptionContext", encryption_context}}),
              world_.settings().region, unheard);
  return Secret{parse_base64(answer.at("Plaintext").as_text()).value()};
}

Json KeyManagement::data_key(const Json& input, const std::string& region, Outcome& outcome, bool with_plain) {
  const Key& key = key_named(required_member(input, "KeyId"), region);
  outcome.object = key.id;
  Secret plain{random_octets(world_, data_key_size(input))};
  Json answer = Json::object({{"CiphertextBlob", base64(blob_of(key.id, key.secret, plain, input, world_.entropy()))},
                              {"KeyId", arn(key.id, region)}});
  if (with_plain) answer["Plaintext"] = base64(plain.reveal());
  return answer;
}

Json KeyManagement::describe(const Json& input, const std::string& region, Outcome& outcome) const {
  const Key& key = key_named(required_member(input, "KeyId"), region);
  outcome.object = key.id;
  Json metadata = Json::object({{"AWSAccountId", world_.settings().account},
                                {"KeyId", key.id},
                                {"Arn", arn(key.id, region)},
                                {"Enabled", true},
                                {"KeyState", "Enabled"},
                                {"KeyUsage", "ENCRYPT_DECRYPT"},
                                {"KeySpec", "SYMMETRIC_DEFAULT"},
                                {"Origin", "AWS_KMS"},
                                {"KeyManager", "CUSTOMER"}});
  return Json::object({{"KeyMetadata", std::move(metadata)}});
}

}  // namespace certferry::sandbox
