#include "wire/plain_json.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "wire/plain_run.h"

namespace certferry {
namespace {

constexpr std::ptrdiff_t digits_most = 18;  // that many are never too large
constexpr std::string_view escapes = "\"\\/bfnrt", escaped = "\"\\/\b\f\n\r\t";

// Every reader is false where it gives up, which is the end of all.
class PlainReader {
 public:
  PlainReader(std::string_view text, std::size_t levels_most)
      : at_(std::to_address(text.begin())), end_(std::to_address(text.end())), levels_most_(levels_most) {}

  std::optional<Json> whole() {
    std::optional<Json> read{std::in_place};
    if (!value(*read, 0) || next() != '\0' || at_ != end_) read.reset();
    return read;
  }

 private:
  // The letter after blanks; NUL at the end, which no value begins with.
  char next() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }
  bool take(char wanted) {
    if (next() != wanted) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!std::string_view{at_, end_}.starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool value(Json& place, std::size_t above) {
    switch (next()) {
      case '{':
        return above < levels_most_ && object(place, above + 1);
      case '[':
        return above < levels_most_ && array(place, above + 1);
      case '"':
        return text(place);
      case 't':
        place = true;
        return take("true");
      case 'f':
        place = false;
        return take("false");
      case 'n':
        return take("null");
      default:
        return whole_number(place);
    }
  }

  // Our own texts have their keys in order: each belongs at the end.
  bool object(Json& place, std::size_t above) {
    Json::Object members;
    ++at_;
    if (!take('}')) {
      do {
        std::string key;
        if (next() != '"' || !letters(key) || !take(':')) return false;
        const std::size_t before = members.size();
        const auto member = members.try_emplace(members.end(), std::move(key));
        if (members.size() == before || !value(member->second, above)) return false;
      } while (take(','));
      if (!take('}')) return false;
    }
    place = std::move(members);
    return true;
  }

  bool array(Json& place, std::size_t above) {
    Json::Array elements;
    ++at_;
    if (!take(']')) {
      do {
        if (!value(elements.emplace_back(), above)) return false;
      } while (take(','));
      if (!take(']')) return false;
    }
    place = std::move(elements);
    return true;
  }

  bool text(Json& place) {
    std::string read;
    if (!letters(read)) return false;
    place = std::move(read);
    return true;
  }

  bool letters(std::string& read) {
    bool escapes_seen = false;
    for (++at_;;) {
      const char* const run = at_;
      at_ = end_of_plain_run(at_, end_);
      read.append(run, static_cast<std::size_t>(at_ - run));
      if (at_ == end_) return false;
      const char stop = *at_++;
      if (stop == '"') return true;
      if (stop != '\\' || at_ == end_) return false;
      const std::size_t escape = escapes.find(*at_++);
      if (escape == std::string_view::npos) return false;
      if (!std::exchange(escapes_seen, true)) read.reserve(read.size() + 1 + as_far_as_a_quote());
      read += escaped[escape];
    }
  }

  // What is left of a text, as a rule: PEM has an escape in each line.
  std::size_t as_far_as_a_quote() const { return std::min(std::string_view{at_, end_}.find('"'), rest()); }
  std::size_t rest() const { return static_cast<std::size_t>(end_ - at_); }

  bool whole_number(Json& place) {
    const char* const first = at_;
    if (at_ != end_ && *at_ == '-') ++at_;
    const char* const digits = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    const bool zero_first = at_ != digits && *digits == '0' && at_ - first > 1;  // "-0" too
    if (at_ == digits || at_ - digits > digits_most || zero_first) return false;
    if (at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) return false;
    std::int64_t number = 0;
    std::from_chars(first, at_, number);
    place = static_cast<long>(number);
    return true;
  }

  const char* at_;
  const char* const end_;
  const std::size_t levels_most_;
};

}  // namespace

std::optional<Json> plain_json(std::string_view text, std::size_t levels_most) {
  return PlainReader{text, levels_most}.whole();
}

}  // namespace certferry
