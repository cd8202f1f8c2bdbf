#include "wire/base64.h"

#include <array>
#include <cstdint>

namespace certferry {
namespace {

constexpr std::string_view standard_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// What each octet stands for; -1 where it is none of the alphabet.
constexpr std::array<std::int8_t, 256> sextets_of(std::string_view alphabet) {
  std::array<std::int8_t, 256> sextets{};
  sextets.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    sextets[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return sextets;
}

// Three octets are four letters, until fewer are left.
std::string spelled_in(std::string_view alphabet, BytesView bytes) {
  std::string text((bytes.size() * 4 + 2) / 3, '\0');
  char* out = text.data();
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3) {
    *out++ = alphabet[in[0] >> 2];
    *out++ = alphabet[(in[0] << 4 | in[1] >> 4) & 63];
    *out++ = alphabet[(in[1] << 2 | in[2] >> 6) & 63];
    *out++ = alphabet[in[2] & 63];
  }
  if (left == 0) return text;
  *out++ = alphabet[in[0] >> 2];
  *out++ = alphabet[(in[0] << 4 | (left == 2 ? in[1] >> 4 : 0)) & 63];
  if (left == 2) *out = alphabet[in[1] << 2 & 63];
  return text;
}

// Takes letters of one alphabet and gives octets as they are whole.
class LetterReader {
 public:
  LetterReader(const std::array<std::int8_t, 256>& sextets, std::size_t letters_most)
      : sextets_(sextets), bytes_(letters_most * 3 / 4, '\0') {}

  // Off the front of `text`, four at a time while they are letters, where what was taken before is whole octets.
  void take_fours(std::string_view& text) {
    if (letters_ % 4 != 0) return;
    while (text.size() >= 4) {
      const auto sextet = [&](std::size_t i) { return std::int32_t{sextets_[static_cast<unsigned char>(text[i])]}; };
      const std::int32_t first = sextet(0), second = sextet(1), third = sextet(2), fourth = sextet(3);
      if ((first | second | third | fourth) < 0) return;
      bytes_[octets_++] = static_cast<char>(first << 2 | second >> 4);
      bytes_[octets_++] = static_cast<char>((second << 4 | third >> 2) & 0xff);
      bytes_[octets_++] = static_cast<char>((third << 6 | fourth) & 0xff);
      letters_ += 4;
      text.remove_prefix(4);
    }
  }
  bool take(char letter) {
    const std::int8_t sextet = sextets_[static_cast<unsigned char>(letter)];
    if (sextet < 0) return false;
    bits_ = bits_ << 6 | static_cast<std::uint32_t>(sextet);
    if (++letters_ % 4 != 1) bytes_[octets_++] = static_cast<char>(bits_ >> spare() & 0xff);
    return true;
  }
  std::size_t letters() const { return letters_; }
  // Empty on a length that no encoder makes, and on bits that belong to no octet where `spare_bits` are refused.
  std::optional<Bytes> octets(bool spare_bits) {
    if (letters_ % 4 == 1) return std::nullopt;
    if (!spare_bits && (bits_ & ((1U << spare()) - 1)) != 0) return std::nullopt;
    bytes_.resize(octets_);
    return std::move(bytes_);
  }

 private:
  std::size_t spare() const { return letters_ * 6 % 8; }  // bits after the last whole octet
  const std::array<std::int8_t, 256>& sextets_;
  Bytes bytes_;
  std::uint32_t bits_ = 0;  // the latest
  std::size_t letters_ = 0, octets_ = 0;
};

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::string base64(BytesView bytes) {
  std::string text = spelled_in(standard_alphabet, bytes);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<Bytes> parse_base64(std::string_view text) {
  static constexpr auto sextets = sextets_of(standard_alphabet);
  LetterReader reader{sextets, text.size()};
  std::size_t padding = 0;
  while (!text.empty()) {
    if (padding == 0) reader.take_fours(text);
    if (text.empty()) break;
    const char letter = text.front();
    text.remove_prefix(1);
    if (letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n') continue;
    if (letter == '=')
      ++padding;
    else if (padding > 0 || !reader.take(letter))
      return std::nullopt;
  }
  if (padding > 2 || (padding > 0 && (reader.letters() + padding) % 4 != 0)) return std::nullopt;
  return reader.octets(true);
}

std::string base64url(BytesView bytes) { return spelled_in(url_alphabet, bytes); }

std::optional<Bytes> parse_base64url(std::string_view text) {
  static constexpr auto sextets = sextets_of(url_alphabet);
  LetterReader reader{sextets, text.size()};
  reader.take_fours(text);
  for (const char letter : text)
    if (!reader.take(letter)) return std::nullopt;
  return reader.octets(false);
}

std::string hex(BytesView bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text(bytes.size() * 2, '\0');
  char* out = text.data();
  for (unsigned char octet : bytes) {
    *out++ = digits[octet >> 4];
    *out++ = digits[octet & 15];
  }
  return text;
}

std::optional<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = hex_digit(text[i]);
    int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace certferry
