#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>

#include "aws/json_protocol.h"
#include "aws/query_protocol.h"
#include "aws/xml_protocol.h"
#include "protocol_cases.h"
#include "wire/base64.h"
#include "wire/xml.h"

namespace certferry::aws::testing {
namespace {

WallTime time_of(const Json& value) { return WallTime{Duration{static_cast<Duration::rep>(value.as_number() * 1000)}}; }

// A scalar as it stands in a form, a path, a field or an element; `usual` is how a timestamp is written without a word.
std::string written(const Shape& shape, const Json& value, const std::string& usual = "iso8601") {
  const std::string type = shape.type();
  if (type == "boolean") return value.as_bool() ? "true" : "false";
  if (type == "blob") return base64(value.as_text());
  if (type == "timestamp") {
    const std::string format = shape.trait("timestampFormat").value_or(usual);
    if (format == "unixTimestamp") return value.dump();
    return format == "rfc822" ? http_date(time_of(value)) : iso8601(time_of(value));
  }
  return value.is_string() ? value.as_text() : value.dump();
}

using UseMember = std::function<void(const std::string& name, const Shape& shape, const Json& value)>;

// The members that have a value.
void each_given(const Shape& shape, const Json& values, const UseMember& use) {
  shape.each_member([&](const std::string& name, const Shape& member) {
    if (const Json* value = values.find(name); value && !value->is_null()) use(name, member, *value);
  });
}

// A list of texts as our operations have it: the product's own writer.
bool plain_members(const Shape& list, const Json& value) {
  return !list.flag("flattened") && list.of("member").trait("locationName").value_or("member") == "member" &&
         std::ranges::all_of(value.as_array(), [](const Json& one) { return one.is_string(); }) &&
         list.of("member").type() == "string";
}

void add_to_form(QueryParameters& out, std::string prefix, const Shape& shape, const Json& value) {
  const std::string dotted = prefix.empty() ? "" : prefix + ".";
  if (shape.type() == "structure") {
    each_given(shape, value, [&](const std::string& name, const Shape& member, const Json& inner) {
      add_to_form(out, dotted + member.trait("locationName").value_or(name), member, inner);
    });
  } else if (shape.type() == "list" && !value.as_array().empty() && plain_members(shape, value)) {
    std::vector<std::string> members;
    for (const Json& one : value.as_array()) members.push_back(one.as_text());
    add_members(out, prefix, members);
  } else if (shape.type() == "list") {
    if (value.as_array().empty()) out.emplace_back(prefix, "");
    if (!shape.flag("flattened")) prefix = dotted + shape.of("member").trait("locationName").value_or("member");
    int number = 0;
    for (const Json& one : value.as_array())
      add_to_form(out, fmt::format("{}.{}", prefix, ++number), shape.of("member"), one);
  } else if (shape.type() == "map") {
    int number = 0;
    for (const auto& [key, one] : value.as_object()) {
      const std::string entry = fmt::format("{}{}.{}", prefix, shape.flag("flattened") ? "" : ".entry", ++number);
      out.emplace_back(entry + "." + shape.of("key").trait("locationName").value_or("key"), key);
      add_to_form(out, entry + "." + shape.of("value").trait("locationName").value_or("value"), shape.of("value"), one);
    }
  } else {
    out.emplace_back(prefix, written(shape, value));
  }
}

Json json_of(const Shape& shape, const Json& value) {
  const std::string type = shape.type();
  if (type == "structure") {
    Json out = Json::object();
    each_given(shape, value, [&](const std::string& name, const Shape& member, const Json& inner) {
      if (!member.trait("location")) out[member.trait("locationName").value_or(name)] = json_of(member, inner);
    });
    return out;
  }
  if (type == "list") {
    Json out = Json::array();
    for (const Json& one : value.as_array()) out.push_back(json_of(shape.of("member"), one));
    return out;
  }
  if (type == "map") {
    Json out = Json::object();
    for (const auto& [key, one] : value.as_object()) out[key] = json_of(shape.of("value"), one);
    return out;
  }
  const bool as_number = shape.trait("timestampFormat").value_or("unixTimestamp") == "unixTimestamp";
  if (type == "blob" || (type == "timestamp" && !as_number)) return written(shape, value);
  return value;
}

void write_xml(XmlWriter& out, const std::string& name, const Shape& shape, const Json& value);

void write_members(XmlWriter& out, const Shape& shape, const Json& value) {
  each_given(shape, value, [&](const std::string& name, const Shape& member, const Json& inner) {
    if (!member.trait("location")) write_xml(out, member.name_on_wire(name), member, inner);
  });
}

void write_xml(XmlWriter& out, const std::string& name, const Shape& shape, const Json& value) {
  const std::string type = shape.type();
  const bool flattened = shape.flag("flattened");
  if (type == "structure") {
    out.open(name);
    write_members(out, shape, value);
    out.close();
  } else if (type == "list") {
    if (!flattened) out.open(name);
    for (const Json& one : value.as_array())
      write_xml(out, flattened ? name : shape.of("member").trait("locationName").value_or("member"), shape.of("member"),
                one);
    if (!flattened) out.close();
  } else if (type == "map") {
    if (!flattened) out.open(name);
    for (const auto& [key, one] : value.as_object()) {
      out.open(flattened ? name : "entry");
      out.text(shape.of("key").trait("locationName").value_or("key"), key);
      write_xml(out, shape.of("value").trait("locationName").value_or("value"), shape.of("value"), one);
      out.close();
    }
    if (!flattened) out.close();
  } else {
    out.text(name, written(shape, value));
  }
}

// Elements of one name keep their order; the model's own order is not kept by what we read it with.
std::string canonical_xml(const Xml& element) {
  std::multimap<std::string, std::string> children;
  for (const Xml& child : element.children()) children.emplace(child.name(), canonical_xml(child));
  std::string out = "<" + element.name() + ">" + (children.empty() ? element.text() : "");
  for (const auto& [name, child] : children) out += child;
  return out + "</>";
}

// "/a/{b+}?c=d" with its labels filled in.
std::string filled_path(std::string path, const Shape& input, const Json& values) {
  each_given(input, values, [&](const std::string& name, const Shape& member, const Json& value) {
    if (member.trait("location") != "uri") return;
    const std::string label = member.trait("locationName").value_or(name);
    for (const auto& [mark, keep] : {std::pair{"{" + label + "}", "-._~"}, std::pair{"{" + label + "+}", "-._~/"}})
      if (auto at = path.find(mark); at != std::string::npos)
        path.replace(at, mark.size(), percent_encoded(written(member, value), keep));
  });
  return path;
}

// Whether a part of what the body has is a map, or has a namespace of its own.
bool has_odd_xml(const Shape& shape, const Json& value) {
  bool found = shape.type() == "map";
  auto look = [&](const Shape& inner, const Json& of) {
    found = found || inner.has("xmlNamespace") || (!inner.trait("location") && has_odd_xml(inner, of));
  };
  if (shape.type() == "structure")
    each_given(shape, value, [&](const std::string&, const Shape& member, const Json& of) { look(member, of); });
  if (shape.type() == "list")
    for (const Json& element : value.as_array()) look(shape.of("member"), element);
  return found;
}

// What a REST call is made of, by the model.
Call rest_request(const std::string& protocol, const Json& given, const Shape& input, const Json& values) {
  const Json& http = given.at("given").at("http");
  const std::string operation = given.at("given").at("name").as_text();
  Call call{.service = "route53", .operation = operation, .method = http.at("method").as_text()};
  const Json* payload = nullptr;
  bool body_members = false;
  std::optional<Shape> payload_shape;
  input.each_member([&](const std::string& name, const Shape& member) {
    body_members = body_members || !member.trait("location");
    if (input.definition().text("payload") != name) return;
    payload = values.find(name);
    payload_shape = member;
  });
  if (payload_shape) {
    if (payload && payload_shape->type() != "structure")
      call.body = payload->as_text();
    else if (payload) {
      XmlWriter out{payload_shape->trait("locationName").value_or(payload_shape->trait("shape").value_or("Payload"))};
      write_members(out, *payload_shape, *payload);
      call.body = out.done();
    }
  } else if (body_members && protocol == "rest-json") {
    call = rest_json_call("sso-oidc", operation, "", "/", json_of(input, values));
  } else if (body_members) {
    XmlWriter out{
        input.definition().text("locationName").value_or(input.trait("locationName").value_or(operation + "Request"))};
    write_members(out, input, values);
    call = rest_xml_call("route53", operation, "", "POST", "/", out.done());
  }
  call.method = http.at("method").as_text();
  std::string path = filled_path(http.at("requestUri").as_text(), input, values);
  call.path = path.substr(0, path.find('?'));
  if (path.size() > call.path.size()) call.query = parse_query(path.substr(call.path.size() + 1));
  each_given(input, values, [&](const std::string& name, const Shape& member, const Json& value) {
    const std::string location = member.trait("location").value_or(""),
                      wire_name = member.trait("locationName").value_or(name);
    if (location == "querystring") call.query.emplace_back(wire_name, written(member, value));
    if (location == "header") call.headers.set(wire_name, written(member, value, "rfc822"));
  });
  return call;
}

std::multiset<std::pair<std::string, std::string>> pairs_of(const QueryParameters& parameters) {
  return {parameters.begin(), parameters.end()};
}

void expect_rest(const std::string& protocol, const Call& call, const Json& given) {
  const std::string id = given.at("id").as_text();
  const Json& wanted = given.at("serialized");
  const std::string uri = wanted.at("uri").as_text(), path = uri.substr(0, uri.find('?'));
  EXPECT_EQ(call.path, path) << id;
  EXPECT_EQ(pairs_of(parse_query(form_encoded(call.query))),
            pairs_of(parse_query(path.size() < uri.size() ? uri.substr(path.size() + 1) : "", true)))
      << id;
  if (const Json* headers = wanted.find("headers"))
    for (const auto& [name, value] : headers->as_object())
      if (name != "Content-Length" && (protocol == "rest-json" || name != "Content-Type"))
        EXPECT_EQ(call.headers.get(name), value.as_text()) << id << " " << name;
  const std::string body = wanted.text("body").value_or("");
  if (protocol == "rest-json" && body.starts_with('{'))
    EXPECT_EQ(plain_numbers(Json::parse(call.body, "sent")), plain_numbers(Json::parse(body, "wanted"))) << id;
  else if (body.starts_with('<'))
    EXPECT_EQ(canonical_xml(Xml::parse(call.body, "sent")), canonical_xml(Xml::parse(body, "wanted"))) << id;
  else
    EXPECT_EQ(call.body, body) << id;
}

void expect_query(const Json& suite, const Json& given, const Shape& input, const Json& values) {
  QueryParameters parameters;
  add_to_form(parameters, "", input, values);
  const Json& wanted = given.at("serialized");
  const Call call = query_call("iam", suite.at("metadata").at("apiVersion").as_text(),
                               given.at("given").at("name").as_text(), "", parameters);
  EXPECT_EQ(pairs_of(parse_query(call.body)), pairs_of(parse_query(wanted.at("body").as_text(), true)))
      << given.at("id").dump();
  EXPECT_EQ(call.method, wanted.at("method").as_text());
  EXPECT_EQ(call.path, wanted.at("uri").as_text());
}

void expect_json(const Json& suite, const Json& given, const Shape& input, const Json& values) {
  const Json& about = suite.at("metadata");
  const std::string version = about.at("jsonVersion").as_text(), prefix = about.at("targetPrefix").as_text();
  const Call call = json_call("kms", {.version = version, .target_prefix = prefix},
                              given.at("given").at("name").as_text(), "", json_of(input, values));
  const Json& wanted = given.at("serialized");
  if (const Json* headers = wanted.find("headers"))
    for (const auto& [name, value] : headers->as_object())
      EXPECT_EQ(call.headers.get(name), value.as_text()) << given.at("id").dump();
  EXPECT_EQ(plain_numbers(Json::parse(call.body, "sent")),
            plain_numbers(Json::parse(wanted.text("body").value_or("{}"), "wanted")))
      << given.at("id").dump();
}

bool wants_an_idempotency_token(const Shape& input, const Json& values) {
  bool wanted = false;
  input.each_member([&](const std::string& name, const Shape& member) {
    wanted = wanted || (member.flag("idempotencyToken") && !values.find(name));
  });
  return wanted;
}

std::string left_out_request(const std::string& protocol, const Json& suite, const Json& given, const Shape& input,
                             const Json& values) {
  if (given.at("id").as_text() == "HttpPayloadWithXmlName") return "the model does not say it";
  if (wants_an_idempotency_token(input, values)) return "idempotency tokens that a client makes up";
  if (suite.at("metadata").find("awsQueryCompatible")) return "services that spoke the query protocol before";
  if (std::string why = foreign_shape(input, values); !why.empty()) return why;
  if (given.at("given").find("endpoint") || suite.find("clientEndpoint")) return "hosts made of parameters";
  if (given.at("given").find("requestcompression")) return "compressed requests";
  if (given.at("given").find("httpChecksumRequired")) return "checksums of a body";
  if (const Json* params = given.find("params"); params && has_odd_number(*params)) return "numbers that are none";
  if (protocol == "rest-json" && input.definition().find("payload")) return "a body that is one member, in REST JSON";
  if (protocol == "rest-xml" && has_odd_xml(input, values)) return "maps in XML, and namespaces below its root";
  return "";
}

TEST(ProtocolRequests, AreWrittenAsThePublishedCasesSay) {
  std::map<std::string, Tally> tallies;
  for (const std::string protocol :
       {"query", "rest-xml", "json", "json_1_0", "json_1_0-query-compatible", "rest-json"}) {
    Tally& tally = tallies[protocol];
    auto check = [&](const Json& suite, const Json& given) {
      static const Json nothing = Json::parse(R"({"none":{"type":"structure","members":{}}})", "no input");
      static const Json no_input = Json::object({{"shape", "none"}});
      const Json* reference = given.at("given").find("input");
      const Shape input{reference ? suite.at("shapes") : nothing, reference ? *reference : no_input};
      const Json* params = given.find("params");
      const Json values = params ? *params : Json::object();
      if (std::string why = left_out_request(protocol, suite, given, input, values); !why.empty()) {
        tally.left_out[why].push_back(given.at("id").as_text());
        return;
      }
      ++tally.checked;
      SCOPED_TRACE(given.at("id").dump());
      if (protocol == "query")
        expect_query(suite, given, input, values);
      else if (protocol.starts_with("json"))
        expect_json(suite, given, input, values);
      else
        expect_rest(protocol, rest_request(protocol, given, input, values), given);
    };
    if (!each_case("input", protocol, check)) GTEST_SKIP() << "no vectors at " << vectors_root();
  }
  for (const auto& [protocol, tally] : tallies) expect_on_page("requests, " + protocol, tally);
}

}  // namespace
}  // namespace certferry::aws::testing
