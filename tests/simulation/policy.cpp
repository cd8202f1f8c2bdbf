#include "policy.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <stdexcept>

#include "sandbox/buckets.h"
#include "sandbox/query_reply.h"
#include "sandbox/server_certificates.h"
#include "wire/json.h"
#include "wire/xml.h"

namespace certferry::simulation {
namespace {

using sandbox::QueryCall;
using sandbox::World;

std::vector<std::string> texts(const Json& one_or_many) {
  if (one_or_many.is_string()) return {one_or_many.as_text()};
  std::vector<std::string> all;
  for (const Json& one : one_or_many.as_array()) all.push_back(one.as_text());
  return all;
}

std::string arn(const World& world, std::string_view service, std::string_view resource) {
  return fmt::format("arn:aws:{}:{}:{}:{}", service, world.settings().region, world.settings().account, resource);
}

// "/2013-04-01/hostedzone/Z1/rrset/" -> {"2013-04-01", "hostedzone", "Z1", "rrset"}
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Permission of_changes(const http::Request& request, std::string zone) {
  Permission asked{"route53:ChangeResourceRecordSets", std::move(zone), {}};
  const Xml batch = Xml::parse(request.body, "the batch");
  for (const Xml& change : batch.path("ChangeBatch/Changes")->children("Change")) {
    const Xml set = *change.child("ResourceRecordSet");
    std::string name = set.text("Name");
    if (name.ends_with('.')) name.pop_back();
    asked.context["route53:ChangeResourceRecordSetsNormalizedRecordNames"].push_back(name);
    asked.context["route53:ChangeResourceRecordSetsRecordTypes"].push_back(set.text("Type"));
    asked.context["route53:ChangeResourceRecordSetsActions"].push_back(change.text("Action"));
  }
  return asked;
}

Permission of_route53(const http::Request& request) {
  const auto parts = parts_of(request.url.path());
  const std::string& kind = parts.at(1);
  if (kind == "change") return {"route53:GetChange", "arn:aws:route53:::change/" + parts.at(2), {}};
  if (kind == "hostedzonesbyname") return {"route53:ListHostedZonesByName", "*", {}};
  if (parts.size() == 2) return {"route53:ListHostedZones", "*", {}};
  const std::string zone = "arn:aws:route53:::hostedzone/" + parts.at(2);
  if (parts.size() == 3) return {"route53:GetHostedZone", zone, {}};
  if (request.method == "POST") return of_changes(request, zone);
  return {"route53:ListResourceRecordSets", zone, {}};
}

Permission of_iam(World& world, const QueryCall& call) {
  const std::string action = "iam:" + call.action(), name = call.text("ServerCertificateName");
  if (name.empty()) return {action, "*", {}};
  const auto& all = world.server_certificates().by_name;
  const auto found = all.find(name);
  const std::string path = found != all.end()          ? found->second.path
                           : call.text("Path").empty() ? "/"
                                                       : call.text("Path");
  return {action, fmt::format("arn:aws:iam::{}:server-certificate{}{}", world.settings().account, path, name), {}};
}

Permission of_load_balancers(World& world, const QueryCall& call) {
  const std::string action = "elasticloadbalancing:" + call.action();
  if (action.contains(":Describe")) return {action, "*", {}};
  if (const std::string listener = call.text("ListenerArn"); !listener.empty()) return {action, listener, {}};
  return {action, arn(world, "elasticloadbalancing", "loadbalancer/" + call.text("LoadBalancerName")), {}};
}

std::vector<Permission> of_s3(World& world, const http::Request& request) {
  const std::string& host = request.url.host();
  const std::string bucket = host.substr(0, host.find(".s3."));
  const std::string key = percent_decoded(request.url.path().substr(1)).value();
  const std::string bucket_arn = "arn:aws:s3:::" + bucket, object = bucket_arn + "/" + key;
  if (key.empty()) {
    Permission list{"s3:ListBucket", bucket_arn, {}};
    for (const auto& [name, value] : parse_query(request.url.query()))
      if (name == "prefix") list.context["s3:prefix"] = {value};
    return {list};
  }
  if (request.method == "PUT") {
    std::vector<Permission> all{{"s3:PutObject", object, {}}};
    if (request.headers.get("If-Match")) all.push_back({"s3:GetObject", object, {}});
    return all;
  }
  if (request.method == "DELETE") return {{"s3:DeleteObject", object, {}}};
  std::vector<Permission> all{{"s3:GetObject", object, {}}};
  if (!world.buckets().by_name.at(bucket).contains(key)) all.push_back({"s3:ListBucket", bucket_arn, {}});
  return all;
}

// The one key of the world is the one of the documentation.
Permission of_kms(World& world, const http::Request& request) {
  const std::string target = request.headers.get("X-Amz-Target").value_or("");
  return {
      "kms:" + target.substr(target.find('.') + 1), arn(world, "kms", "key/11111111-2222-3333-4444-555555555555"), {}};
}

bool like(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

}  // namespace

std::vector<Permission> permissions_for(World& world, const std::string& service, const http::Request& request) {
  if (service == "route53") return {of_route53(request)};
  if (service == "s3") return of_s3(world, request);
  if (service == "kms") return {of_kms(world, request)};
  const QueryCall call{request};
  if (service == "iam") return {of_iam(world, call)};
  if (service == "elb" || service == "elbv2") return {of_load_balancers(world, call)};
  if (service == "sts" && call.action() == "GetCallerIdentity") return {};
  return {{service + ":" + call.action(), call.text("RoleArn"), {}}};
}

Policy::Policy(const std::string& json) {
  const Json document = Json::parse(json, "the policy");
  for (const Json& one : document.elements("Statement")) {
    Statement statement{*one.text("Sid"), texts(one.at("Action")), texts(one.at("Resource")), {}};
    if (one.text("Effect") != "Allow") throw std::logic_error(statement.sid + ": only Allow is understood");
    if (const Json* conditions = one.find("Condition"))
      for (const auto& [operation, keys] : conditions->as_object())
        for (const auto& [key, values] : keys.as_object())
          statement.conditions.push_back({operation, key, texts(values)});
    statements_.push_back(std::move(statement));
  }
}

// A key that the request does not have meets no condition but those for all of its values, of which there are none, and
// those that say so.
bool Policy::met(const Condition& condition, const Permission& asked) {
  const auto found = asked.context.find(condition.key);
  const auto any_of_values = [&](const std::string& value) {
    return std::ranges::any_of(condition.values, [&](const std::string& allowed) {
      return condition.operation.contains("StringEquals") ? allowed == value : like(allowed, value);
    });
  };
  const bool for_all = condition.operation.starts_with("ForAllValues:");
  if (!condition.operation.contains("StringEquals") && !condition.operation.contains("StringLike"))
    throw std::logic_error(condition.operation + " is not understood");
  if (found == asked.context.end()) return for_all || condition.operation.ends_with("IfExists");
  if (!for_all && found->second.size() != 1) throw std::logic_error(condition.key + " has several values");
  return std::ranges::all_of(found->second, any_of_values);
}

bool Policy::allows(const Permission& asked) {
  bool allowed = false;
  for (const Statement& statement : statements_) {
    const auto covers = [&](const std::string& resource) { return like(resource, asked.resource); };
    if (std::ranges::find(statement.actions, asked.action) == statement.actions.end() ||
        std::ranges::none_of(statement.resources, covers) ||
        !std::ranges::all_of(statement.conditions, [&](const Condition& one) { return met(one, asked); }))
      continue;
    used_.emplace(statement.sid, asked.action);
    allowed = true;
  }
  if (!allowed) refused_.push_back(fmt::format("{} on {} with {}", asked.action, asked.resource, asked.context));
  return allowed;
}

std::set<std::pair<std::string, std::string>> Policy::unused() const {
  std::set<std::pair<std::string, std::string>> all;
  for (const Statement& statement : statements_)
    for (const std::string& action : statement.actions)
      if (!used_.contains({statement.sid, action})) all.emplace(statement.sid, action);
  return all;
}

}  // namespace certferry::simulation
