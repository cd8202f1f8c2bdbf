#include <cstdlib>
#include <gtest/gtest.h>

#include "aws/errors.h"
#include "aws/json_protocol.h"
#include "aws/query_protocol.h"
#include "protocol_cases.h"
#include "wire/base64.h"

namespace certferry::aws::testing {
namespace {

Json seconds_of(std::optional<WallTime> time) {
  return time ? Json{static_cast<double>(time->time_since_epoch().count()) / 1000} : Json{"no time"};
}

Json time_in(const std::string& text) {
  if (auto time = parse_iso8601(text)) return seconds_of(time);
  if (auto time = parse_http_date(text)) return seconds_of(time);
  return std::strtod(text.c_str(), nullptr);
}

// A scalar as XML and headers write it.
Json scalar_in(const Shape& shape, const std::string& text) {
  const std::string type = shape.type();
  if (type == "boolean") return text == "true";
  if (type == "timestamp") return time_in(text);
  if (type == "blob") return parse_base64(text).value_or("no base64");
  if (type == "string" || type == "character") return text;
  return std::strtod(text.c_str(), nullptr);
}

// Of an answer's members, those that the head bears. That others would stand in a request's query means nothing here.
bool is_rest_head(const Shape& member) {
  const std::string location = member.trait("location").value_or("");
  return location == "header" || location == "headers" || location == "statusCode";
}

class XmlReader {
 public:
  static Json read(const Shape& shape, const Xml& element) {
    if (shape.type() == "structure") return structure(shape, element);
    if (shape.type() == "list") return list(shape, element.children(element_name(shape)));
    if (shape.type() == "map") return map(shape, element.children("entry"));
    return scalar_in(shape, element.text());
  }
  static Json structure(const Shape& shape, const Xml& element) {
    Json out = Json::object();
    shape.each_member([&](const std::string& name, const Shape& member) {
      if (is_rest_head(member)) return;
      const auto found = element.children(member.name_on_wire(name));
      if (found.empty()) return;
      if (member.flag("flattened"))
        out[name] = member.type() == "list" ? list(member, found) : map(member, found);
      else
        out[name] = read(member, found.front());
    });
    return out;
  }

 private:
  static std::string element_name(const Shape& list) {
    return list.of("member").trait("locationName").value_or("member");
  }
  static Json list(const Shape& shape, const std::vector<Xml>& elements) {
    Json out = Json::array();
    for (const Xml& element : elements) out.push_back(read(shape.of("member"), element));
    return out;
  }
  static Json map(const Shape& shape, const std::vector<Xml>& entries) {
    Json out = Json::object();
    for (const Xml& entry : entries) {
      const auto value = entry.child(shape.of("value").trait("locationName").value_or("value"));
      out[entry.text(shape.of("key").trait("locationName").value_or("key"))] =
          value ? read(shape.of("value"), *value) : Json{};
    }
    return out;
  }
};

Json read_json(const Shape& shape, const Json& value) {
  if (value.is_null()) return value;
  if (shape.type() == "structure") {
    Json out = Json::object();
    shape.each_member([&](const std::string& name, const Shape& member) {
      const Json* found = value.find(member.trait("locationName").value_or(name));
      if (!is_rest_head(member) && found && !found->is_null()) out[name] = read_json(member, *found);
    });
    return out;
  }
  if (shape.type() == "list") {
    Json out = Json::array();
    for (const Json& element : value.as_array()) out.push_back(read_json(shape.of("member"), element));
    return out;
  }
  if (shape.type() == "map") {
    Json out = Json::object();
    for (const auto& [key, element] : value.as_object()) out[key] = read_json(shape.of("value"), element);
    return out;
  }
  return value.is_string() ? scalar_in(shape, value.as_text()) : value;
}

void add_headers(const Shape& output, const http::Response& answer, Json& out) {
  output.each_member([&](const std::string& name, const Shape& member) {
    const std::string location = member.trait("location").value_or("");
    if (location == "statusCode") out[name] = answer.status;
    if (location != "header") return;
    if (auto field = answer.headers.get(member.trait("locationName").value_or(name)))
      out[name] = scalar_in(member, *field);
  });
}

bool is_rest(const std::string& protocol) { return protocol.starts_with("rest-"); }

// The whole output: body, or the member that is the body, and what stands in the head.
Json read_output(const std::string& protocol, const std::string& operation, const Shape& output,
                 const http::Response& answer) {
  const Call call{.service = "iam", .operation = operation};
  const bool xml = protocol == "query" || protocol == "rest-xml";
  Json out = Json::object();
  if (auto payload = output.definition().text("payload")) {
    output.each_member([&](const std::string& name, const Shape& member) {
      if (name != *payload || answer.body.empty()) return;
      if (member.type() == "blob" || member.type() == "string")
        out[name] = answer.body;
      else
        out[name] = xml ? XmlReader::read(member, Xml::parse(answer.body, "the answer"))
                        : read_json(member, json_answer(call, answer));
    });
  } else if (xml && !answer.body.empty()) {
    out = XmlReader::structure(
        output, protocol == "query" ? query_result(call, answer) : Xml::parse(answer.body, "the answer"));
  } else if (!xml && !answer.body.empty()) {
    out = read_json(output, json_answer(call, answer));
  }
  if (is_rest(protocol)) add_headers(output, answer, out);
  return out;
}

void check_answer(const std::string& protocol, const Json& suite, const Json& given, Tally& tally) {
  const std::string id = given.at("id").as_text();
  const Json* reference = given.at("given").find("output");
  const http::Response answer = recorded_answer(given);
  if (!reference) {
    tally.left_out["nothing to read"].push_back(id);
    return;
  }
  const Shape output{suite.at("shapes"), *reference};
  std::string why = foreign_shape(output, given.at("result"));
  if (id == "RestJsonDeserializesDenseSetMapAndSkipsNull") why = "the model does not say it";
  if (why.empty() && has_odd_number(given.at("result"))) why = "numbers that are none";
  if (!why.empty()) {
    tally.left_out[why].push_back(id);
    return;
  }
  ++tally.checked;
  const Json read = read_output(protocol, given.at("given").at("name").as_text(), output, answer);
  EXPECT_EQ(plain_numbers(read).dump(), plain_numbers(given.at("result")).dump()) << id << "\n" << answer.body;
}

TEST(ProtocolAnswers, AreReadAsThePublishedCasesSay) {
  std::map<std::string, Tally> tallies;
  for (const char* protocol : {"query", "rest-xml", "json", "json_1_0", "rest-json"})
    if (!each_case("output", protocol, [&](const Json& suite, const Json& given) {
          if (!given.find("error")) check_answer(protocol, suite, given, tallies[protocol]);
        }))
      GTEST_SKIP() << "no vectors at " << vectors_root();
  for (const auto& [protocol, tally] : tallies) expect_on_page("answers, " + protocol, tally);
}

TEST(ProtocolErrors, HaveTheCodeAndTheMessageOfThePublishedCases) {
  std::map<std::string, Tally> tallies;
  for (const char* protocol : {"query", "rest-xml", "json", "json_1_0", "json_1_0-query-compatible", "rest-json"})
    if (!each_case("output", protocol, [&](const Json&, const Json& given) {
          if (!given.text("errorCode")) return;
          if (recorded_answer(given).headers.get("x-amzn-query-error")) {
            tallies[protocol].left_out["services that spoke the query protocol before"].push_back(
                given.at("id").as_text());
            return;
          }
          const ServiceError error = service_error(recorded_answer(given));
          EXPECT_EQ(error.code, given.at("errorCode").as_text()) << given.at("id").dump();
          if (auto message = given.text("errorMessage")) EXPECT_EQ(error.message, *message) << given.at("id").dump();
          ++tallies[protocol].checked;
        }))
      GTEST_SKIP() << "no vectors at " << vectors_root();
  for (const auto& [protocol, tally] : tallies) expect_on_page("errors, " + protocol, tally);
}

}  // namespace
}  // namespace certferry::aws::testing
