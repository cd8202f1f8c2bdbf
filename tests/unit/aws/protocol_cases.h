#pragma once

#include <functional>
#include <map>
#include <string>

#include "left_out.h"
#include "replay.h"
#include "wire/json.h"

// The published protocol cases: each has a small model of its own, an input or an output, and the message that it is.
// The tests walk that model with what our clients are made of, so that what reads and writes our messages is held to
// shapes that no service of ours has shown yet.
namespace certferry::aws::testing {

// A reference to a shape of a suite's model, with what the shape itself says.
class Shape {
 public:
  Shape(const Json& shapes, const Json& reference)
      : shapes_(&shapes), reference_(&reference), definition_(&shapes.at(reference.at("shape").as_text())) {}

  std::string type() const { return definition_->at("type").as_text(); }
  // A trait of the reference, else of the shape.
  std::optional<std::string> trait(const char* name) const {
    auto own = reference_->text(name);
    return own ? own : definition_->text(name);
  }
  bool flag(const char* name) const {
    return reference_->boolean(name).value_or(definition_->boolean(name).value_or(false));
  }
  bool has(const char* name) const { return reference_->find(name) || definition_->find(name); }
  Shape of(const char* part) const { return {*shapes_, definition_->at(part)}; }  // "member", "key", "value"
  const Json& definition() const { return *definition_; }
  void each_member(const std::function<void(const std::string&, const Shape&)>& use) const {
    if (const Json* members = definition_->find("members"))
      for (const auto& [name, reference] : members->as_object()) use(name, Shape{*shapes_, reference});
  }
  // What a member of this shape is called on the wire: the name that a shape has itself is a root's.
  std::string name_on_wire(const std::string& member) const {
    return reference_->text("locationName").value_or(member);
  }

 private:
  const Json *shapes_, *reference_, *definition_;
};

// Why a message with this value of the shape is none that our operations exchange; "" where it may be.
inline std::string foreign_shape(const Shape& shape, const Json& value) {
  if (shape.flag("document") || shape.flag("union")) return "documents and unions";
  if (shape.flag("xmlAttribute")) return "XML attributes";
  if (shape.flag("jsonvalue") || shape.has("mediaType")) return "JSON within a header";
  if (shape.flag("streaming") || shape.flag("eventstream")) return "streams";
  if (shape.flag("hostLabel")) return "hosts made of parameters";
  const std::string location = shape.trait("location").value_or("");
  const bool many = shape.type() == "list" || shape.type() == "map";
  if (location == "headers" || (location == "header" && many)) return "several values in headers";
  if (location == "querystring" && many) return "several values of a query parameter";
  std::string why;
  auto look = [&](const Shape& inner, const Json* found) {
    if (why.empty() && found && !found->is_null()) why = foreign_shape(inner, *found);
  };
  shape.each_member([&](const std::string& name, const Shape& member) { look(member, value.find(name)); });
  if (shape.type() == "list" && value.is_array())
    for (const Json& element : value.as_array()) look(shape.of("member"), &element);
  if (shape.type() == "map" && value.is_object())
    for (const auto& [key, element] : value.as_object()) look(shape.of("value"), &element);
  return why;
}

// JSON and query know numbers that JSON itself has none for; no operation of ours has a fraction.
inline bool has_odd_number(const Json& value) {
  const std::string text = value.dump();
  return text.find("\"NaN\"") != std::string::npos || text.find("Infinity\"") != std::string::npos;
}

// Every case of the protocol's file, with the suite that it stands in. False where there are no vectors.
inline bool each_case(const std::string& side, const std::string& protocol,
                      const std::function<void(const Json& suite, const Json& given)>& use) {
  auto text = file_text(vectors_root() + "/protocols/" + side + "/" + protocol + ".json");
  if (!text) return false;
  const Json suites = Json::parse(*text, protocol, 8 << 20);
  for (const Json& suite : suites.as_array())
    for (const Json& given : suite.elements("cases")) use(suite, given);
  return true;
}

inline http::Response recorded_answer(const Json& given) {
  const Json& response = given.at("response");
  http::Response out{.status = static_cast<int>(response.at("status_code").as_integer())};
  if (const Json* headers = response.find("headers"))
    for (const auto& [name, value] : headers->as_object()) out.headers.add(name, value.as_text());
  out.body = response.text("body").value_or("");
  return out;
}

// Numbers of one value are one number, whether written as 1 or as 1.0.
inline Json plain_numbers(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value.as_array()) out.push_back(plain_numbers(element));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, element] : value.as_object()) out[key] = plain_numbers(element);
    return out;
  }
  return value.is_integer() ? Json{value.as_number()} : value;
}

}  // namespace certferry::aws::testing
