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

std::string spelled_in(std::string_view alphabet, BytesView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (unsigned char octet : bytes) {
    bits = (bits << 8 | octet) & 0xffffff;
    for (held += 8; held >= 6; held -= 6) text += alphabet[bits >> (held - 6) & 63];
  }
  if (held > 0) text += alphabet[bits << (6 - held) & 63];
  return text;
}

// The octets of letters of one alphabet, without padding; empty on another letter or a length no encoder makes.
std::optional<Bytes> read_letters(const std::array<std::int8_t, 256>& sextets, std::string_view text, bool spare_bits) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (unsigned char letter : text) {
    if (sextets[letter] < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(sextets[letter])) & 0xffffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
  }
  if (!spare_bits && (bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

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
  std::string letters;
  letters.reserve(text.size());
  std::size_t padding = 0;
  for (char letter : text) {
    if (letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n') continue;
    if (letter == '=') {
      ++padding;
    } else if (padding > 0) {
      return std::nullopt;
    } else {
      letters += letter;
    }
  }
  if (padding > 2 || (padding > 0 && (letters.size() + padding) % 4 != 0)) return std::nullopt;
  return read_letters(sextets, letters, true);
}

std::string base64url(BytesView bytes) { return spelled_in(url_alphabet, bytes); }

std::optional<Bytes> parse_base64url(std::string_view text) {
  static constexpr auto sextets = sextets_of(url_alphabet);
  return read_letters(sextets, text, false);
}

std::string hex(BytesView bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (unsigned char octet : bytes) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
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
