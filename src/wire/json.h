#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace certferry {

// A JSON value (RFC 8259) of our own, so that one file alone includes the library. Objects keep their keys sorted: the
// same value always has the same text.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}
  Json(long value) : value_(static_cast<std::int64_t>(value)) {}
  Json(unsigned long value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string{value}) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string{value}) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  // An object: Json::object({{"status", "pending"}, {"wildcard", true}}).
  struct Member;
  static Json object(std::initializer_list<Member> members = {});
  static Json array(std::initializer_list<Json> elements = {});

  // At most `limit` bytes and 32 levels; duplicate keys and invalid UTF-8 are refused. Throws Failure (refused) that
  // names `source` ("the CA's order") and the place.
  static Json parse(std::string_view text, std::string_view source, std::size_t limit = 1 << 20);
  std::string dump() const;         // compact, keys sorted; invalid UTF-8 in a string is replaced, never thrown on
  std::string dump_pretty() const;  // two blanks an indent, for people

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_number() const {
    return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<double>(value_);
  }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Lenient reading, for services: a missing or mistyped member is empty.
  const Json* find(std::string_view key) const;  // null where absent or no object
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  const Array& elements(std::string_view key) const;  // empty where absent or no array

  // Strict reading, for our own records: throws Failure (refused) that names the key.
  const std::string& as_text() const;
  std::int64_t as_integer() const;
  double as_number() const;
  bool as_bool() const;
  const Array& as_array() const;
  const Object& as_object() const;
  const Json& at(std::string_view key) const;

  Json& operator[](const std::string& key);  // makes null an object, an absent member null
  void push_back(Json element);              // makes null an array
  Json& append(Json element);                // the same; gives the element, until the array grows again
  void erase(std::string_view key);

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// Of an object that is being made: what an initializer_list holds could not be moved out of it else, and would be
// copied at each level.
struct Json::Member {
  mutable std::string key;
  mutable Json value;
};

// How our own values are recorded: Json to_json(const T&) and this, side by side in T's header. Throws Failure
// (refused) that names what is missing.
template <class T>
T from_json(const Json&);

}  // namespace certferry
