#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "base/failure.h"
#include "crypto/digest.h"
#include "crypto/sealed.h"
#include "state/envelope.h"
#include "state/private_file.h"
#include "state/vault.h"
#include "wire/base64.h"

namespace certferry {
namespace {

constexpr std::size_t sealing_key_octets = 32;  // AES-256
constexpr unsigned sealing_key_mode = 0600;
constexpr std::size_t key_name_digits = 16;

// Tells one key file from another without saying what is in it.
std::string key_name(const Secret& key) { return hex(sha256(key.reveal())).substr(0, key_name_digits); }

// The key, and under it its name: a digit that the disk lost is no other key, under which things would be sealed that
// nobody could open once the file is restored.
Bytes key_file(const Secret& key) { return fmt::format("{}\n{}\n", hex(key.reveal()), key_name(key)); }

// Nothing where it is none, or damaged. Earlier files hold no name.
std::optional<Secret> parse_key_file(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
  std::optional<Bytes> octets = parse_hex(text.substr(0, end));
  if (!octets || octets->size() != sealing_key_octets) return {};
  Secret key{std::move(*octets)};
  const std::size_t name = std::min(text.find_first_not_of("\r\n", end), text.size());
  if (name < text.size() && text.substr(name) != key_name(key)) return {};
  return key;
}

class FileSealing final : public Sealing {
 public:
  FileSealing(Outside& outside, Path key_file) : outside_(outside), key_file_(std::move(key_file)) {}

  Task<Bytes> seal(Secret plain, std::string context) override {
    Secret key = co_await key_made_if_absent();
    Envelope envelope{.sealing = "file",
                      .key = key_name(key),
                      .key_arn = "",
                      .data_key = {},
                      .sealed = certferry::seal(key, plain, context, outside_.entropy)};
    co_return to_bytes(envelope);
  }

  Task<Secret> open(Bytes sealed, std::string context) override {
    Envelope envelope = parse_envelope(sealed, "file", context);
    std::optional<Secret> key = co_await key_there();
    if (!key)
      throw Failure(Failure::Kind::refused,
                    fmt::format("sealed secret {}: its key file {} is gone", context, key_file_),
                    fmt::format("Restore {} from where it was backed up", key_file_));
    if (key_name(*key) != envelope.key)
      throw Failure(
          Failure::Kind::refused,
          fmt::format("sealed secret {}: {} holds another key than the one that sealed it", context, key_file_),
          fmt::format("Restore the former {} from where it was backed up", key_file_));
    co_return unseal(*key, envelope.sealed, context);
  }

 private:
  Task<std::optional<Secret>> key_there() {
    const std::optional<Secret> shown = co_await read_private_file(outside_, key_file_);
    if (!shown) co_return std::nullopt;
    std::optional<Secret> key = parse_key_file(shown->reveal());
    if (!key)
      throw Failure(Failure::Kind::refused, fmt::format("{}: this is no key of a store, or it is damaged", key_file_),
                    fmt::format("Restore {} from where it was backed up", key_file_));
    co_return key;
  }

  // Of two that make it at once the first counts: what is read back. Nothing is sealed under one that a loss of power
  // could take away again, whoever made it.
  Task<Secret> key_made_if_absent() {
    Turn::Held held = co_await turn_.take();
    std::optional<Secret> key = co_await key_there();
    if (!key) {
      Bytes fresh(sealing_key_octets, '\0');
      outside_.entropy.fill(std::as_writable_bytes(std::span{fresh}));
      const Secret made{std::move(fresh)};
      co_await outside_.host.create(key_file_, key_file(made), FileMode{sealing_key_mode});
      key = co_await key_there();
    }
    if (key) {
      if (!synced_) co_await outside_.host.sync(key_file_);
      synced_ = true;
      co_return std::move(*key);
    }
    throw Failure(Failure::Kind::refused, fmt::format("{}: it vanished right after it was written", key_file_),
                  "Give the store a directory that keeps its files");
  }

  Outside& outside_;
  Path key_file_;
  bool synced_ = false;  // the file
  Turn turn_;
};

}  // namespace

std::unique_ptr<Sealing> file_sealing(Outside& outside, Path key_file) {
  return std::make_unique<FileSealing>(outside, std::move(key_file));
}

}  // namespace certferry
