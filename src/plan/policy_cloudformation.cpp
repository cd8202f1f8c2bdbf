#include <fmt/format.h>
#include <utility>

#include "plan/policy_formats.h"

namespace certferry {
namespace {

std::string blanks(std::size_t count) { return std::string(count, ' '); }

// A string of JSON is one of YAML: double-quoted, so that no value is taken for a number, a date or a tag.
std::string yaml(const std::string& text) { return Json{text}.dump(); }

// IAM's own words stand bare but for one, which YAML takes for nothing at all.
std::string yaml_name(const std::string& name) { return name.contains(':') || name == "Null" ? yaml(name) : name; }

std::string yaml(const Json& value, std::size_t indent);

std::string members(const Json& object, std::size_t indent) {
  std::string text;
  for (const std::string& name : members_in_order(object))
    text += fmt::format("{}{}:{}", blanks(indent), yaml_name(name), yaml(object.at(name), indent + 2));
  return text;
}

// What follows "name:", up to the line's end and below.
std::string yaml(const Json& value, std::size_t indent) {
  if (value.is_string()) return fmt::format(" {}\n", yaml(value.as_text()));
  if (value.is_object()) return "\n" + members(value, indent);
  std::string text = "\n";
  for (const Json& element : value.as_array()) text += fmt::format("{}-{}", blanks(indent), yaml(element, 0));
  return text;
}

std::string logical_id(const std::string& text) {
  std::string word;
  bool capital = true;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool plain = letter || (c >= '0' && c <= '9');
    if (plain) word += capital && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    capital = !plain;
  }
  return word;
}

std::string role_id(const Policy& trust) { return logical_id(iam_name(trust)) + "Role"; }

// source: CloudFormation user guide, "Fn::GetAtt"; AWS::IAM::Role, return values, 2026-11-29
Json arn_of_role(const Policy& trust) { return Json::object({{"Fn::GetAtt", Json::array({role_id(trust), "Arn"})}}); }

// "PolicyDocument:" and all below. role: the one that the template makes for certferry, null for none.
std::string document(std::string_view property, const Policy& policy, std::size_t indent,
                     const Policy* role = nullptr) {
  const Json json = policy_document(policy.statements);
  std::string text = fmt::format("{0}{1}:\n{0}  Version: {2}\n{0}  Statement:\n", blanks(indent), property,
                                 yaml(json.at("Version").as_text()));
  const Json::Array& statements = json.elements("Statement");
  for (std::size_t i = 0; i < statements.size(); ++i) {
    Json statement = statements[i];
    if (const auto& principal = policy.statements[i].principal; principal && principal->made && role)
      statement["Principal"][principal->kind] = arn_of_role(*role);
    std::string entry = members(statement, indent + 6);
    entry[indent + 4] = '-';
    text += fmt::format("{}# {}\n{}", blanks(indent + 4), policy.statements[i].why, entry);
  }
  return text;
}

std::string policy_id(const Policy& policy) { return logical_id(iam_name(policy)) + "Policy"; }

std::string resource(const std::string& id, std::string_view type, const std::string& properties) {
  return fmt::format("  {}:\n    Type: {}\n    Properties:\n{}", id, type, properties);
}

std::string property(std::string_view name, const std::string& value) {
  return fmt::format("      {}: {}\n", name, value);
}

std::string list_of_reference(std::string_view name, const std::string& id) {
  return fmt::format("      {}:\n        - !Ref {}\n", name, id);
}

std::string role_resources(const Policy& trust, const std::vector<Policy>& policies) {
  const std::string id = role_id(trust);
  std::string properties = property("RoleName", yaml(iam_name(trust)));
  if (const std::string path = iam_path(trust); path != "/") properties += property("Path", yaml(path));
  properties += document("AssumeRolePolicyDocument", trust, 6);
  if (const Policy* attached = attached_to(trust, policies))
    properties += list_of_reference("ManagedPolicyArns", policy_id(*attached));
  std::string text = resource(id, "AWS::IAM::Role", properties);
  if (trusts_ec2(trust))
    text += resource(logical_id(iam_name(trust)) + "InstanceProfile", "AWS::IAM::InstanceProfile",
                     property("InstanceProfileName", yaml(iam_name(trust))) + list_of_reference("Roles", id));
  return text;
}

std::string new_key(const Policy& policy, const Policy* role) {
  const std::string id = logical_id("key-" + policy.of);
  return fmt::format("  # A new key: CloudFormation cannot give {} this policy.\n", policy.of) +
         fmt::format(
             "  {}:\n    Type: AWS::KMS::Key\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n"
             "    Properties:\n      Description: \"Seals the secrets of certferry\"\n"
             "      EnableKeyRotation: true\n{}",
             id, document("KeyPolicy", policy, 6, role));
}

std::string resources(const Policy& policy, const std::vector<Policy>& policies) {
  switch (policy.kind) {
    case PolicyKind::identity:
      return resource(policy_id(policy), "AWS::IAM::ManagedPolicy",
                      property("ManagedPolicyName", yaml(iam_name(policy))) + document("PolicyDocument", policy, 6));
    case PolicyKind::trust:
      return role_resources(policy, policies);
    case PolicyKind::bucket:
      return resource(logical_id("bucket-" + policy.of), "AWS::S3::BucketPolicy",
                      property("Bucket", yaml(policy.of)) + document("PolicyDocument", policy, 6, own_role(policies)));
    case PolicyKind::key:
      return new_key(policy, own_role(policies));
  }
  std::unreachable();
}

}  // namespace

std::string cloudformation(const std::vector<Policy>& policies) {
  std::string text = "# Written by `certferry policy --format cloudformation`.\n";
  for (const Policy& policy : policies)
    for (const std::string& note : notes_of(policy)) text += fmt::format("# {}\n", note);
  text += "AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: \"What certferry may do\"\nResources:\n";
  for (const Policy& policy : policies) text += resources(policy, policies);
  return text;
}

}  // namespace certferry
