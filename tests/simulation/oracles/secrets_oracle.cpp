#include "secrets_oracle.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/failure.h"
#include "crypto/private_key.h"
#include "wire/base64.h"
#include "wire/url.h"

namespace certferry::simulation {
namespace {

constexpr unsigned private_mode = 0600;
constexpr std::size_t shortest_needle = 12, bits_of_two_octets = 65536;

// What of a key nobody else knows: an elliptic key's scalar, an RSA key's primes and exponent.
std::vector<Bytes> secret_numbers(BytesView pkcs8) {
  std::vector<Bytes> numbers;
  const PrivateKey key = PrivateKey::from_der(Secret{Bytes{pkcs8}});
  for (const char* name :
       {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2}) {
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key.get(), name, &number) != 1) continue;
    Bytes octets(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(octets.data()));
    BN_free(number);
    numbers.push_back(std::move(octets));
  }
  return numbers;
}

// Base64 of whatever holds `octets` has one of these in it: what comes before shifts them by no, one or two octets, and
// the characters at both ends are shared with their neighbours.
std::vector<std::string> inside_of_base64(BytesView octets, std::string (*encoded)(BytesView)) {
  std::vector<std::string> forms;
  for (const std::size_t before : {0U, 1U, 2U}) {
    std::string text = encoded(Bytes(before, '\0') + Bytes{octets});
    while (text.ends_with('=')) text.pop_back();
    forms.push_back(text.substr(before == 0 ? 0 : before + 1, text.size() - (before == 0 ? 0 : before + 1) - 1));
  }
  return forms;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

// A PEM's lines as one, whether their ends are octets or JSON's escapes of them.
std::string without_line_ends(std::string_view text) {
  std::string joined;
  joined.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') continue;
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == 'r')) {
      ++i;
      continue;
    }
    joined += text[i];
  }
  return joined;
}

// Where any of many needles stands: most places are passed over by their first two octets.
class Search {
 public:
  explicit Search(const std::set<Bytes>& needles) {
    for (const Bytes& needle : needles) {
      if (needle.size() < shortest_needle) continue;
      begins_.set(two_octets(needle.data()));
      by_beginning_[two_octets(needle.data())].push_back(&needle);
    }
  }
  bool finds_in(BytesView text) const {
    for (std::size_t i = 0; i + shortest_needle <= text.size(); ++i) {
      const std::size_t beginning = two_octets(text.data() + i);
      if (!begins_.test(beginning)) continue;
      for (const Bytes* needle : by_beginning_.at(beginning))
        if (text.substr(i, needle->size()) == *needle) return true;
    }
    return false;
  }

 private:
  static std::size_t two_octets(const char* at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(at[0])) * 256 + static_cast<unsigned char>(at[1]);
  }
  std::bitset<bits_of_two_octets> begins_;
  std::unordered_map<std::size_t, std::vector<const Bytes*>> by_beginning_;
};

// The one place where a session's token belongs, over TLS.
bool is_session_token(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name == "x-amz-security-token";
}

// The one place where a private key belongs: IAM's upload, over TLS.
std::string body_without_the_upload(const http::Request& request) {
  if (!request.body.contains("Action=UploadServerCertificate")) return request.body;
  std::string rest;
  for (const auto& [name, value] : parse_query(request.body, true))
    if (name != "PrivateKey") rest += name + "=" + value + "\n";
  return rest;
}

}  // namespace

void SecretsOracle::add_secret(BytesView secret) {
  needles_.insert(Bytes{secret});
  needles_.insert(hex(secret));
  needles_.insert(upper(hex(secret)));
  for (const auto encoded : {base64, base64url})
    for (std::string& form : inside_of_base64(secret, encoded)) needles_.insert(std::move(form));
}

void SecretsOracle::add_private_key(BytesView pkcs8) {
  if (!private_keys_.insert(Bytes{pkcs8}).second) return;
  for (const Bytes& number : secret_numbers(pkcs8)) add_secret(number);
}

void SecretsOracle::keep(std::string where, std::string text) { kept_.emplace_back(std::move(where), std::move(text)); }

void SecretsOracle::stored(const std::string& key, const Bytes& value) {
  keep(fmt::format("{} as it was stored after effect {}", key, simulated_.effects() - 1), value);
}

void SecretsOracle::sent(const http::Request& request) {
  std::string text = request.method + " " + request.url.text() + "\n";
  const bool in_clear = !request.url.text().starts_with("https:");
  for (const auto& [name, value] : request.headers.fields())
    if (in_clear || !is_session_token(name)) text += name + ": " + value + "\n";
  text += in_clear ? request.body : body_without_the_upload(request);
  keep(fmt::format("a request to {} {} after effect {}", request.url.host(), request.url.path(),
                   simulated_.effects() - 1),
       std::move(text));
}

std::vector<std::string> SecretsOracle::leaks() const {
  std::vector<std::string> found;
  std::set<Bytes> needles = needles_;
  needles.insert("PRIVATE KEY-----");
  const Search search{needles};
  const auto look = [&](const std::string& where, std::string_view text) {
    const bool in_lines = text.contains('\n') || text.contains("\\n");
    if (search.finds_in(text) || (in_lines && search.finds_in(without_line_ends(text))))
      found.push_back("a secret stands in " + where);
  };
  for (const auto& [where, text] : kept_) look(where, text);
  for (const std::string& line : simulated_.trace().lines()) look("the trace: " + line.substr(0, line.find(' ')), line);
  for (std::size_t process = 0; process < simulated_.processes(); ++process)
    for (const std::string& line : simulated_.said(process)) look(fmt::format("the log of process {}", process), line);
  for (const auto& [path, node] : simulated_.machine().nodes)
    if (node.mode != private_mode) look(path, node.content);
  for (const Command& command : simulated_.machine().commands)
    for (const std::string& word : command.argv) look("a command", word);
  return found;
}

}  // namespace certferry::simulation
