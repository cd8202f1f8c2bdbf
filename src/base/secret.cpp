#include "base/secret.h"

#include <mutex>
#include <set>
#include <string.h>  // explicit_bzero
#include <utility>
#include <vector>

namespace certferry {
namespace {

constexpr std::size_t kShortestRedacted = 8;  // shorter ones are words that occur by chance
constexpr std::string_view kSecretMark = "[secret]";

// Every living Secret. The one state of the whole process: a message is made far from where a secret lives, and a
// redaction that somebody must remember to be handed would be forgotten. Nothing decides anything by it.
struct LivingSecrets {
  std::mutex mutex;
  std::set<const Secret*> all;
};

// Never destroyed: secrets may outlive every static.
LivingSecrets& living_secrets() {
  static auto* living = new LivingSecrets;
  return *living;
}

// All of the buffer, not only what is in use: a short string that was swapped away is still in it.
void wipe(std::string& value) noexcept {
  value.resize(value.capacity());
  explicit_bzero(value.data(), value.size());
  value.clear();
}

void cover_occurrences(std::string_view text, std::string_view secret, std::vector<bool>& hidden) {
  for (auto at = text.find(secret); at != std::string_view::npos; at = text.find(secret, at + 1)) {
    hidden.resize(text.size());
    for (std::size_t i = at; i < at + secret.size(); ++i) hidden[i] = true;
  }
}

}  // namespace

Secret::Secret(std::string value) {
  value_.swap(value);
  wipe(value);
  auto& living = living_secrets();
  std::lock_guard lock{living.mutex};
  living.all.insert(this);
}

Secret::Secret(Secret&& other) noexcept {
  auto& living = living_secrets();
  std::lock_guard lock{living.mutex};
  value_.swap(other.value_);
  wipe(other.value_);
  living.all.insert(this);
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  std::lock_guard lock{living_secrets().mutex};
  wipe(value_);  // and two short strings would be swapped through a copy on the stack
  value_.swap(other.value_);
  wipe(other.value_);
  return *this;
}

Secret::~Secret() { forget(); }

void Secret::forget() noexcept {
  auto& living = living_secrets();
  std::lock_guard lock{living.mutex};
  living.all.erase(this);
  wipe(value_);
}

std::string redacted(std::string_view text) {
  std::vector<bool> hidden;  // empty where nothing is
  {
    auto& living = living_secrets();
    std::lock_guard lock{living.mutex};
    for (const Secret* secret : living.all)
      if (secret->reveal().size() >= kShortestRedacted) cover_occurrences(text, secret->reveal(), hidden);
  }
  if (hidden.empty()) return std::string{text};
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!hidden[i])
      shown += text[i];
    else if (i == 0 || !hidden[i - 1])
      shown += kSecretMark;
  }
  return shown;
}

}  // namespace certferry
