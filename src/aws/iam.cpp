#include "aws/iam.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/page_token.h"
#include "aws/query_protocol.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

Call iam_call(std::string operation, std::string object, QueryParameters parameters) {
  return query_call("iam", "2010-05-08", std::move(operation), std::move(object), std::move(parameters));
}

ServerCertificate metadata_of(const Call& call, const Xml& element) {
  return {.arn = answered_arn(call, element.text("Arn")),
          .name = element.text("ServerCertificateName"),
          .path = element.text("Path"),
          .id = element.text("ServerCertificateId")};
}

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Task<http::Response> simulated(Client& client, const Call& call) {
  try {
    co_return co_await client.send(call);
  } catch (const Failure& failure) {
    if (failure.code() != "NoSuchEntity") throw;
    throw Failure(Failure::Kind::refused, failure.what(),
                  "Allow iam:GetRole: a role may have a path, which its sessions do not tell")
        .with_code(failure.code());
  }
}

// Keys of all services, or of the action's own. Where resources were named, each has a list of its own.
// source: IAM API reference, EvaluationResult and ResourceSpecificResult, 2026-11-29
bool lacks_context(const Xml& decision) {
  const std::string action = decision.text("EvalActionName");
  const std::string service = action.substr(0, action.find(':') + 1);
  const auto lacks = [&](const Xml& result) {
    const auto missing = result.child("MissingContextValues");
    return missing && std::ranges::any_of(missing->children("member"), [&](const Xml& key) {
             return key.text().starts_with("aws:") || (!service.empty() && key.text().starts_with(service));
           });
  };
  const auto of_resources = decision.child("ResourceSpecificResults");
  return lacks(decision) || (of_resources && std::ranges::any_of(of_resources->children("member"), lacks));
}

// source: IAM API reference, EvaluationResult, 2026-11-29
PolicyDenial denial_in(const Xml& decision) {
  const auto not_allowed = [&](std::string_view detail) {
    const auto said = decision.path(detail);
    return said && said->text() == "false";
  };
  return {.asked = fmt::format("{} on {}", decision.text("EvalActionName"), decision.text("EvalResourceName")),
          .explicitly = decision.text("EvalDecision") == "explicitDeny",
          .by_boundary = not_allowed("PermissionsBoundaryDecisionDetail/AllowedByPermissionsBoundary"),
          .by_organization = not_allowed("OrganizationsDecisionDetail/AllowedByOrganizations"),
          .lacks_context = lacks_context(decision)};
}

QueryParameters parameters_of(const PolicyQuestion& question) {
  QueryParameters parameters = {{"PolicySourceArn", question.principal}};
  add_members(parameters, "ActionNames", question.actions);
  add_members(parameters, "ResourceArns", question.resources);
  int entry = 0;
  for (const auto& [key, values] : question.context) {
    const std::string at = fmt::format("ContextEntries.member.{}.", ++entry);
    parameters.emplace_back(at + "ContextKeyName", key);
    parameters.emplace_back(at + "ContextKeyType", "stringList");
    add_members(parameters, at + "ContextKeyValues", values);
  }
  return parameters;
}

}  // namespace

Task<ServerCertificate> Iam::upload(const std::string& path, const std::string& name, const std::string& leaf_pem,
                                    const Secret& key_pem, const std::string& chain_pem) {
  QueryParameters parameters = {{"Path", path},
                                {"ServerCertificateName", name},
                                {"CertificateBody", leaf_pem},
                                {"PrivateKey", std::string{key_pem.reveal()}}};
  if (!chain_pem.empty()) parameters.emplace_back("CertificateChain", chain_pem);
  Call call = iam_call("UploadServerCertificate", "server certificate " + name, std::move(parameters));
  call.repeatable = false;
  http::Response answer = co_await client_.send(call);
  co_return metadata_of(call, expected(call, query_result(call, answer), "ServerCertificateMetadata"));
}

Task<std::optional<ServerCertificate>> Iam::get(const std::string& name) {
  Call call = iam_call("GetServerCertificate", "server certificate " + name, {{"ServerCertificateName", name}});
  try {
    http::Response answer = co_await client_.send(call);
    const Xml found = expected(call, query_result(call, answer), "ServerCertificate");
    ServerCertificate out = metadata_of(call, expected(call, found, "ServerCertificateMetadata"));
    out.body = found.text("CertificateBody");
    out.chain = found.text("CertificateChain");
    co_return out;
  } catch (const Failure& failure) {
    if (failure.code() != "NoSuchEntity") throw;
  }
  co_return std::nullopt;
}

Task<Iam::Removal> Iam::remove(const std::string& name) {
  Call call = iam_call("DeleteServerCertificate", "server certificate " + name, {{"ServerCertificateName", name}});
  call.repeatable = false;
  try {
    co_await carry_out(client_, call);
    co_return Removal::removed;
  } catch (const Failure& failure) {
    if (failure.code() == "NoSuchEntity") co_return Removal::absent;
    if (failure.code() == "DeleteConflict") co_return Removal::in_use;
    throw;
  }
}

Task<CertificateQuota> Iam::quota() {
  Call call = iam_call("GetAccountSummary", "this account", {});
  http::Response answer = co_await client_.send(call);
  CertificateQuota quota;
  for (const Xml& entry : expected(call, query_result(call, answer), "SummaryMap").children("entry")) {
    if (entry.text("key") == "ServerCertificates") quota.used = number_in(entry.text("value"));
    if (entry.text("key") == "ServerCertificatesQuota") quota.most = number_in(entry.text("value"));
  }
  co_return quota;
}

Task<Arn> Iam::role_arn(const std::string& name) {
  const Call call = iam_call("GetRole", "role " + name, {{"RoleName", name}});
  const http::Response answer = co_await client_.send(call);
  co_return answered_arn(call, expected(call, query_result(call, answer), "Role").text("Arn"));
}

Task<std::vector<PolicyDenial>> Iam::denied(const PolicyQuestion& question) {
  std::vector<PolicyDenial> denied;
  PageToken marker;
  do {
    QueryParameters parameters = parameters_of(question);
    if (!marker.empty()) parameters.emplace_back("Marker", marker.text());
    Call call = iam_call("SimulatePrincipalPolicy", question.principal, std::move(parameters));
    const http::Response answer = co_await simulated(client_, call);
    Xml page = query_result(call, answer);
    const std::vector<Xml> decisions = expected(call, page, "EvaluationResults").children("member");
    if (decisions.empty()) throw unfit_answer(call, "the answer decides nothing");
    for (const Xml& one : decisions)
      if (one.text("EvalDecision") != "allowed") denied.push_back(denial_in(one));
    marker.follow(call, page.text("IsTruncated") == "true", page.text("Marker"));
  } while (!marker.empty());
  co_return denied;
}

}  // namespace certferry::aws
