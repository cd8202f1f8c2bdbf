#include "wire/json.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/failure.h"
#include "base/limits/http.h"
#include "wire/plain_json.h"
#include "wire/plain_run.h"

namespace certferry {
namespace {

constexpr std::size_t deepest = limits::http::json_depth;

// Walks the text for the library and tells us how far it has come, so that our own refusals have a place too.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  CountedText(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  CountedText& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  CountedText operator++(int) {
    CountedText before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountedText& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

std::string place_in(std::string_view text, std::size_t offset) {
  std::string_view before = text.substr(0, offset);
  std::size_t line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
  std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {}", line, std::max<std::size_t>(1, before.size() - line_start));
}

// The library's sentence without its prefix, and without the input it quotes: that may hold a secret.
std::string library_reason(std::string_view sentence) {
  if (std::size_t colon = sentence.find(": "); colon != std::string_view::npos) sentence.remove_prefix(colon + 2);
  sentence = sentence.substr(0, sentence.find("; last read:"));
  if (sentence.contains("number overflow")) return "a number is too large";
  return quoted(sentence, 200);
}

// Builds our value from the library's events; false stops it.
class JsonBuilder {
 public:
  const std::string& reason() const { return reason_; }
  Json take() { return std::move(root_); }

  bool null() { return place(Json{}); }
  bool boolean(bool value) { return place(value); }
  bool number_integer(std::int64_t value) { return place(value); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return place(static_cast<double>(value));
    return place(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string&) { return place(value); }
  bool string(std::string& value) { return place(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) { return refuse("binary data"); }
  bool start_object(std::size_t) { return enter(Json::object()); }
  bool end_object() { return leave(); }
  bool start_array(std::size_t) { return enter(Json::array()); }
  bool end_array() { return leave(); }
  bool key(std::string& name) {
    if (open_.back()->find(name)) return refuse(fmt::format("the key \"{}\" stands twice", quoted(name, 60)));
    slot_ = &(*open_.back())[name];
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) {
    return refuse(library_reason(error.what()));
  }

 private:
  bool refuse(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  Json* put(Json value) {
    if (slot_) {
      *slot_ = std::move(value);
      return std::exchange(slot_, nullptr);
    }
    if (open_.empty()) return &(root_ = std::move(value));
    return &open_.back()->append(std::move(value));
  }
  bool place(Json value) {
    put(std::move(value));
    return true;
  }
  bool enter(Json value) {
    if (open_.size() == deepest) return refuse(fmt::format("nested deeper than {} levels", deepest));
    open_.push_back(put(std::move(value)));
    return true;
  }
  bool leave() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;  // a value does not move while it is open: only the innermost grows
  Json* slot_ = nullptr;     // the member that the next value is
  std::string reason_;
};

nlohmann::json for_library(const Json& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_string()) return value.as_text();
  if (value.is_array()) {
    auto out = nlohmann::json::array();
    for (const Json& element : value.as_array()) out.push_back(for_library(element));
    return out;
  }
  if (value.is_object()) {
    auto out = nlohmann::json::object();
    for (const auto& [key, member] : value.as_object()) out.emplace(key, for_library(member));
    return out;
  }
  if (value.is_integer()) return value.as_integer();
  if (value.is_number()) return value.as_number();
  return nullptr;
}

// What is written as a backslash and a letter; 0 for all other characters.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

// Most texts are ASCII with a line end here and there; the library writes the others, and numbers that are none of
// ours.
void write_text(std::string& out, const std::string& text) {
  const std::size_t before = out.size();
  out += '"';
  for (const char *at = text.data(), *end = at + text.size(); at != end; ++at) {
    const char* const run = at;
    at = end_of_plain_run(at, end);
    out.append(run, static_cast<std::size_t>(at - run));
    if (at == end) break;
    const char escape = short_escape(*at);
    if (escape == 0) {
      out.resize(before);
      out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      return;
    }
    out += {'\\', escape};
  }
  out += '"';
}

void write_value(std::string& out, const Json& value) {
  if (value.is_string()) return write_text(out, value.as_text());
  if (value.is_integer()) {
    const fmt::format_int digits{value.as_integer()};
    out.append(digits.data(), digits.size());
  } else if (value.is_array()) {
    char before = '[';
    for (const Json& element : value.as_array()) write_value(out += std::exchange(before, ','), element);
    out += before == '[' ? "[]" : "]";
  } else if (value.is_object()) {
    char before = '{';
    for (const auto& [key, member] : value.as_object()) {
      write_text(out += std::exchange(before, ','), key);
      write_value(out += ':', member);
    }
    out += before == '{' ? "{}" : "}";
  } else {
    out += for_library(value).dump();
  }
}

std::string_view kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "a truth value";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "text";
  return value.is_array() ? "an array" : "an object";
}

[[noreturn]] void refuse_shape(std::string what) {
  throw Failure(Failure::Kind::refused, std::move(what),
                "Restore this record as certferry wrote it, or run the certferry version that wrote it");
}

[[noreturn]] void refuse_kind(const Json& value, std::string_view wanted) {
  refuse_shape(fmt::format("JSON: expected {}, found {}", wanted, kind_of(value)));
}

}  // namespace

Json Json::object(std::initializer_list<Member> members) {
  Object object;
  for (const Member& member : members) object.try_emplace(std::move(member.key), std::move(member.value));
  return object;
}

Json Json::array(std::initializer_list<Json> elements) { return Array(elements); }

Json Json::parse(std::string_view text, std::string_view source, std::size_t limit) {
  auto refuse = [&](const std::string& why) {
    throw Failure(Failure::Kind::refused, fmt::format("{} is no JSON that can be read: {}", source, why),
                  fmt::format("Look at where {} comes from; something else may have answered in its place", source));
  };
  if (text.size() > limit) refuse(fmt::format("{} bytes, over the limit of {}", text.size(), limit));
  if (std::optional<Json> plain = plain_json(text, deepest)) return *std::move(plain);
  const char* first = std::to_address(text.begin());
  const char* reached = first;
  JsonBuilder builder;
  bool whole =
      nlohmann::json::sax_parse(CountedText{first, &reached}, CountedText{first + text.size(), &reached}, &builder);
  if (!whole) {
    auto offset = static_cast<std::size_t>(reached - first);
    refuse(fmt::format("{}: {}", place_in(text, offset), builder.reason()));
  }
  return builder.take();
}

std::string Json::dump() const {
  std::string text;
  write_value(text, *this);
  return text;
}

std::string Json::dump_pretty() const {
  return for_library(*this).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

const Json* Json::find(std::string_view key) const {
  const auto* members = std::get_if<Object>(&value_);
  if (!members) return nullptr;
  auto member = members->find(key);
  return member == members->end() ? nullptr : &member->second;
}

std::optional<std::string> Json::text(std::string_view key) const {
  const Json* member = find(key);
  if (!member || !member->is_string()) return std::nullopt;
  return member->as_text();
}

std::optional<std::int64_t> Json::integer(std::string_view key) const {
  const Json* member = find(key);
  if (!member || !member->is_integer()) return std::nullopt;
  return member->as_integer();
}

std::optional<bool> Json::boolean(std::string_view key) const {
  const Json* member = find(key);
  if (!member || !member->is_bool()) return std::nullopt;
  return member->as_bool();
}

const Json::Array& Json::elements(std::string_view key) const {
  static const Array none;
  const Json* member = find(key);
  return member && member->is_array() ? member->as_array() : none;
}

const std::string& Json::as_text() const {
  if (const auto* text = std::get_if<std::string>(&value_)) return *text;
  refuse_kind(*this, "text");
}

std::int64_t Json::as_integer() const {
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return *number;
  refuse_kind(*this, "a whole number");
}

double Json::as_number() const {
  if (const auto* number = std::get_if<double>(&value_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*number);
  refuse_kind(*this, "a number");
}

bool Json::as_bool() const {
  if (const auto* truth = std::get_if<bool>(&value_)) return *truth;
  refuse_kind(*this, "a truth value");
}

const Json::Array& Json::as_array() const {
  if (const auto* elements = std::get_if<Array>(&value_)) return *elements;
  refuse_kind(*this, "an array");
}

const Json::Object& Json::as_object() const {
  if (const auto* members = std::get_if<Object>(&value_)) return *members;
  refuse_kind(*this, "an object");
}

const Json& Json::at(std::string_view key) const {
  if (!is_object()) refuse_shape(fmt::format("JSON: expected an object with \"{}\", found {}", key, kind_of(*this)));
  if (const Json* member = find(key)) return *member;
  refuse_shape(fmt::format("JSON: \"{}\" is missing", key));
}

Json& Json::operator[](const std::string& key) {
  if (is_null()) value_ = Object{};
  if (auto* members = std::get_if<Object>(&value_)) return (*members)[key];
  refuse_kind(*this, fmt::format("an object for \"{}\"", key));
}

Json& Json::append(Json element) {
  if (is_null()) value_ = Array{};
  if (auto* elements = std::get_if<Array>(&value_)) return elements->emplace_back(std::move(element));
  refuse_kind(*this, "an array");
}

void Json::push_back(Json element) { append(std::move(element)); }

void Json::erase(std::string_view key) {
  if (auto* members = std::get_if<Object>(&value_))
    if (auto member = members->find(key); member != members->end()) members->erase(member);
}

}  // namespace certferry
