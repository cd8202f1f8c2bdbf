#include "crypto/pem.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "wire/base64.h"

namespace certferry {
namespace {

constexpr std::string_view dashes = "-----";
constexpr std::size_t longest_label = 60;

Failure pem_refused(std::size_t line, std::string_view what) {
  return Failure(Failure::Kind::refused, fmt::format("Reading PEM, line {}: {}", line, what),
                 "Give PEM blocks, each from its BEGIN line to its END line.");
}

// "-----BEGIN X-----" to "X"; empty where the line is no such line.
std::string_view label_in(std::string_view line, std::string_view word) {
  const auto took = [&line](std::string_view start) {
    const bool there = line.starts_with(start);
    if (there) line.remove_prefix(start.size());
    return there;
  };
  if (!took(dashes) || !took(word) || !took(" ") || !line.ends_with(dashes) || line == dashes) return {};
  line.remove_suffix(dashes.size());
  return line.size() <= longest_label ? line : std::string_view{};
}

// Hands out lines without their ends and the blanks before those.
class PemLines {
 public:
  explicit PemLines(std::string_view text) : rest_(text) {}
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    ++number_;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    const std::size_t last = line.find_last_not_of(" \t\r");
    line = last == std::string_view::npos ? std::string_view{} : line.substr(0, last + 1);
    return true;
  }
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

PemBlock block_from(PemLines& lines, std::string_view label) {
  const std::size_t begun = lines.number();
  std::string encoded;
  for (std::string_view line; lines.next(line);) {
    if (line.starts_with(dashes)) {
      if (label_in(line, "END") != label) throw pem_refused(lines.number(), "the END line of another block");
      auto content = parse_base64(encoded);
      if (!content || content->empty()) throw pem_refused(begun, "what the block holds is no base64");
      return {std::string{label}, std::move(*content)};
    }
    encoded += line;
  }
  throw pem_refused(begun, "the block has no END line");
}

}  // namespace

std::vector<PemBlock> parse_pem(BytesView text, PemText outside) {
  std::vector<PemBlock> blocks;
  PemLines lines{text};
  for (std::string_view line; lines.next(line);) {
    const std::string_view label = label_in(line, "BEGIN");
    if (!label.empty())
      blocks.push_back(block_from(lines, label));
    else if (!line.empty() && outside == PemText::refused)
      throw pem_refused(lines.number(), "text outside of a block");
  }
  return blocks;
}

std::string pem_block(std::string_view label, BytesView content) {
  constexpr std::size_t columns = 64;
  const std::string encoded = base64(content);
  std::string text = fmt::format("{}BEGIN {}{}\n", dashes, label, dashes);
  text.reserve(2 * text.size() + encoded.size() + encoded.size() / columns + columns);
  for (std::size_t at = 0; at < encoded.size(); at += columns) text.append(encoded, at, columns) += '\n';
  return text + fmt::format("{}END {}{}\n", dashes, label, dashes);
}

}  // namespace certferry
