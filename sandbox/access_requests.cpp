#include "sandbox/access_requests.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "sandbox/buckets.h"
#include "sandbox/hosted_zone_batches.h"
#include "sandbox/key_management.h"
#include "sandbox/query_reply.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "sandbox/world.h"
#include "wire/json.h"

namespace certferry::sandbox {
namespace {

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

// As Route 53 normalizes names for its condition keys: lower case, escaped as in its answers, without a final dot.
std::string normalized(const std::string& name) {
  std::string text = written_name(name);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

AccessRequest of_changes(const http::Request& request, std::string zone) {
  AccessRequest asked{"route53:ChangeResourceRecordSets", std::move(zone), {}};
  const auto note = [&](const std::string& key, std::string value) {
    asked.context["route53:ChangeResourceRecordSets" + key].push_back(std::move(value));
  };
  for (const ZoneChange& change : parse_change_batch(request.body).changes) {
    note("NormalizedRecordNames", normalized(change.set.name));
    note("RecordTypes", change.set.type);
    note("Actions", change.action);
  }
  return asked;
}

std::vector<AccessRequest> of_route53(const http::Request& request) {
  const auto parts = parts_of(request.url.path());
  if (parts.size() < 2) return {};
  const std::string& kind = parts[1];
  if (kind == "change" && parts.size() > 2) return {{"route53:GetChange", "arn:aws:route53:::change/" + parts[2], {}}};
  if (kind == "hostedzonesbyname") return {{"route53:ListHostedZonesByName", "*", {}}};
  if (kind != "hostedzone") return {};
  if (parts.size() == 2)
    return {{request.method == "POST" ? "route53:CreateHostedZone" : "route53:ListHostedZones", "*", {}}};
  const std::string zone = "arn:aws:route53:::hostedzone/" + parts[2];
  if (parts.size() == 3) return {{"route53:GetHostedZone", zone, {}}};
  if (request.method == "POST") return {of_changes(request, zone)};
  return {{"route53:ListResourceRecordSets", zone, {}}};
}

// account: of whoever asks.
std::vector<AccessRequest> of_iam(World& world, const QueryCall& call, const std::string& account) {
  const std::string action = "iam:" + call.action(), name = call.text("ServerCertificateName");
  if (const std::string source = call.text("PolicySourceArn"); !source.empty()) return {{action, source, {}}};
  if (const std::string role = call.text("RoleName"); !role.empty()) {
    const std::string arn = world.sts().role_arn(account, role);
    return {{action, arn.empty() ? fmt::format("arn:aws:iam::{}:role/{}", account, role) : arn, {}}};
  }
  if (name.empty()) return {{action, "*", {}}};
  const auto found = world.server_certificates().find(account, name);
  const bool there = found != world.server_certificates().by_name.end();
  const std::string path = there ? found->second.path : call.text("Path").empty() ? "/" : call.text("Path");
  return {{action, fmt::format("arn:aws:iam::{}:server-certificate{}{}", account, path, name), {}}};
}

std::vector<AccessRequest> of_load_balancers(const World& world, const QueryCall& call, const std::string& account) {
  const std::string action = "elasticloadbalancing:" + call.action();
  if (call.action().starts_with("Describe")) return {{action, "*", {}}};
  if (const std::string listener = call.text("ListenerArn"); !listener.empty()) return {{action, listener, {}}};
  return {{action,
           fmt::format("arn:aws:elasticloadbalancing:{}:{}:loadbalancer/{}", world.settings().region, account,
                       call.text("LoadBalancerName")),
           {}}};
}

// Of a list: its prefix, where it has one.
AccessRequest of_list(const http::Request& request, const std::string& bucket) {
  AccessRequest list{"s3:ListBucket", bucket, {}};
  for (const auto& [name, value] : parse_query(request.url.query()))
    if (name == "prefix") list.context["s3:prefix"] = {value};
  return list;
}

std::vector<AccessRequest> of_s3(World& world, const http::Request& request) {
  const Buckets::Place place = world.buckets().place_of(request);
  const std::string bucket = "arn:aws:s3:::" + place.bucket, object = bucket + "/" + place.key;
  const auto known = world.buckets().by_name.find(place.bucket);
  if (place.key.empty()) {
    if (request.url.query().starts_with("versioning"))
      return {{request.method == "PUT" ? "s3:PutBucketVersioning" : "s3:GetBucketVersioning", bucket, {}}};
    if (request.method == "PUT") return {{"s3:CreateBucket", bucket, {}}};
    return {of_list(request, bucket)};
  }
  if (known == world.buckets().by_name.end()) return {};
  if (request.method == "DELETE") return {{"s3:DeleteObject", object, {}}};
  std::vector<AccessRequest> all;
  if (request.method == "PUT") {
    all.push_back({"s3:PutObject", object, {}});
    if (request.headers.get("If-Match")) all.push_back({"s3:GetObject", object, {}});
    return all;
  }
  all.push_back({"s3:GetObject", object, {}});
  if (!known->second.contains(place.key)) all.push_back({"s3:ListBucket", bucket, {}});
  return all;
}

std::vector<AccessRequest> of_kms(World& world, const http::Request& request) {
  const std::string target = request.headers.get("X-Amz-Target").value_or("");
  const Json input = Json::parse(request.body, "the request");
  const auto key = world.kms().key_arn(input, world.asked_region());
  if (!key) return {};
  AccessRequest asked{"kms:" + target.substr(target.find('.') + 1), *key, {}};
  if (const auto named = input.text("KeyId"); named && named->contains("alias/"))
    asked.context["kms:RequestAlias"] = {named->substr(named->find("alias/"))};
  if (const Json* context = input.find("EncryptionContext"); context && context->is_object()) {
    for (const auto& [name, value] : context->as_object()) {
      asked.context["kms:EncryptionContextKeys"].push_back(name);
      asked.context["kms:EncryptionContext:" + name] = {value.as_text()};
    }
  }
  return {asked};
}

std::vector<AccessRequest> of_sts(const QueryCall& call) {
  if (call.action() == "GetCallerIdentity") return {};
  AccessRequest asked{"sts:" + call.action(), call.text("RoleArn"), {}};
  if (const auto words = call.find("ExternalId")) asked.context["sts:ExternalId"] = {*words};
  return {asked};
}

std::vector<AccessRequest> of_service(World& world, const std::string& service, const http::Request& request) {
  if (service == "route53") return of_route53(request);
  if (service == "s3") return of_s3(world, request);
  if (service == "kms") return of_kms(world, request);
  const QueryCall call{request};
  const std::string account = world.sts().account_of(request);
  if (service == "iam") return of_iam(world, call, account);
  if (service == "elb" || service == "elbv2") return of_load_balancers(world, call, account);
  if (service == "sts") return of_sts(call);
  return {};
}

}  // namespace

std::vector<AccessRequest> access_requests(World& world, const std::string& service, const http::Request& request) {
  std::vector<AccessRequest> all;
  try {
    all = of_service(world, service, request);
  } catch (const Failure&) {  // no JSON, no XML: the service says so itself
  } catch (const Refusal&) {
  }
  for (AccessRequest& asked : all) asked.context["aws:SecureTransport"] = {request.url.secure() ? "true" : "false"};
  return all;
}

}  // namespace certferry::sandbox
