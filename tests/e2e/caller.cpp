// Does one operation of the AWS clients at a time, so that test_aws_calls.py can compare what is asked, and how an
// answer is read, with botocore: a line of stdin is {operation, input, answers}, of each a line with {requests,
// result}, or {requests, failure, code}.
#include <iostream>

#include "aws/elb.h"
#include "aws/elbv2.h"
#include "aws/iam.h"
#include "aws/kms.h"
#include "aws/route53.h"
#include "aws/s3.h"
#include "aws/sso.h"
#include "aws/sts.h"
#include "tests/unit/aws/replay.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry::aws::testing {
namespace {

using Operation = std::function<Task<Json>(Client&, const Json&)>;

const std::string& text_in(const Json& input, const char* key) { return input.at(key).as_text(); }

std::vector<std::string> texts_in(const Json& input, const char* key) {
  std::vector<std::string> out;
  for (const Json& text : input.elements(key)) out.push_back(text.as_text());
  return out;
}

Json texts(const std::vector<std::string>& given) {
  Json out = Json::array();
  for (const std::string& text : given) out.push_back(text);
  return out;
}

Json shown(const HostedZone& zone) {
  return Json::object({{"id", zone.id.text()}, {"name", zone.name.text()}, {"private", zone.private_zone}});
}
Json shown(const ChangeInfo& info) { return Json::object({{"id", info.id.text()}, {"insync", info.insync}}); }
Json shown(const RecordSet& set) {
  return Json::object({{"name", set.name}, {"type", set.type}, {"ttl", set.ttl}, {"values", texts(set.values)}});
}
Json shown(const ServerCertificate& found) {
  Json out = Json::object({{"arn", found.arn.text()}, {"name", found.name}, {"path", found.path}, {"id", found.id}});
  if (found.body) out["body"] = *found.body;
  if (found.chain) out["chain"] = *found.chain;
  return out;
}
Json shown(const ClassicLoadBalancer& found) {
  Json out = Json::object({{"name", found.name}, {"dns_name", found.dns_name}, {"listeners", Json::array()}});
  for (const auto& listener : found.listeners)
    out["listeners"].push_back(Json::array({listener.port, listener.protocol, listener.certificate}));
  return out;
}
Json shown(const LoadBalancer& found) {
  return Json::object(
      {{"arn", found.arn.text()}, {"name", found.name}, {"dns_name", found.dns_name}, {"type", found.type}});
}
Json shown(const Listener& found) {
  return Json::object({{"arn", found.arn.text()},
                       {"load_balancer", found.load_balancer.text()},
                       {"port", found.port},
                       {"protocol", found.protocol},
                       {"certificate", found.certificate}});
}
Json shown(const SharedCredentials& found) {
  return Json::object({{"id", found->access_key_id},
                       {"secret", found->secret_access_key.reveal()},
                       {"token", found->session_token.reveal()},
                       {"expires", iso8601(found->expires.value())}});
}
template <class T>
Json shown(const std::vector<T>& all) {
  Json out = Json::array();
  for (const T& one : all) out.push_back(shown(one));
  return out;
}
template <class T>
Json shown(const std::optional<T>& found) {
  return found ? shown(*found) : Json{};
}

std::vector<Change> changes_in(const Json& input) {
  std::vector<Change> out;
  for (const Json& given : input.elements("changes")) {
    Change change{.action = given.at("create").as_bool() ? Change::Action::create : Change::Action::remove};
    change.set = {.name = text_in(given, "name"), .type = text_in(given, "type"), .ttl = given.at("ttl").as_integer()};
    for (const Json& value : given.elements("values")) change.set.values.push_back(value.as_text());
    change.set.set_identifier = given.text("set_identifier").value_or("");
    change.set.other = given.text("other");
    out.push_back(std::move(change));
  }
  return out;
}

EncryptionContext context_in(const Json& input) {
  EncryptionContext out;
  for (const auto& [key, value] : input.at("context").as_object()) out[key] = value.as_text();
  return out;
}

HostedZoneId zone_in(const Json& input) { return HostedZoneId::parse(text_in(input, "zone")); }
Arn arn_in(const Json& input) { return Arn::parse(text_in(input, "arn")); }

// A new operation is a line here, and a row in aws_operations.py.
const std::map<std::string, Operation> operations = {
    {"zones", [](Client& client, const Json&) -> Task<Json> { co_return shown(co_await Route53{client}.zones()); }},
    {"name_servers",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return texts(co_await Route53{client}.name_servers(zone_in(input)));
     }},
    {"record_sets",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(
           co_await Route53{client}.record_sets(zone_in(input), text_in(input, "name"), text_in(input, "type")));
     }},
    {"record_sets_from",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Route53{client}.record_sets_from(zone_in(input), text_in(input, "name")));
     }},
    {"change",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Route53{client}.change(zone_in(input), changes_in(input), text_in(input, "comment")));
     }},
    {"get_change",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Route53{client}.get_change(ChangeId::parse(text_in(input, "id"))));
     }},
    {"iam.upload",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Iam{client}.upload(text_in(input, "path"), text_in(input, "name"),
                                                   text_in(input, "leaf"), Secret{text_in(input, "key")},
                                                   text_in(input, "chain")));
     }},
    {"iam.get",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Iam{client}.get(text_in(input, "name")));
     }},
    {"iam.remove",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return static_cast<int>(co_await Iam{client}.remove(text_in(input, "name")));
     }},
    {"iam.quota",
     [](Client& client, const Json&) -> Task<Json> {
       const CertificateQuota quota = co_await Iam{client}.quota();
       co_return Json::array({quota.used, quota.most});
     }},
    {"iam.role_arn",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return (co_await Iam{client}.role_arn(text_in(input, "name"))).text();
     }},
    {"iam.denied",
     [](Client& client, const Json& input) -> Task<Json> {
       const PolicyQuestion question{text_in(input, "principal"),
                                     texts_in(input, "actions"),
                                     texts_in(input, "resources"),
                                     {{"route53:ChangeResourceRecordSetsRecordTypes", {"TXT"}}}};
       Json denied = Json::array();
       for (const PolicyDenial& one : co_await Iam{client}.denied(question)) denied.push_back(one.asked);
       co_return denied;
     }},
    {"elb.describe",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Elb{client}.describe(text_in(input, "name")));
     }},
    {"elb.describe_all",
     [](Client& client, const Json&) -> Task<Json> { co_return shown(co_await Elb{client}.describe_all()); }},
    {"elb.set_certificate",
     [](Client& client, const Json& input) -> Task<Json> {
       co_await Elb{client}.set_certificate(text_in(input, "name"),
                                            static_cast<std::uint16_t>(input.at("port").as_integer()),
                                            text_in(input, "certificate"));
       co_return Json{};
     }},
    {"elbv2.load_balancer",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await ElbV2{client}.load_balancer(arn_in(input)));
     }},
    {"elbv2.load_balancer_named",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await ElbV2{client}.load_balancer_named(text_in(input, "name")));
     }},
    {"elbv2.load_balancers",
     [](Client& client, const Json&) -> Task<Json> { co_return shown(co_await ElbV2{client}.load_balancers()); }},
    {"elbv2.listener",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await ElbV2{client}.listener(arn_in(input)));
     }},
    {"elbv2.listeners",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await ElbV2{client}.listeners(arn_in(input)));
     }},
    {"elbv2.certificates",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return texts(co_await ElbV2{client}.certificates(arn_in(input)));
     }},
    {"elbv2.account_limits",
     [](Client& client, const Json&) -> Task<Json> {
       Json limits = Json::object();
       for (const auto& [name, most] : co_await ElbV2{client}.account_limits()) limits[name] = most;
       co_return limits;
     }},
    {"elbv2.modify_nothing",
     [](Client& client, const Json& input) -> Task<Json> {
       co_await ElbV2{client}.modify_nothing(arn_in(input));
       co_return Json{};
     }},
    {"elbv2.remove_certificate",
     [](Client& client, const Json& input) -> Task<Json> {
       co_await ElbV2{client}.remove_certificate(arn_in(input), text_in(input, "certificate"));
       co_return Json{};
     }},
    {"elbv2.set_default_certificate",
     [](Client& client, const Json& input) -> Task<Json> {
       co_await ElbV2{client}.set_default_certificate(arn_in(input), text_in(input, "certificate"));
       co_return Json{};
     }},
    {"s3.get",
     [](Client& client, const Json& input) -> Task<Json> {
       auto found = co_await S3{client}.get(text_in(input, "bucket"), text_in(input, "key"));
       if (!found) co_return Json{};
       co_return Json::object({{"body", base64(found->body)}, {"etag", found->etag}});
     }},
    {"s3.put",
     [](Client& client, const Json& input) -> Task<Json> {
       auto made = co_await S3{client}.put(text_in(input, "bucket"), text_in(input, "key"), text_in(input, "body"),
                                           input.text("if_match"));
       const auto* etag = std::get_if<std::string>(&made);
       co_return etag ? Json{*etag} : Json{};
     }},
    {"s3.remove",
     [](Client& client, const Json& input) -> Task<Json> {
       auto ended =
           co_await S3{client}.remove(text_in(input, "bucket"), text_in(input, "key"), text_in(input, "if_match"));
       co_return std::holds_alternative<std::monostate>(ended);
     }},
    {"s3.list",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return texts(co_await S3{client}.list(text_in(input, "bucket"), text_in(input, "prefix")));
     }},
    {"s3.versioned",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return co_await S3{client}.versioned(text_in(input, "bucket"));
     }},
    {"kms.generate_data_key",
     [](Client& client, const Json& input) -> Task<Json> {
       DataKey made = co_await Kms{client}.generate_data_key(text_in(input, "key"), context_in(input));
       co_return Json::object({{"plain", base64(made.plain.reveal())}, {"sealed", base64(made.sealed.ciphertext)}});
     }},
    {"kms.encrypt",
     [](Client& client, const Json& input) -> Task<Json> {
       const Encrypted sealed =
           co_await Kms{client}.encrypt(text_in(input, "key"), Secret{text_in(input, "plain")}, context_in(input));
       co_return base64(sealed.ciphertext);
     }},
    {"kms.decrypt",
     [](Client& client, const Json& input) -> Task<Json> {
       const std::string& key = text_in(input, "key");
       Secret plain =
           co_await Kms{client}.decrypt({key, key}, parse_base64(text_in(input, "sealed")).value(), context_in(input));
       co_return plain.reveal();
     }},
    {"kms.key_arn",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return (co_await Kms{client}.key_arn(text_in(input, "key"))).text();
     }},
    {"sts.caller_identity",
     [](Client& client, const Json&) -> Task<Json> {
       CallerIdentity who = co_await Sts{client}.caller_identity();
       co_return texts({who.account, who.arn, who.user_id});
     }},
    {"sts.assume_role",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Sts{client}.assume_role(text_in(input, "role"), text_in(input, "session"),
                                                        input.text("external_id")));
     }},
    {"sts.assume_role_with_web_identity",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Sts{client}.assume_role_with_web_identity(
           text_in(input, "role"), text_in(input, "session"), Secret{text_in(input, "token")}));
     }},
    {"sso.role_credentials",
     [](Client& client, const Json& input) -> Task<Json> {
       co_return shown(co_await Sso{client}.role_credentials({text_in(input, "account"), text_in(input, "role")},
                                                             Secret{text_in(input, "token")}));
     }},
    {"sso_oidc.refresh",
     [](Client& client, const Json& input) -> Task<Json> {
       FreshSsoToken fresh = co_await SsoOidc{client}.refresh(
           text_in(input, "client_id"), Secret{text_in(input, "secret")}, Secret{text_in(input, "token")});
       co_return Json::array({fresh.access_token.reveal(), fresh.refresh_token.reveal(), fresh.lives / seconds(1)});
     }},
};

http::Response answer_in(const Json& given) {
  http::Response out{.status = static_cast<int>(given.at("status").as_integer())};
  for (const Json& field : given.elements("headers"))
    out.headers.add(field.as_array().at(0).as_text(), field.as_array().at(1).as_text());
  out.body = parse_base64(text_in(given, "body")).value();
  return out;
}

Json shown(const http::Request& request) {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers.fields()) headers[name] = value;
  return Json::object({{"method", request.method},
                       {"path", request.url.path()},
                       {"query", request.url.query()},
                       {"headers", headers},
                       {"body", base64(request.body)}});
}

Json done(const Json& given) {
  Paper paper;
  for (const Json& answer : given.elements("answers")) paper.transport.replies.emplace_back(answer_in(answer));
  Client client{paper.outside, paper.keys, "eu-west-1", {"http://127.0.0.1:1", {}}};
  const Operation& operation = operations.at(text_in(given, "operation"));
  Json out = Json::object({{"requests", Json::array()}});
  try {
    out["result"] = AWAITED(operation(client, given.at("input")));
  } catch (const Failure& failure) {
    out["failure"] = failure.what();
    out["code"] = failure.code();
  }
  for (const http::Request& request : paper.transport.requests) out["requests"].push_back(shown(request));
  return out;
}

}  // namespace
}  // namespace certferry::aws::testing

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);)
    std::cout << certferry::aws::testing::done(certferry::Json::parse(line, "the call")).dump() << '\n' << std::flush;
  return 0;
}
